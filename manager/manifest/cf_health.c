/*
 * Health checks of manifest.yml.  A key's field is "health.NAME" or
 * "readiness.NAME"; what it may be is common/health_rule.h's.
 */
#include <stdio.h>
#include <string.h>

#include "common/health_rule.h"
#include "manifest/cf.h"

static json_t *
check_of(struct reading *r, const char *field)
{
	json_t *process = process_settings(r), *check;
	char name[16];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(field, "."), field);
	if ((check = json_object_get(process, name)) == NULL) {
		check = json_object();
		json_object_set_new(process, name, check);
	}
	return check;
}

static void
check_put(struct reading *r, const struct key *key, const struct value *v,
    const char *name, json_t *value)
{
	char path[96];

	json_object_set_new(check_of(r, key->field), name, value);
	snprintf(path, sizeof(path), "processes.%s.%s", r->process, key->field);
	put_place(r, path, v->node->at);
}

void
cf_health_type(struct reading *r, const struct key *key, const struct value *v)
{
	const char *type = v->node->text;
	struct note_value shown;

	if (strcmp(type, "none") == 0)
		type = "process";
	if (health_type_parse(type) == -1)
		refuse(r, v->node,
		    "%s has to be port, http, process or command, not \"%s\"",
		    key->name, note_value(&shown, type));
	else
		check_put(r, key, v, "type", json_string(type));
}

static const struct {
	const char *name;
	int (*valid)(const char *);
	const char *form;
} texts[] = {
    {"path", health_path_valid,
	"a path of printable ASCII, as /healthz, 200 bytes at most"},
    {"status", health_status_valid, "statuses, as 200-299,304"},
    {"command", health_command_valid, "one line of shell, 4096 bytes at most"},
};

void
cf_health_text(struct reading *r, const struct key *key, const struct value *v)
{
	const char *name = strchr(key->field, '.') + 1;
	size_t i;

	for (i = 0; strcmp(texts[i].name, name) != 0;)
		i++;
	if (texts[i].valid(v->node->text))
		check_put(r, key, v, name, json_string(v->node->text));
	else
		refuse(r, v->node, "%s has to be %s", key->name, texts[i].form);
}

void
cf_health_headers(
    struct reading *r, const struct key *key, const struct value *v)
{
	json_t *headers = json_object();
	const struct node *value;

	for (size_t i = 0; i < v->node->n; i++) {
		value = v->node->v[i];
		if (value->kind != NODE_TEXT || i >= HEALTH_HEADERS_MAX ||
		    !health_header_valid(v->node->keys[i].text, value->text)) {
			refuse(r, value,
			    "%s have to be at most %d names with a text, %d "
			    "bytes each at most",
			    key->name, HEALTH_HEADERS_MAX, HEALTH_HEADER_MAX);
			json_decref(headers);
			return;
		}
		json_object_set_new(
		    headers, v->node->keys[i].text, json_string(value->text));
	}
	check_put(r, key, v, "headers", headers);
}

/* What counts only with another type is left out. */
static void
drop_of_others(
    struct reading *r, const char *name, const char *which, json_t *check)
{
	static const struct {
		const char *field;
		const char *key;
		enum health_type type;
	} of[] = {
	    {"path", "http-endpoint", HEALTH_HTTP},
	    {"status", "http-status", HEALTH_HTTP},
	    {"headers", "http-headers", HEALTH_HTTP},
	    {"command", "command", HEALTH_COMMAND},
	};
	struct node_place nowhere = {0, 0};
	const char *type = json_string_value(json_object_get(check, "type"));
	enum health_type is = HEALTH_PORT;

	if (type != NULL)
		is = (enum health_type)health_type_parse(type);
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		if (json_object_get(check, of[i].field) == NULL ||
		    of[i].type == is)
			continue;
		note(r->notes, NOTE_WARNING, nowhere,
		    "%s-%s of %s counts only with %s-type: %s", which,
		    of[i].key, name, which, health_type_name(of[i].type));
		json_object_del(check, of[i].field);
	}
	if (is == HEALTH_HTTP && json_object_get(check, "path") == NULL)
		json_object_set_new(check, "path", json_string("/"));
	if (is == HEALTH_COMMAND && json_object_get(check, "command") == NULL)
		note(r->notes, NOTE_ERROR, nowhere,
		    "%s-type: command of %s wants a %s-command", which, name,
		    which);
}

void
cf_health_end(struct reading *r)
{
	json_t *process, *check;
	const char *name;

	json_object_foreach (
	    json_object_get(r->app, "processes"), name, process) {
		if ((check = json_object_get(process, "health")) != NULL)
			drop_of_others(r, name, "health-check", check);
		if ((check = json_object_get(process, "readiness")) != NULL)
			drop_of_others(
			    r, name, "readiness-health-check", check);
	}
}
