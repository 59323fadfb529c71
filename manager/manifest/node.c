#include "manifest/node.h"

#include <stdlib.h>
#include <string.h>

static void *
must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

struct node *
node_new(enum node_kind kind, struct node_place at)
{
	struct node *node = must(calloc(1, sizeof(*node)));

	node->kind = kind;
	node->at = at;
	return node;
}

struct node *
node_new_text(const char *text, struct node_place at)
{
	struct node *node = node_new(NODE_TEXT, at);

	node->text = must(strdup(text));
	return node;
}

void
node_free(struct node *node)
{
	if (node == NULL)
		return;
	for (size_t i = 0; i < node->n; i++) {
		node_free(node->v[i]);
		if (node->keys != NULL)
			free(node->keys[i].text);
	}
	free(node->v);
	free(node->keys);
	free(node->text);
	free(node);
}

void
node_add(struct node *list, struct node *item)
{
	if (item == NULL)
		item = node_new(NODE_NULL, list->at);
	list->v = must(reallocarray(list->v, list->n + 1, sizeof(*list->v)));
	list->v[list->n++] = item;
}

int
node_find(const struct node *map, const char *key, size_t *index)
{
	if (map == NULL || map->kind != NODE_MAP)
		return 0;
	for (size_t i = 0; i < map->n; i++)
		if (strcmp(map->keys[i].text, key) == 0) {
			*index = i;
			return 1;
		}
	return 0;
}

struct node *
node_get(const struct node *map, const char *key)
{
	size_t i;

	/* What has keys has values: said for those who read only this. */
	if (!node_find(map, key, &i) || map->v == NULL)
		return NULL;
	return map->v[i];
}

void
node_set(
    struct node *map, const char *key, struct node_place at, struct node *value)
{
	size_t i;

	if (value == NULL)
		value = node_new(NODE_NULL, at);
	if (node_find(map, key, &i) && map->v != NULL) {
		node_free(map->v[i]);
		map->v[i] = value;
		map->keys[i].at = at;
		return;
	}
	map->keys =
	    must(reallocarray(map->keys, map->n + 1, sizeof(*map->keys)));
	map->keys[map->n].text = must(strdup(key));
	map->keys[map->n].at = at;
	node_add(map, value);
}

struct node *
node_copy(const struct node *from)
{
	struct node *node = node_new(from->kind, from->at);

	node->anchored = from->anchored;
	if (from->text != NULL)
		node->text = must(strdup(from->text));
	for (size_t i = 0; i < from->n; i++)
		if (from->kind == NODE_MAP)
			node_set(node, from->keys[i].text, from->keys[i].at,
			    node_copy(from->v[i]));
		else
			node_add(node, node_copy(from->v[i]));
	return node;
}

void
node_merge(struct node *into, const struct node *from, int deep)
{
	struct node *mine;

	for (size_t i = 0; i < from->n; i++) {
		mine = node_get(into, from->keys[i].text);
		if (mine == NULL)
			node_set(into, from->keys[i].text, from->keys[i].at,
			    node_copy(from->v[i]));
		else if (deep && mine->kind == NODE_MAP &&
			 from->v[i]->kind == NODE_MAP)
			node_merge(mine, from->v[i], deep);
	}
}
