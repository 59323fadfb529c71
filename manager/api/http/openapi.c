#include "api/http/openapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_table.h"

#define PATH_MAX_BYTES 128

/* x-paas-need: paas-manager(8) has what each one is. */
static const char *const needs[] = {
    [API_OPEN] = "open",
    [API_SELF] = "self",
    [API_SELF_CHANGE] = "self-change",
    [API_LIST] = "list",
    [API_CREATE] = "create",
    [API_STATE] = "state",
    [API_VIEW] = "view",
    [API_PUSH] = "push",
    [API_CHANGE] = "change",
    [API_SECRETS] = "secrets",
    [API_SET_SECRETS] = "set-secrets",
    [API_OWN] = "own",
    [API_WATCH] = "watch",
    [API_ADMIN] = "admin",
    [API_TEAM_VIEW] = "team-view",
    [API_TEAM_SELF] = "team-self",
    [API_TEAM_OWN] = "team-own",
    [API_LOCAL] = "local",
    [API_GIT] = "git",
};

/* ---- the files --------------------------------------------------------- */

/* Adds the members of one object to another; -1 if one is there already. */
static int
merge(json_t *into, json_t *from, const char *file, char err[PAAS_ERRLEN])
{
	const char *name;
	json_t *value;

	json_object_foreach (from, name, value) {
		if (json_object_get(into, name) != NULL) {
			snprintf(err, PAAS_ERRLEN,
			    "schema/%s.json: %.80s is there already", file,
			    name);
			return -1;
		}
		json_object_set(into, name, value);
	}
	return 0;
}

static json_t *
schemas_of(json_t *document)
{
	return json_object_get(
	    json_object_get(document, "components"), "schemas");
}

static json_t *
read_file(const struct openapi_file *file, char err[PAAS_ERRLEN])
{
	json_error_t error;
	json_t *part;

	part = json_loadb(file->text, (size_t)(file->end - file->text),
	    JSON_REJECT_DUPLICATES, &error);
	if (part == NULL)
		snprintf(err, PAAS_ERRLEN, "schema/%s.json:%d:%d: %.200s",
		    file->name, error.line, error.column, error.text);
	return part;
}

/* All of them in one document; NULL with a sentence in err. */
static json_t *
read_all(char err[PAAS_ERRLEN])
{
	const struct openapi_file *file = openapi_files;
	json_t *part, *document = read_file(file, err);
	int rc = document != NULL ? 0 : -1;

	while (rc == 0 && (++file)->name != NULL) {
		if ((part = read_file(file, err)) == NULL) {
			rc = -1;
			break;
		}
		rc = merge(json_object_get(document, "paths"),
		    json_object_get(part, "paths"), file->name, err);
		if (rc == 0)
			rc = merge(schemas_of(document), schemas_of(part),
			    file->name, err);
		json_decref(part);
	}
	if (rc == 0)
		return document;
	json_decref(document);
	return NULL;
}

/* ---- what the table of routes knows ------------------------------------ */

/* "/apps/{app}/dynos" -> "/apps/:/dynos", as api_table.c has it. */
static void
path_of(const char *templated, char path[PATH_MAX_BYTES])
{
	size_t n = 0;

	for (; *templated != '\0' && n < PATH_MAX_BYTES - 1; templated++) {
		if (*templated == '{') {
			path[n++] = ':';
			templated += strcspn(templated, "}");
			if (*templated == '\0')
				break;
		} else
			path[n++] = *templated;
	}
	path[n] = '\0';
}

/* Each {name} of a path is a text, and has to be there. */
static void
add_parameters(const char *path, json_t *item)
{
	json_t *list = json_array();
	size_t len;

	while ((path = strchr(path, '{')) != NULL) {
		len = strcspn(++path, "}");
		json_array_append_new(
		    list, json_pack("{s:s%, s:s, s:b, s:{s:s}}", "name", path,
			      len, "in", "path", "required", 1, "schema",
			      "type", "string"));
		path += len;
	}
	if (json_array_size(list) > 0)
		json_object_set(item, "parameters", list);
	json_decref(list);
}

static void
add_need(const struct api_route *route, json_t *operation)
{
	json_t *responses = json_object_get(operation, "responses");

	if (route->need < sizeof(needs) / sizeof(needs[0]) &&
	    needs[route->need] != NULL)
		json_object_set_new(
		    operation, "x-paas-need", json_string(needs[route->need]));
	if (route->need == API_OPEN &&
	    json_object_get(operation, "security") == NULL)
		json_object_set_new(operation, "security", json_array());
	if (responses == NULL) {
		responses = json_object();
		json_object_set_new(operation, "responses", responses);
	}
	json_object_set_new(responses, "default",
	    json_pack("{s:s}", "$ref", "#/components/responses/Error"));
}

static int
is_list(json_t *response)
{
	json_t *at = json_object_get(response, "content");

	at = json_object_get(at, "application/json");
	at = json_object_get(json_object_get(at, "schema"), "type");
	return json_is_string(at) &&
	       strcmp(json_string_value(at), "array") == 0;
}

static void
add_header(json_t *operation, const char *name, const char *text)
{
	json_t *list = json_object_get(operation, "parameters");

	if (list == NULL) {
		list = json_array();
		json_object_set_new(operation, "parameters", list);
	}
	json_array_append_new(list,
	    json_pack("{s:s, s:s, s:s, s:{s:s}}", "name", name, "in", "header",
		"description", text, "schema", "type", "string"));
}

/* protocol.h: what holds for all of them. */
static void
add_protocol(const struct api_route *route, json_t *operation)
{
	json_t *responses = json_object_get(operation, "responses");
	json_t *whole = json_object_get(responses, "200");

	if (strcmp(route->method, "POST") == 0)
		add_header(operation, "Idempotency-Key",
		    "sent again with the same body it makes no second change");
	if (strcmp(route->method, "GET") != 0 || !is_list(whole))
		return;
	add_header(
	    operation, "Range", "a page: FIELD FIRST..LAST; max=N, order=desc");
	json_object_set(responses, "206", whole);
}

static json_t *
body_of(json_t *operation)
{
	json_t *at = json_object_get(operation, "requestBody");

	at = json_object_get(at, "content");
	at = json_object_get(at, "application/json");
	return json_object_get(at, "schema");
}

static void
add_route(struct openapi *openapi, const struct api_route *route)
{
	char path[PATH_MAX_BYTES], method[16];
	const char *templated;
	json_t *item, *operation;
	size_t n = 0;

	for (; n < sizeof(method) - 1 && route->method[n] != '\0'; n++)
		method[n] = (char)(route->method[n] | 0x20);
	method[n] = '\0';
	json_object_foreach (
	    json_object_get(openapi->document, "paths"), templated, item) {
		path_of(templated, path);
		operation = json_object_get(item, method);
		if (operation == NULL || strcmp(path, route->path) != 0)
			continue;
		add_parameters(templated, item);
		add_need(route, operation);
		add_protocol(route, operation);
		if ((route->flags & API_BODY) != 0)
			openapi->bodies[route - api_routes] =
			    body_of(operation);
	}
}

/* ---- the whole --------------------------------------------------------- */

static int
complete(struct openapi *openapi)
{
	const struct api_route *route;
	size_t n = 0;

	while (api_routes[n].method != NULL)
		n++;
	openapi->bodies = calloc(n + 1, sizeof(*openapi->bodies));
	if (openapi->bodies == NULL)
		return -1;
	for (route = api_routes; route->method != NULL; route++)
		add_route(openapi, route);
	openapi->schemas = schemas_of(openapi->document);
	openapi->text = json_dumps(openapi->document, JSON_COMPACT);
	if (openapi->text == NULL)
		return -1;
	openapi->len = strlen(openapi->text);
	return 0;
}

struct openapi *
openapi_open(char err[PAAS_ERRLEN])
{
	struct openapi *openapi;

	if ((openapi = calloc(1, sizeof(*openapi))) == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	if ((openapi->document = read_all(err)) == NULL) {
		openapi_close(openapi);
		return NULL;
	}
	if (complete(openapi) == -1) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		openapi_close(openapi);
		return NULL;
	}
	return openapi;
}

void
openapi_close(struct openapi *openapi)
{
	if (openapi == NULL)
		return;
	json_decref(openapi->document);
	free(openapi->bodies);
	free(openapi->text);
	free(openapi);
}

int
openapi_check(const struct openapi *openapi, const struct api_route *route,
    json_t *body, char err[PAAS_ERRLEN])
{
	json_t *schema = openapi->bodies[route - api_routes];

	if (schema == NULL)
		return 0;
	return openapi_check_value(openapi->schemas, schema, body, "", err);
}
