#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config_name.h"
#include "manifest/reading.h"
#include "sandbox/sandbox.h"

void
refuse(struct reading *r, const struct node *node, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	note(r->notes, NOTE_ERROR, node->at, "%s", text);
}

const char *
text_of(struct reading *r, const char *what, const struct node *node)
{
	if (node->kind == NODE_TEXT)
		return node->text;
	refuse(r, node, "%s takes a text", what);
	return NULL;
}

int
size_parse(const char *text, int64_t *bytes)
{
	static const struct {
		const char *name;
		int64_t bytes;
	} units[] = {{"K", KIB}, {"KB", KIB}, {"M", MIB}, {"MB", MIB},
	    {"G", GIB}, {"GB", GIB}, {"T", 1024 * GIB}, {"TB", 1024 * GIB}};
	long long n;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -1;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0)
		return -1;
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcasecmp(end, units[i].name) == 0 &&
		    n <= INT64_MAX / units[i].bytes) {
			*bytes = n * units[i].bytes;
			return 0;
		}
	return -1;
}

static void
size_text(char out[32], int64_t bytes)
{
	if (bytes % GIB == 0)
		snprintf(out, 32, "%lldG", (long long)(bytes / GIB));
	else
		snprintf(out, 32, "%lldM", (long long)(bytes / MIB));
}

static int
number_parse(const char *text, int64_t *number)
{
	long long n;
	char *end;

	if (!isdigit((unsigned char)text[0]) && text[0] != '-')
		return -1;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || end == text)
		return -1;
	*number = n;
	return 0;
}

static int
read_number(
    struct reading *r, const struct key *key, const char *text, struct value *v)
{
	struct note_value shown;

	if (number_parse(text, &v->number) == 0 && v->number >= key->min &&
	    v->number <= key->max)
		return 0;
	refuse(r, v->node,
	    "%s has to be a whole number from %" PRId64 " to %" PRId64
	    ", not \"%s\"",
	    v->key, key->min, key->max, note_value(&shown, text));
	return -1;
}

static int
read_size(
    struct reading *r, const struct key *key, const char *text, struct value *v)
{
	char min[32], max[32];
	struct note_value shown;

	if (size_parse(text, &v->number) == -1) {
		refuse(r, v->node,
		    "%s has to be a number with a unit, as 512M or 1G, not "
		    "\"%s\"",
		    v->key, note_value(&shown, text));
		return -1;
	}
	if (v->number >= key->min && v->number <= key->max)
		return 0;
	size_text(min, key->min);
	size_text(max, key->max);
	refuse(r, v->node, "%s has to be from %s to %s, not \"%s\"", v->key,
	    min, max, note_value(&shown, text));
	return -1;
}

static int
read_flag(
    struct reading *r, const struct key *key, const char *text, struct value *v)
{
	struct note_value shown;

	(void)key;
	v->number = strcasecmp(text, "true") == 0;
	if (v->number || strcasecmp(text, "false") == 0)
		return 0;
	refuse(r, v->node, "%s has to be true or false, not \"%s\"", v->key,
	    note_value(&shown, text));
	return -1;
}

static int
read_text(
    struct reading *r, const struct key *key, const char *text, struct value *v)
{
	(void)key;
	if (text[0] != '\0')
		return 0;
	refuse(r, v->node, "%s is empty", v->key);
	return -1;
}

static const struct {
	enum node_kind kind;
	int (*read)(
	    struct reading *, const struct key *, const char *, struct value *);
	const char *form;
} forms[] = {
    [TAKES_TEXT] = {NODE_TEXT, read_text, "a text"},
    [TAKES_NUMBER] = {NODE_TEXT, read_number, "a whole number"},
    [TAKES_SIZE] = {NODE_TEXT, read_size, "a number with a unit, as 512M"},
    [TAKES_FLAG] = {NODE_TEXT, read_flag, "true or false"},
    [TAKES_LIST] = {NODE_LIST, NULL, "a list"},
    [TAKES_MAP] = {NODE_MAP, NULL, "a map"},
};

/* Null is as good as not there. */
static void
read_value(struct reading *r, const struct key *key, struct node_place at,
    const struct node *node)
{
	struct value v = {key->name, node, 0};

	if (key->takes == TAKES_NOTHING) {
		if (key->hint != NULL)
			note(r->notes, NOTE_WARNING, at, "%s %s", key->name,
			    key->hint);
		return;
	}
	if (node->kind == NODE_NULL)
		return;
	if (key->takes != TAKES_ANY) {
		if (node->kind != forms[key->takes].kind) {
			refuse(r, node, "%s has to be %s", key->name,
			    forms[key->takes].form);
			return;
		}
		if (forms[key->takes].read != NULL &&
		    forms[key->takes].read(r, key, node->text, &v) == -1)
			return;
	}
	if (key->effect != NULL)
		key->effect(r, key, &v);
}

int
read_key(struct reading *r, const struct key *keys, const char *name,
    struct node_place at, const struct node *node)
{
	for (; keys->name != NULL; keys++)
		if (strcmp(keys->name, name) == 0) {
			read_value(r, keys, at, node);
			return 1;
		}
	return 0;
}

void
read_map(struct reading *r, const struct key *keys, const struct node *map)
{
	struct note_value shown;

	for (size_t i = 0; i < map->n; i++)
		if (!read_key(
			r, keys, map->keys[i].text, map->keys[i].at, map->v[i]))
			note(r->notes, NOTE_WARNING, map->keys[i].at,
			    "%s is not a key that is known here, and is left "
			    "out",
			    note_value(&shown, map->keys[i].text));
}

/* ---- into the settings ------------------------------------------------- */

static json_t *
member(json_t *object, const char *name, json_t *(*make)(void))
{
	json_t *value = json_object_get(object, name);

	if (value == NULL) {
		value = make();
		json_object_set_new(object, name, value);
	}
	return value;
}

void
put_place(struct reading *r, const char *path, struct node_place at)
{
	char text[32];

	snprintf(text, sizeof(text), "%u:%u", at.line, at.column);
	json_object_set_new(
	    member(r->app, "at", json_object), path, json_string(text));
}

json_t *
process_settings(struct reading *r)
{
	return member(
	    member(r->app, "processes", json_object), r->process, json_object);
}

void
put_number(struct reading *r, const struct key *key, const struct value *value)
{
	json_t *process = process_settings(r);
	const char *dot;
	char path[128];

	snprintf(path, sizeof(path), "processes.%s.%s", r->process, key->field);
	put_place(r, path, value->node->at);
	/* "health.X" is X in health. */
	if ((dot = strchr(key->field, '.')) != NULL) {
		snprintf(path, sizeof(path), "%.*s", (int)(dot - key->field),
		    key->field);
		process = member(process, path, json_object);
	}
	json_object_set_new(process, dot != NULL ? dot + 1 : key->field,
	    json_integer(value->number));
}

int
env_name_fits(struct reading *r, const char *name, struct node_place at)
{
	struct note_value shown;

	if (!config_name_valid(name))
		note(r->notes, NOTE_ERROR, at,
		    "\"%s\" can't name a variable: A-Z, a-z, 0-9 and '_', not "
		    "a digit first",
		    note_value(&shown, name));
	else if (config_name_reserved(name))
		note(r->notes, NOTE_ERROR, at,
		    "%s is set by the platform: choose another name than PORT, "
		    "DYNO and PAAS_*",
		    note_value(&shown, name));
	else if (json_object_size(json_object_get(r->app, "env")) >=
		 MANIFEST_ENV_MAX)
		note(r->notes, NOTE_ERROR, at, "more than %d variables",
		    MANIFEST_ENV_MAX);
	else
		return 1;
	return 0;
}

void
put_env(struct reading *r, const char *name, struct node_place name_at,
    const struct node *value)
{
	json_t *text;
	char path[160];

	if (!env_name_fits(r, name, name_at))
		return;
	if (value->kind != NODE_TEXT && value->kind != NODE_NULL) {
		refuse(
		    r, value, "%s has to be a text, or null to unset it", name);
		return;
	}
	text =
	    value->kind == NODE_NULL ? json_null() : json_string(value->text);
	snprintf(path, sizeof(path), "env.%s", name);
	put_place(r, path, value->at);
	json_object_set_new(member(r->app, "env", json_object), name, text);
}

void
put_pack(struct reading *r, const struct node *node)
{
	json_t *packs = member(r->app, "buildpacks", json_array);
	const char *text = text_of(r, "a buildpack", node);

	if (text == NULL)
		return;
	if (json_array_size(packs) == MANIFEST_PACKS_MAX)
		refuse(r, node, "more than %d buildpacks", MANIFEST_PACKS_MAX);
	else if (!types_command_valid(text, strlen(text)))
		refuse(r, node, "a buildpack is a name or a URL");
	else
		json_array_append_new(packs, json_string(text));
}

void
put_host(struct reading *r, const char *host, struct node_place at)
{
	json_t *value, *hosts = member(r->app, "hosts", json_array);
	char path[32];
	size_t i;

	json_array_foreach (hosts, i, value)
		if (strcasecmp(json_string_value(value), host) == 0)
			return;
	if (json_array_size(hosts) == MANIFEST_HOSTS_MAX) {
		note(r->notes, NOTE_ERROR, at, "more than %d routes",
		    MANIFEST_HOSTS_MAX);
		return;
	}
	snprintf(path, sizeof(path), "hosts.%zu", json_array_size(hosts));
	put_place(r, path, at);
	json_array_append_new(hosts, json_string(host));
}
