/*
 * ((name)) in a manifest.  One that is all of a value becomes whatever the
 * variable is, also a list or a map; within a text it has to be a text.  A
 * value is not looked at again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/manifest.h"

#define VAR_NAME_MAX 128

struct resolve {
	const struct vars *vars;
	const char *hint;
	struct notes *notes;
	size_t nodes;
	size_t bytes;
};

int
vars_add_file(
    struct vars *vars, const char *text, size_t len, struct notes *notes)
{
	struct node_place nowhere = {0, 0};
	struct node *node;

	if (vars->n == VARS_MAX) {
		note(notes, NOTE_ERROR, nowhere,
		    "more than %d files of variables", VARS_MAX);
		return -1;
	}
	if ((node = node_from_yaml(text, len, notes)) == NULL)
		return -1;
	if (node->kind != NODE_MAP && node->kind != NODE_NULL) {
		note(notes, NOTE_ERROR, node->at,
		    "a file of variables is a map, of lines as name: value");
		node_free(node);
		return -1;
	}
	vars->files[vars->n++] = node;
	return 0;
}

int
vars_add(struct vars *vars, const char *pair)
{
	struct node_place nowhere = {0, 0};
	const char *equals = strchr(pair, '=');
	char name[VAR_NAME_MAX];

	if (equals == NULL || equals == pair ||
	    (size_t)(equals - pair) >= sizeof(name))
		return -1;
	memcpy(name, pair, (size_t)(equals - pair));
	name[equals - pair] = '\0';
	if (vars->given == NULL)
		vars->given = node_new(NODE_MAP, nowhere);
	node_set(
	    vars->given, name, nowhere, node_new_text(equals + 1, nowhere));
	return 0;
}

void
vars_free(struct vars *vars)
{
	for (size_t i = 0; i < vars->n; i++)
		node_free(vars->files[i]);
	node_free(vars->given);
	memset(vars, 0, sizeof(*vars));
}

/* By its whole name, else by its parts: "db.host" is host in db. */
static const struct node *
find_in(const struct node *map, const char *name)
{
	char part[VAR_NAME_MAX];
	const struct node *found = node_get(map, name);
	const char *dot;

	if (found != NULL || map == NULL || map->kind != NODE_MAP ||
	    (dot = strchr(name, '.')) == NULL)
		return found;
	memcpy(part, name, (size_t)(dot - name));
	part[dot - name] = '\0';
	return find_in(node_get(map, part), dot + 1);
}

static const struct node *
find_var(const struct vars *vars, const char *name)
{
	const struct node *found;

	if (vars == NULL)
		return NULL;
	found = find_in(vars->given, name);
	for (size_t i = vars->n; found == NULL && i > 0; i--)
		found = find_in(vars->files[i - 1], name);
	return found;
}

/*
 * The next ((name)) of a text: its beginning, with its length and name; NULL
 * if there is no more.
 */
static const char *
next_var(const char *text, size_t *len, char name[VAR_NAME_MAX])
{
	const char *at = text;
	size_t n, lead;

	while ((at = strstr(at, "((")) != NULL) {
		lead = 2 + (at[2] == '!');
		n = strspn(at + lead, "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-./");
		if (n > 0 && n < VAR_NAME_MAX &&
		    strncmp(at + lead + n, "))", 2) == 0) {
			memcpy(name, at + lead, n);
			name[n] = '\0';
			*len = lead + n + 2;
			return at;
		}
		at++;
	}
	return NULL;
}

static size_t
count_nodes(const struct node *node, size_t *bytes)
{
	size_t n = 1;

	*bytes += node->text != NULL ? strlen(node->text) : 0;
	for (size_t i = 0; i < node->n; i++)
		n += count_nodes(node->v[i], bytes);
	return n;
}

static int
pay(struct resolve *r, size_t nodes, size_t bytes, struct node_place at)
{
	size_t before =
	    r->nodes <= NODE_COUNT_MAX && r->bytes <= NODE_BYTES_MAX;

	r->nodes += nodes;
	r->bytes += bytes;
	if (r->nodes <= NODE_COUNT_MAX && r->bytes <= NODE_BYTES_MAX)
		return 0;
	if (before)
		note(r->notes, NOTE_ERROR, at,
		    "the variables come to more than %d values or %d KiB",
		    NODE_COUNT_MAX, NODE_BYTES_MAX / 1024);
	return -1;
}

static void
say_missing(struct resolve *r, struct node_place at, const char *name)
{
	struct note_value shown;

	note(r->notes, NOTE_ERROR, at, "((%s)) has no value: %s",
	    note_value(&shown, name), r->hint);
}

/* All of a value: takes what the variable is, and the place stays. */
static void
put_whole(struct resolve *r, struct node *node, const char *name)
{
	const struct node *var = find_var(r->vars, name);
	struct node_place at = node->at;
	struct node *copy;
	size_t bytes = 0, nodes;

	if (var == NULL) {
		say_missing(r, at, name);
		return;
	}
	nodes = count_nodes(var, &bytes);
	if (pay(r, nodes, bytes, at) == -1)
		return;
	copy = node_copy(var);
	free(node->text);
	*node = *copy;
	node->at = at;
	free(copy);
}

static void
put_parts(struct resolve *r, struct node *node)
{
	const char *at, *from = node->text;
	char *out = NULL, name[VAR_NAME_MAX];
	const struct node *var;
	struct note_value shown;
	size_t size, len;
	FILE *file = open_memstream(&out, &size);

	if (file == NULL)
		abort();
	while ((at = next_var(from, &len, name)) != NULL) {
		fwrite(from, 1, (size_t)(at - from), file);
		from = at + len;
		var = find_var(r->vars, name);
		if (var == NULL)
			say_missing(r, node->at, name);
		else if (var->kind != NODE_TEXT)
			note(r->notes, NOTE_ERROR, node->at,
			    "((%s)) stands within a text, and is none",
			    note_value(&shown, name));
		else if (pay(r, 1, strlen(var->text), node->at) == 0)
			fputs(var->text, file);
	}
	fputs(from, file);
	if (fclose(file) != 0)
		abort();
	free(node->text);
	node->text = out;
}

static void
resolve(struct resolve *r, struct node *node)
{
	char name[VAR_NAME_MAX];
	const char *at;
	size_t len;

	if (node->kind != NODE_TEXT) {
		for (size_t i = 0; i < node->n; i++)
			resolve(r, node->v[i]);
		return;
	}
	if ((at = next_var(node->text, &len, name)) == NULL)
		return;
	if (at == node->text && node->text[len] == '\0')
		put_whole(r, node, name);
	else
		put_parts(r, node);
}

void
vars_resolve(const struct vars *vars, struct node *node, const char *hint,
    struct notes *notes)
{
	struct resolve r = {vars, hint, notes, 0, 0};

	resolve(&r, node);
}
