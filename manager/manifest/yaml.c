/*
 * libyaml's document to our tree.  An alias may refer to a node that has
 * itself in it, and ten lines of aliases may stand for a billion nodes: each
 * node and byte of the resolved tree is paid from a budget.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "manifest/note.h"

#define ANCHORS_MAX 500

struct convert {
	yaml_document_t *doc;
	unsigned char *seen; /* by node: 0, 1 or 2 and more references */
	struct notes *notes;
	size_t nodes;
	size_t bytes;
	int depth;
};

static struct node *convert(struct convert *, int id);

static struct node_place
place_of(yaml_mark_t mark)
{
	struct node_place at = {
	    (unsigned int)mark.line + 1, (unsigned int)mark.column + 1};

	return at;
}

static int
pay(struct convert *c, size_t bytes, struct node_place at)
{
	c->nodes++;
	c->bytes += bytes;
	if (c->nodes <= NODE_COUNT_MAX && c->bytes <= NODE_BYTES_MAX)
		return 0;
	note(c->notes, NOTE_ERROR, at,
	    "the file comes to more than %d values or %d KiB with its aliases "
	    "resolved",
	    NODE_COUNT_MAX, NODE_BYTES_MAX / 1024);
	return -1;
}

/* What YAML takes for nothing, where it is not quoted. */
static int
is_null(const yaml_node_t *node)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};
	const char *text = (const char *)node->data.scalar.value;

	if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(text, words[i]) == 0)
			return 1;
	return 0;
}

static struct node *
convert_text(struct convert *c, const yaml_node_t *from)
{
	struct node_place at = place_of(from->start_mark);
	const char *text = (const char *)from->data.scalar.value;

	if (strlen(text) != from->data.scalar.length) {
		note(c->notes, NOTE_ERROR, at, "a value holds a NUL byte");
		return NULL;
	}
	if (pay(c, from->data.scalar.length, at) == -1)
		return NULL;
	return is_null(from) ? node_new(NODE_NULL, at)
			     : node_new_text(text, at);
}

static struct node *
convert_list(struct convert *c, const yaml_node_t *from)
{
	struct node *item,
	    *list = node_new(NODE_LIST, place_of(from->start_mark));
	yaml_node_item_t *i;

	for (i = from->data.sequence.items.start;
	     i < from->data.sequence.items.top; i++) {
		if ((item = convert(c, *i)) == NULL) {
			node_free(list);
			return NULL;
		}
		node_add(list, item);
	}
	return list;
}

/* "<<": a map, or a list of them, of which the first ones count more. */
static int
merge(struct convert *c, struct node *into, int id)
{
	struct node *from = convert(c, id);
	int result = 0;

	if (from == NULL)
		return -1;
	if (from->kind == NODE_MAP)
		node_merge(into, from, 0);
	else if (from->kind == NODE_LIST)
		for (size_t i = 0; i < from->n && result == 0; i++)
			if (from->v[i]->kind == NODE_MAP)
				node_merge(into, from->v[i], 0);
			else
				result = -1;
	else
		result = -1;
	if (result == -1)
		note(c->notes, NOTE_ERROR, from->at,
		    "\"<<\" takes a map, as *defaults, or a list of maps");
	node_free(from);
	return result;
}

static int
convert_pair(struct convert *c, struct node *map, const yaml_node_pair_t *pair,
    int merges)
{
	const yaml_node_t *key = yaml_document_get_node(c->doc, pair->key);
	struct node_place at = place_of(key->start_mark);
	struct note_value shown;
	struct node *value;
	const char *text;
	int is_merge;

	if (key->type != YAML_SCALAR_NODE ||
	    strlen((const char *)key->data.scalar.value) !=
		key->data.scalar.length) {
		note(c->notes, NOTE_ERROR, at, "a key has to be a word");
		return -1;
	}
	text = (const char *)key->data.scalar.value;
	is_merge = strcmp(text, "<<") == 0 &&
		   key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (is_merge != merges)
		return 0;
	if (merges)
		return merge(c, map, pair->value);
	if (pay(c, key->data.scalar.length, at) == -1)
		return -1;
	if (node_get(map, text) != NULL) {
		note(c->notes, NOTE_ERROR, at, "\"%s\" is there twice",
		    note_value(&shown, text));
		return -1;
	}
	if ((value = convert(c, pair->value)) == NULL)
		return -1;
	node_set(map, text, at, value);
	return 0;
}

static struct node *
convert_map(struct convert *c, const yaml_node_t *from)
{
	struct node *map = node_new(NODE_MAP, place_of(from->start_mark));
	yaml_node_pair_t *pair;

	/* A map's own keys come before those that it merges. */
	for (int merges = 0; merges < 2; merges++)
		for (pair = from->data.mapping.pairs.start;
		     pair < from->data.mapping.pairs.top; pair++)
			if (convert_pair(c, map, pair, merges) == -1) {
				node_free(map);
				return NULL;
			}
	return map;
}

static struct node *
convert(struct convert *c, int id)
{
	const yaml_node_t *from = yaml_document_get_node(c->doc, id);
	struct node *node = NULL;

	if (from->type == YAML_SCALAR_NODE) {
		node = convert_text(c, from);
	} else if (c->depth == NODE_DEPTH_MAX) {
		note(c->notes, NOTE_ERROR, place_of(from->start_mark),
		    "lists and maps are more than %d deep in each other",
		    NODE_DEPTH_MAX);
	} else if (pay(c, 0, place_of(from->start_mark)) == 0) {
		c->depth++;
		node = from->type == YAML_SEQUENCE_NODE ? convert_list(c, from)
							: convert_map(c, from);
		c->depth--;
	}
	if (node != NULL)
		node->anchored = c->seen[id - 1] > 1;
	return node;
}

static void
see(struct convert *c, int id)
{
	if (c->seen[id - 1] < 2)
		c->seen[id - 1]++;
}

/* The document API forgets anchors: who is referred to twice has one. */
static void
see_all(struct convert *c)
{
	yaml_node_t *node;
	yaml_node_item_t *item;
	yaml_node_pair_t *pair;

	for (node = c->doc->nodes.start; node < c->doc->nodes.top; node++)
		if (node->type == YAML_SEQUENCE_NODE)
			for (item = node->data.sequence.items.start;
			     item < node->data.sequence.items.top; item++)
				see(c, *item);
		else if (node->type == YAML_MAPPING_NODE)
			for (pair = node->data.mapping.pairs.start;
			     pair < node->data.mapping.pairs.top; pair++)
				see(c, pair->value);
}

static struct node *
from_document(yaml_document_t *doc, struct notes *notes)
{
	struct convert c = {.doc = doc, .notes = notes};
	struct node_place nowhere = {0, 0};
	struct node *node;

	if (yaml_document_get_root_node(doc) == NULL)
		return node_new(NODE_NULL, nowhere);
	c.seen = calloc((size_t)(doc->nodes.top - doc->nodes.start), 1);
	if (c.seen == NULL)
		abort();
	see_all(&c);
	node = convert(&c, 1);
	free(c.seen);
	return node;
}

static void
say_problem(const yaml_parser_t *parser, struct notes *notes)
{
	struct note_value shown;

	note(notes, NOTE_ERROR, place_of(parser->problem_mark),
	    "this is no YAML: %s",
	    note_value(&shown, parser->problem != NULL ? parser->problem
						       : "it can't be read"));
}

/* One document, and nothing after it. */
static struct node *
load(yaml_parser_t *parser, struct notes *notes)
{
	yaml_document_t doc;
	struct node *node;

	if (!yaml_parser_load(parser, &doc)) {
		say_problem(parser, notes);
		return NULL;
	}
	node = from_document(&doc, notes);
	yaml_document_delete(&doc);
	if (node == NULL || node->at.line == 0)
		return node;
	if (!yaml_parser_load(parser, &doc)) {
		say_problem(parser, notes);
		node_free(node);
		return NULL;
	}
	if (yaml_document_get_root_node(&doc) != NULL) {
		note(notes, NOTE_ERROR, place_of(doc.start_mark),
		    "a second document begins here: one file has one");
		node_free(node);
		node = NULL;
	}
	yaml_document_delete(&doc);
	return node;
}

static int
fits(size_t len, struct notes *notes)
{
	struct node_place nowhere = {0, 0};

	if (len <= NODE_FILE_MAX)
		return 1;
	note(notes, NOTE_ERROR, nowhere, "the file is larger than %d KiB",
	    NODE_FILE_MAX / 1024);
	return 0;
}

static void
parser_begin(yaml_parser_t *parser, const char *text, size_t len)
{
	if (!yaml_parser_initialize(parser))
		abort();
	yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(parser, (const unsigned char *)text, len);
}

struct shape {
	int depth;
	size_t events;
	size_t anchors;
};

/* Why it goes no further, or NULL. */
static const char *
shape_take(struct shape *shape, const yaml_event_t *event)
{
	const yaml_char_t *anchor = NULL;

	switch (event->type) {
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		shape->depth++;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		shape->depth++;
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		shape->depth--;
		break;
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		break;
	default:
		break;
	}
	shape->anchors += anchor != NULL;
	if (shape->depth > NODE_DEPTH_MAX)
		return "lists and maps are too deep in each other";
	if (++shape->events > 4 * NODE_COUNT_MAX)
		return "the file has too many values";
	if (shape->anchors > ANCHORS_MAX)
		return "the file has too many anchors";
	return NULL;
}

/*
 * libyaml's work grows with the square of the depth and of the anchors: both
 * are bounded before it makes a document.  What is wrong otherwise is said
 * there.
 */
static int
shape_fits(const char *text, size_t len, struct notes *notes)
{
	struct shape shape = {0, 0, 0};
	yaml_parser_t parser;
	yaml_event_t event;
	const char *why = NULL;
	int more = 1;

	parser_begin(&parser, text, len);
	while (more && why == NULL && yaml_parser_parse(&parser, &event)) {
		more = event.type != YAML_STREAM_END_EVENT;
		why = shape_take(&shape, &event);
		if (why != NULL)
			note(notes, NOTE_ERROR, place_of(event.start_mark),
			    "%s", why);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return why == NULL;
}

struct node *
node_from_yaml(const char *text, size_t len, struct notes *notes)
{
	yaml_parser_t parser;
	struct node *node;

	if (!fits(len, notes) || !shape_fits(text, len, notes))
		return NULL;
	parser_begin(&parser, text, len);
	node = load(&parser, notes);
	yaml_parser_delete(&parser);
	return node;
}

/* \ud83d\ude00, which is one character in JSON, as YAML has it. */
static void
join_surrogates(char *text, size_t len)
{
	unsigned int high, low;
	char joined[13];

	for (size_t i = 0; i + 1 < len; i++) {
		if (text[i] != '\\')
			continue;
		if (i + 12 <= len &&
		    sscanf(text + i, "\\u%4x\\u%4x", &high, &low) == 2 &&
		    high >= 0xd800 && high < 0xdc00 && low >= 0xdc00 &&
		    low < 0xe000) {
			/* Two columns less, which go to the text's end. */
			snprintf(joined, sizeof(joined), "\\U%08x",
			    0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
			memcpy(text + i, joined, 10);
			memmove(text + i + 10, text + i + 12, len - i - 12);
			memset(text + len - 2, ' ', 2);
			i += 9;
		} else
			i++;
	}
}

/* jansson judges what is JSON, libyaml, which reads that too, gives places. */
struct node *
node_from_json(const char *text, size_t len, struct notes *notes)
{
	struct note_value shown;
	json_error_t error;
	struct node *node;
	json_t *json;
	char *copy;

	if (!fits(len, notes))
		return NULL;
	json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (json == NULL) {
		struct node_place at = {
		    error.line > 0 ? (unsigned int)error.line : 0,
		    error.column > 0 ? (unsigned int)error.column : 1};

		note(notes, NOTE_ERROR, at, "this is no JSON: %s",
		    note_value(&shown, error.text));
		return NULL;
	}
	json_decref(json);
	if ((copy = malloc(len + 1)) == NULL)
		abort();
	memcpy(copy, text, len);
	copy[len] = '\0';
	join_surrogates(copy, len);
	node = node_from_yaml(copy, len, notes);
	free(copy);
	return node;
}
