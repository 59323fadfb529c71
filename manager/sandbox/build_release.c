/*
 * What bin/release prints: YAML with default_process_types, a mapping of
 * names to commands.  `addons` and the long deprecated `config_vars` of
 * other packs are read and left out.
 */
#include "sandbox/build.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

/* The value of a scalar key in a mapping, or NULL. */
static yaml_node_t *
find(yaml_document_t *doc, yaml_node_t *map, const char *name)
{
	yaml_node_pair_t *pair;
	yaml_node_t *key;

	for (pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++) {
		key = yaml_document_get_node(doc, pair->key);
		if (key != NULL && key->type == YAML_SCALAR_NODE &&
		    key->data.scalar.length == strlen(name) &&
		    memcmp(key->data.scalar.value, name, strlen(name)) == 0)
			return yaml_document_get_node(doc, pair->value);
	}
	return NULL;
}

static int
add_type(yaml_node_t *key, yaml_node_t *value, struct types *types,
    char err[SANDBOX_ERRLEN])
{
	char name[96];

	if (key == NULL || key->type != YAML_SCALAR_NODE || value == NULL ||
	    value->type != YAML_SCALAR_NODE) {
		snprintf(err, SANDBOX_ERRLEN,
		    "default_process_types must map names to commands.");
		return -1;
	}
	text_escape(name, sizeof(name), (char *)key->data.scalar.value);
	switch (types_add(types, (char *)key->data.scalar.value,
	    key->data.scalar.length, (char *)value->data.scalar.value,
	    value->data.scalar.length, 0)) {
	case TYPES_OK:
	case TYPES_TWICE: /* YAML: the first one stands */
		return 0;
	case TYPES_NAME:
		snprintf(err, SANDBOX_ERRLEN,
		    "\"%s\" can't name a process type: " SANDBOX_TYPE_RULE ".",
		    name);
		break;
	case TYPES_COMMAND:
		snprintf(err, SANDBOX_ERRLEN,
		    "the command of \"%s\" must be one line of UTF-8.", name);
		break;
	case TYPES_MANY:
		snprintf(err, SANDBOX_ERRLEN,
		    "an app has at most %d process "
		    "types, with %d bytes of commands in all.",
		    SANDBOX_TYPES_MAX, SANDBOX_COMMANDS_MAX);
		break;
	}
	return -1;
}

static int
read_document(
    yaml_document_t *doc, struct types *types, char err[SANDBOX_ERRLEN])
{
	yaml_node_t *root, *map;
	yaml_node_pair_t *pair;

	root = yaml_document_get_root_node(doc);
	if (root == NULL)
		return 0;
	if (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0)
		return 0;
	if (root->type != YAML_MAPPING_NODE) {
		snprintf(err, SANDBOX_ERRLEN, "it is not a YAML mapping.");
		return -1;
	}
	map = find(doc, root, "default_process_types");
	if (map == NULL ||
	    (map->type == YAML_SCALAR_NODE && map->data.scalar.length == 0))
		return 0;
	if (map->type != YAML_MAPPING_NODE) {
		snprintf(err, SANDBOX_ERRLEN,
		    "default_process_types must map names to commands.");
		return -1;
	}
	for (pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++)
		if (add_type(yaml_document_get_node(doc, pair->key),
			yaml_document_get_node(doc, pair->value), types,
			err) == -1)
			return -1;
	return 0;
}

int
release_parse(
    const char *yaml, size_t len, struct types *types, char err[SANDBOX_ERRLEN])
{
	yaml_parser_t parser;
	yaml_document_t doc;
	int result = -1;

	if (!yaml_parser_initialize(&parser)) {
		snprintf(err, SANDBOX_ERRLEN, "out of memory.");
		return -1;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)yaml, len);
	if (!yaml_parser_load(&parser, &doc)) {
		snprintf(err, SANDBOX_ERRLEN, "line %zu: %s.",
		    parser.problem_mark.line + 1,
		    parser.problem != NULL ? parser.problem : "not YAML");
	} else {
		result = read_document(&doc, types, err);
		yaml_document_delete(&doc);
	}
	yaml_parser_delete(&parser);
	return result;
}
