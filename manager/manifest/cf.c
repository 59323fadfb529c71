/*
 * Cloud Foundry's manifest.yml
 * (https://docs.cloudfoundry.org/devguide/deploy-apps/manifest-attributes.html).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"
#include "common/health_rule.h"
#include "manifest/cf.h"
#include "sandbox/sandbox.h"

static void
cf_command(struct reading *r, const struct key *key, const struct value *v)
{
	const char *text = v->node->text;
	size_t len = strlen(text);
	char *line, *at;

	(void)key;
	/* "command: |" ends in a newline, and folds into one line. */
	if ((line = strdup(text)) == NULL)
		abort();
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == ' '))
		line[--len] = '\0';
	if (strcmp(line, "null") == 0 || strcmp(line, "default") == 0) {
		/* That of the Procfile or the buildpack. */
	} else if (!types_command_valid(line, len)) {
		for (at = line; *at != '\0' && *at != '\n'; at++)
			;
		refuse(r, v->node,
		    *at == '\n'
			? "command has to be one line: join them with && or "
			  "move them into a script"
			: "command has to be UTF-8 without control characters, "
			  "4096 bytes at most");
	} else
		json_object_set_new(
		    process_settings(r), "command", json_string(line));
	free(line);
}

/* -1 is no limit, which is the highest that there is. */
static void
cf_log_rate(struct reading *r, const struct key *key, const struct value *v)
{
	struct value rate = *v;
	struct note_value shown;

	if (strcmp(v->node->text, "-1") == 0)
		rate.number = CONF_LOG_RATE_MOST;
	else if (size_parse(v->node->text, &rate.number) == -1 ||
		 rate.number < CONF_LOG_RATE_LEAST ||
		 rate.number > CONF_LOG_RATE_MOST) {
		refuse(r, v->node,
		    "%s has to be a number with a unit, from 1K to 3814M, or "
		    "-1 for no limit, not \"%s\"",
		    v->key, note_value(&shown, v->node->text));
		return;
	}
	put_number(r, key, &rate);
}

#define SECONDS(name, field)                                                \
	{                                                                   \
		name, TAKES_NUMBER, 1, SECONDS_MAX, put_number, NULL, field \
	}

/* clang-format off */
#define PROCESS_KEYS \
	{"instances", TAKES_NUMBER, 0, 10000, put_number, NULL, "quantity"}, \
	{"memory", TAKES_SIZE, MEMORY_MIN, MEMORY_MAX, put_number, NULL, \
	    "memory"}, \
	{"disk_quota", TAKES_SIZE, MIB, MEMORY_MAX, put_number, NULL, "disk"}, \
	{"disk-quota", TAKES_SIZE, MIB, MEMORY_MAX, put_number, NULL, "disk"}, \
	{"command", TAKES_TEXT, 0, 0, cf_command, NULL, NULL}, \
	{"health-check-type", TAKES_TEXT, 0, 0, cf_health_type, NULL, \
	    "health"}, \
	{"health-check-http-endpoint", TAKES_TEXT, 0, 0, cf_health_text, \
	    NULL, "health.path"}, \
	{"health-check-http-status", TAKES_TEXT, 0, 0, cf_health_text, NULL, \
	    "health.status"}, \
	{"health-check-http-headers", TAKES_MAP, 0, 0, cf_health_headers, \
	    NULL, "health.headers"}, \
	{"health-check-command", TAKES_TEXT, 0, 0, cf_health_text, NULL, \
	    "health.command"}, \
	SECONDS("health-check-invocation-timeout", "health.timeout"), \
	SECONDS("health-check-interval", "health.interval"), \
	{"health-check-failures", TAKES_NUMBER, 1, HEALTH_TIMES_MAX, \
	    put_number, NULL, "health.failures"}, \
	{"health-check-restart", TAKES_NUMBER, 0, HEALTH_TIMES_MAX, \
	    put_number, NULL, "health.restart"}, \
	SECONDS("timeout", "health.start_timeout"), \
	{"drain-timeout", TAKES_NUMBER, 0, SECONDS_MAX, put_number, NULL, \
	    "drain_timeout"}, \
	{"stop-timeout", TAKES_NUMBER, 0, SECONDS_MAX, put_number, NULL, \
	    "stop_timeout"}, \
	{"readiness-health-check-type", TAKES_TEXT, 0, 0, cf_health_type, \
	    NULL, "readiness"}, \
	{"readiness-health-check-http-endpoint", TAKES_TEXT, 0, 0, \
	    cf_health_text, NULL, "readiness.path"}, \
	{"readiness-health-check-command", TAKES_TEXT, 0, 0, cf_health_text, \
	    NULL, "readiness.command"}, \
	SECONDS("readiness-health-check-invocation-timeout", \
	    "readiness.timeout"), \
	SECONDS("readiness-health-check-interval", "readiness.interval"), \
	{"log-rate-limit-per-second", TAKES_TEXT, 0, 0, cf_log_rate, NULL, \
	    "log_rate"}

static void cf_processes(struct reading *, const struct key *,
    const struct value *);
static void cf_env(struct reading *, const struct key *, const struct value *);
static void cf_packs(struct reading *, const struct key *,
    const struct value *);
static void cf_pack(struct reading *, const struct key *,
    const struct value *);
static void cf_services(struct reading *, const struct key *,
    const struct value *);
static void cf_docker(struct reading *, const struct key *,
    const struct value *);
static void cf_lifecycle(struct reading *, const struct key *,
    const struct value *);
static void cf_path(struct reading *, const struct key *,
    const struct value *);
static void cf_no_route(struct reading *, const struct key *,
    const struct value *);

static const struct key processes_keys[] = {
	{"processes", TAKES_LIST, 0, 0, cf_processes, NULL, NULL},
	{0},
};

static const struct key process_keys[] = {
	{"type", TAKES_NOTHING, 0, 0, NULL, NULL, NULL}, /* read before */
	PROCESS_KEYS,
	{0},
};

static const struct key app_keys[] = {
	{"name", TAKES_NOTHING, 0, 0, NULL, NULL, NULL}, /* read before */
	PROCESS_KEYS,
	{"processes", TAKES_NOTHING, 0, 0, NULL, NULL, NULL}, /* after all */
	{"path", TAKES_TEXT, 0, 0, cf_path, NULL, NULL},
	{"env", TAKES_MAP, 0, 0, cf_env, NULL, NULL},
	{"routes", TAKES_LIST, 0, 0, cf_routes, NULL, NULL},
	{"random-route", TAKES_FLAG, 0, 0, NULL, NULL, NULL},
	{"default-route", TAKES_FLAG, 0, 0, NULL, NULL, NULL},
	{"no-route", TAKES_FLAG, 0, 0, cf_no_route, NULL, NULL},
	{"services", TAKES_LIST, 0, 0, cf_services, NULL, NULL},
	{"buildpacks", TAKES_LIST, 0, 0, cf_packs, NULL, NULL},
	{"buildpack", TAKES_TEXT, 0, 0, cf_pack, NULL, NULL},
	{"stack", TAKES_NOTHING, 0, 0, NULL,
	    "has no effect: apps run on this machine's Debian", NULL},
	{"docker", TAKES_ANY, 0, 0, cf_docker, NULL, NULL},
	{"lifecycle", TAKES_TEXT, 0, 0, cf_lifecycle, NULL, NULL},
	{"cnb-credentials", TAKES_NOTHING, 0, 0, NULL,
	    "has no effect: there are no cloud native buildpacks here", NULL},
	{"sidecars", TAKES_NOTHING, 0, 0, NULL,
	    "are not had here: make each a process type of its own", NULL},
	{"metadata", TAKES_MAP, 0, 0, NULL, NULL, NULL},
	{"features", TAKES_NOTHING, 0, 0, NULL, "have no effect here", NULL},
	/* Of long ago: read together, in cf_hosts. */
	{"host", TAKES_TEXT, 0, 0, NULL, NULL, NULL},
	{"hosts", TAKES_LIST, 0, 0, NULL, NULL, NULL},
	{"domain", TAKES_TEXT, 0, 0, NULL, NULL, NULL},
	{"domains", TAKES_LIST, 0, 0, NULL, NULL, NULL},
	{"no-hostname", TAKES_FLAG, 0, 0, NULL, NULL, NULL},
	{0},
};
/* clang-format on */

static void
cf_path(struct reading *r, const struct key *key, const struct value *v)
{
	(void)key;
	json_object_set_new(r->app, "path", json_string(v->node->text));
	put_place(r, "path", v->node->at);
}

static void
cf_no_route(struct reading *r, const struct key *key, const struct value *v)
{
	(void)key;
	if (v->number)
		note(r->notes, NOTE_WARNING, v->node->at,
		    "no-route: an app always has its own host, APP.DOMAIN; "
		    "with health-check-type: process it need not listen");
}

static void
cf_env(struct reading *r, const struct key *key, const struct value *v)
{
	(void)key;
	for (size_t i = 0; i < v->node->n; i++)
		put_env(r, v->node->keys[i].text, v->node->keys[i].at,
		    v->node->v[i]);
}

static void
cf_packs(struct reading *r, const struct key *key, const struct value *v)
{
	(void)key;
	for (size_t i = 0; i < v->node->n; i++)
		put_pack(r, v->node->v[i]);
}

/* One, of before there were several; "default" is none. */
static void
cf_pack(struct reading *r, const struct key *key, const struct value *v)
{
	(void)key;
	if (strcmp(v->node->text, "default") != 0 &&
	    json_object_get(r->app, "buildpacks") == NULL)
		put_pack(r, v->node);
}

static void
cf_services(struct reading *r, const struct key *key, const struct value *v)
{
	const struct node *item, *name;
	struct note_value shown;

	(void)key;
	for (size_t i = 0; i < v->node->n; i++) {
		item = v->node->v[i];
		name = item->kind == NODE_MAP ? node_get(item, "name") : item;
		if (name == NULL || name->kind != NODE_TEXT)
			refuse(r, item,
			    "a service is a name, or a map with a name");
		else
			refuse(r, item,
			    "the service \"%s\" can't be bound: this platform "
			    "has no services yet. Take it out, and name it to "
			    "the app with `paas config:set`",
			    note_value(&shown, name->text));
	}
}

static void
cf_docker(struct reading *r, const struct key *key, const struct value *v)
{
	(void)key;
	refuse(r, v->node,
	    "docker images are not fetched: save it as an OCI layout (skopeo "
	    "copy docker://IMAGE oci:DIR) and use `paas push --image DIR`");
}

static void
cf_lifecycle(struct reading *r, const struct key *key, const struct value *v)
{
	struct note_value shown;

	if (strcmp(v->node->text, "docker") == 0)
		cf_docker(r, key, v);
	else if (strcmp(v->node->text, "buildpack") != 0)
		refuse(r, v->node, "lifecycle has to be buildpack, not \"%s\"",
		    note_value(&shown, v->node->text));
}

/* ---- processes --------------------------------------------------------- */

static void
cf_process(struct reading *app, const struct node *map)
{
	const struct node *type = node_get(map, "type");
	struct reading r = *app;
	struct note_value shown;

	if (map->kind != NODE_MAP || type == NULL || type->kind != NODE_TEXT) {
		refuse(&r, map, "a process is a map with a type, as web");
		return;
	}
	if (!types_name_valid(type->text, strlen(type->text))) {
		refuse(&r, type,
		    "\"%s\" can't name a process type: " SANDBOX_TYPE_RULE,
		    note_value(&shown, type->text));
		return;
	}
	r.process = type->text;
	read_map(&r, process_keys, map);
}

static void
cf_processes(struct reading *r, const struct key *key, const struct value *v)
{
	const struct node *type, *other;
	struct note_value shown;

	(void)key;
	if (v->node->n > MANIFEST_PROCESSES_MAX) {
		refuse(r, v->node, "more than %d processes",
		    MANIFEST_PROCESSES_MAX);
		return;
	}
	for (size_t i = 0; i < v->node->n; i++) {
		type = node_get(v->node->v[i], "type");
		for (size_t j = 0; type != NULL && j < i; j++) {
			other = node_get(v->node->v[j], "type");
			if (other != NULL && type->kind == NODE_TEXT &&
			    other->kind == NODE_TEXT &&
			    strcmp(type->text, other->text) == 0)
				refuse(r, type,
				    "the process \"%s\" is there twice",
				    note_value(&shown, type->text));
		}
		cf_process(r, v->node->v[i]);
	}
}

json_t *
cf_read_app(const struct node *map, struct notes *notes)
{
	struct reading r = {notes, NULL, "web"};
	const struct node *name = node_get(map, "name");
	size_t i;

	r.app = json_pack("{s:s, s:s, s:b}", "file", notes->file, "name",
	    name != NULL && name->kind == NODE_TEXT ? name->text : "",
	    "defaults", 0);
	if (r.app == NULL)
		abort();
	/* What an app says of itself is of web, unless its processes say. */
	read_map(&r, app_keys, map);
	if (node_find(map, "processes", &i))
		(void)read_key(&r, processes_keys, "processes", map->keys[i].at,
		    map->v[i]);
	cf_hosts(&r, map);
	cf_health_end(&r);
	return r.app;
}

int
cf_is_app_key(const char *name)
{
	for (const struct key *key = app_keys; key->name != NULL; key++)
		if (strcmp(key->name, name) == 0)
			return 1;
	return 0;
}
