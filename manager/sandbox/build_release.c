/*
 * What bin/release prints: YAML with default_process_types, a mapping of
 * names to commands; config_vars, of names to values, for the first release
 * of an app; and addons, a list of names.
 */
#include "sandbox/build.h"

#include <bsd/string.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

static const char types_rule[] =
    "default_process_types must map names to commands.";

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

/* Takes a pair of a mapping into the release: 0, or -1 with err. */
typedef int (*add_pair)(yaml_node_t *key, yaml_node_t *value, struct release *,
    char err[SANDBOX_ERRLEN]);

static int
add_type(yaml_node_t *key, yaml_node_t *value, struct release *release,
    char err[SANDBOX_ERRLEN])
{
	char name[96];

	if (key == NULL || key->type != YAML_SCALAR_NODE || value == NULL ||
	    value->type != YAML_SCALAR_NODE) {
		snprintf(err, SANDBOX_ERRLEN, "%s", types_rule);
		return -1;
	}
	text_escape(name, sizeof(name), (char *)key->data.scalar.value);
	switch (types_add(&release->types, (char *)key->data.scalar.value,
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
is_scalar(const yaml_node_t *node)
{
	return node != NULL && node->type == YAML_SCALAR_NODE;
}

static int
var_name_valid(const char *name, size_t len)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz_0123456789";

	return len > 0 && len <= SANDBOX_VAR_NAME &&
	       strspn(name, letters) == len && (name[0] < '0' || name[0] > '9');
}

static int
add_var(yaml_node_t *key, yaml_node_t *value, struct release *release,
    char err[SANDBOX_ERRLEN])
{
	char name[96];
	json_t *text = NULL;

	if (release->config == NULL)
		release->config = json_object();
	if (is_scalar(key) && is_scalar(value) &&
	    var_name_valid(
		(char *)key->data.scalar.value, key->data.scalar.length) &&
	    value->data.scalar.length <= SANDBOX_VAR_VALUE &&
	    json_object_size(release->config) < SANDBOX_VARS_MAX)
		text = json_stringn((char *)value->data.scalar.value,
		    value->data.scalar.length);
	if (text == NULL) {
		text_escape(name, sizeof(name),
		    is_scalar(key) ? (char *)key->data.scalar.value : "?");
		snprintf(err, SANDBOX_ERRLEN,
		    "config_vars must map at most %d names (A-Z, a-z, 0-9, "
		    "'_') to texts of at most %d bytes: \"%s\" does not.",
		    SANDBOX_VARS_MAX, SANDBOX_VAR_VALUE, name);
		return -1;
	}
	json_object_set_new(
	    release->config, (char *)key->data.scalar.value, text);
	return 0;
}

/* Is it there at all?  "name:" without a value is not. */
static yaml_node_t *
find_filled(yaml_document_t *doc, yaml_node_t *root, const char *name)
{
	yaml_node_t *node = find(doc, root, name);

	return is_scalar(node) &&
		       (node->data.scalar.length == 0 ||
			   strcmp((char *)node->data.scalar.value, "null") == 0)
		   ? NULL
		   : node;
}

/* Each pair of a mapping, if that is one: `rule` is what it must be. */
static int
read_map(yaml_document_t *doc, yaml_node_t *map, const char *rule, add_pair add,
    struct release *release, char err[SANDBOX_ERRLEN])
{
	yaml_node_pair_t *pair;

	if (map == NULL)
		return 0;
	if (map->type != YAML_MAPPING_NODE) {
		snprintf(err, SANDBOX_ERRLEN, "%s", rule);
		return -1;
	}
	for (pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++)
		if (add(yaml_document_get_node(doc, pair->key),
			yaml_document_get_node(doc, pair->value), release,
			err) == -1)
			return -1;
	return 0;
}

/* Whatever it is, it is only told. */
static void
read_addons(yaml_document_t *doc, yaml_node_t *list, struct release *release)
{
	yaml_node_item_t *item;
	yaml_node_t *node;
	char name[64];

	if (list == NULL || list->type != YAML_SEQUENCE_NODE)
		return;
	for (item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top; item++) {
		node = yaml_document_get_node(doc, *item);
		if (!is_scalar(node))
			continue;
		text_escape(
		    name, sizeof(name), (char *)node->data.scalar.value);
		if (release->addons[0] != '\0')
			strlcat(release->addons, ", ", sizeof(release->addons));
		strlcat(release->addons, name, sizeof(release->addons));
	}
}

static int
read_document(
    yaml_document_t *doc, struct release *release, char err[SANDBOX_ERRLEN])
{
	yaml_node_t *root;

	root = yaml_document_get_root_node(doc);
	if (root == NULL || (is_scalar(root) && root->data.scalar.length == 0))
		return 0;
	if (root->type != YAML_MAPPING_NODE) {
		snprintf(err, SANDBOX_ERRLEN, "it is not a YAML mapping.");
		return -1;
	}
	read_addons(doc, find_filled(doc, root, "addons"), release);
	if (read_map(doc, find_filled(doc, root, "default_process_types"),
		types_rule, add_type, release, err) == -1)
		return -1;
	return read_map(doc, find_filled(doc, root, "config_vars"),
	    "config_vars must map names to values.", add_var, release, err);
}

int
release_parse(const char *yaml, size_t len, struct release *release,
    char err[SANDBOX_ERRLEN])
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
		result = read_document(&doc, release, err);
		yaml_document_delete(&doc);
	}
	yaml_parser_delete(&parser);
	return result;
}

void
release_free(struct release *release)
{
	types_free(&release->types);
	json_decref(release->config);
	release->config = NULL;
}
