/*
 * {"name": "web.1", "state", "status", ...}: one process, as the scheduler
 * assigned it and as the node found it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/dyno/dyno.h"
#include "api/http/check.h"
#include "api/http/id.h"
#include "api/model.h"
#include "store/keys.h"

/*
 * The node's word, the one that people read, and the one that Heroku's
 * clients know.
 */
static const struct dyno_state {
	const char *actual;
	const char *status;
	const char *state;
} dyno_states[] = {
    {"", "created", "starting"}, /* assigned, and the node has not begun */
    {"starting", "starting", "starting"},
    {"ready", "ready", "up"},
    {"unhealthy", "unhealthy", "unhealthy"},
    {"draining", "draining", "stopping"},
    {"stopping", "stopping", "stopping"},
    {"crashed", "crashed", "crashed"},
    {"backoff", "backing off", "crashed"},
    {"failed", "failed", "crashed"},
    {"gone", "gone", "down"},
};

static const struct dyno_state *
dyno_state(json_t *actual)
{
	const char *state = model_text(actual, "state");
	size_t i;

	for (i = 0; i < sizeof(dyno_states) / sizeof(dyno_states[0]); i++)
		if (strcmp(dyno_states[i].actual, state) == 0)
			return &dyno_states[i];
	return &dyno_states[0];
}

int
model_parse_dyno(const char *dyno, char type[MODEL_NAME_MAX], uint32_t *index)
{
	const char *dot = strchr(dyno, '.');
	int64_t number;

	if (dot == NULL || (size_t)(dot - dyno) >= MODEL_NAME_MAX)
		return -1;
	memcpy(type, dyno, (size_t)(dot - dyno));
	type[dot - dyno] = '\0';
	if (!key_app_valid(type) || check_digits(dot + 1, &number) == -1 ||
	    number < 1 || number > UINT32_MAX)
		return -1;
	*index = (uint32_t)number;
	return 0;
}

void
model_actual_prefix(char *prefix, size_t len, const char *kind, uint64_t number)
{
	snprintf(prefix, len, "%s/" KEY_NODE_LOCAL "/%08" PRIx32, kind,
	    (uint32_t)number);
}

struct dynos {
	struct api *api;
	const char *name;
	json_t *app;
	json_t *list;
	json_t *releases; /* version in digits -> record, or null */
};

static json_t *
dyno_release(struct dynos *dynos, int64_t version)
{
	json_t *release;
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRId64, version);
	release = json_object_get(dynos->releases, digits);
	if (release != NULL)
		return release;
	release = model_get_release(dynos->api, dynos->name, version);
	if (release == NULL)
		release = json_null();
	json_object_set_new(dynos->releases, digits, release);
	return release;
}

static void
dyno_add_actual(json_t *dyno, json_t *actual)
{
	static const char *const fields[] = {
	    "instance", "address", "port", "restarts", "reason"};
	json_t *value;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		value = json_object_get(actual, fields[i]);
		json_object_set(
		    dyno, fields[i], value != NULL ? value : json_null());
	}
	if (json_object_get(actual, "since") != NULL)
		json_object_set_new(
		    dyno, "updated_at", id_time_of(actual, "since"));
}

/* From an assignment, or from what the node still has of one. */
static json_t *
dyno_make(struct dynos *dynos, const char *key, json_t *record, json_t *actual)
{
	const char *type = model_text(record, "type");
	int64_t index = model_number(record, "index");
	json_t *release, *dyno;
	const struct dyno_state *state = dyno_state(actual);
	const char *command;
	char id[37];

	release = dyno_release(dynos, model_number(record, "version"));
	command = json_string_value(
	    json_object_get(json_object_get(release, "types"), type));
	id_derive(id, model_text(dynos->app, "id"), "dyno", key);
	dyno = json_pack(
	    "{s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:n}",
	    "id", id, "name", json_sprintf("%s.%" PRId64, type, index), "type",
	    type, "command", command != NULL ? command : "", "state",
	    state->state, "status", state->status, "size", DYNO_SIZE, "release",
	    model_release_ref(json_is_null(release) ? NULL : release), "app",
	    model_app_ref(dynos->name, dynos->app), "created_at",
	    id_time_of(record, "created"), "updated_at",
	    id_time_of(record, "created"), "attach_url");
	if (dyno != NULL)
		dyno_add_actual(dyno, actual);
	return dyno;
}

static int
dyno_from_assignment(const char *key, json_t *assign, uint64_t rev, void *arg)
{
	struct dynos *dynos = arg;
	char id[17], actual_key[STORE_KEY_MAX + 1];
	json_t *actual;

	(void)rev;
	if (strcmp(model_text(assign, "app"), dynos->name) != 0 ||
	    key_part(key, 2, id, sizeof(id)) == -1)
		return 0;
	actual = store_get(dynos->api->store,
	    key_format(actual_key, "actual/" KEY_NODE_LOCAL "/%s", id), NULL);
	json_array_append_new(
	    dynos->list, dyno_make(dynos, id, assign, actual));
	json_decref(actual);
	return 0;
}

struct dyno_slot {
	json_t *dyno; /* borrowed */
};

static int
dyno_compare(const void *one, const void *two)
{
	json_t *a = ((const struct dyno_slot *)one)->dyno;
	json_t *b = ((const struct dyno_slot *)two)->dyno;
	uint32_t a_index = 0, b_index = 0;
	char a_type[MODEL_NAME_MAX] = "", b_type[MODEL_NAME_MAX] = "";
	int order;

	(void)model_parse_dyno(model_text(a, "name"), a_type, &a_index);
	(void)model_parse_dyno(model_text(b, "name"), b_type, &b_index);
	if ((order = strcmp(a_type, b_type)) != 0)
		return order;
	if (a_index != b_index)
		return a_index < b_index ? -1 : 1;
	/* While a release replaces another, the newer one first. */
	return strcmp(model_text(b, "created_at"), model_text(a, "created_at"));
}

static json_t *
dyno_sort(json_t *list)
{
	size_t count = json_array_size(list);
	struct dyno_slot *dynos;
	json_t *sorted;

	if (count < 2 || (dynos = calloc(count, sizeof(*dynos))) == NULL)
		return list;
	for (size_t i = 0; i < count; i++)
		dynos[i].dyno = json_array_get(list, i);
	qsort(dynos, count, sizeof(*dynos), dyno_compare);
	sorted = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append(sorted, dynos[i].dyno);
	free(dynos);
	json_decref(list);
	return sorted;
}

json_t *
model_dynos(struct api *api, const char *name, json_t *app)
{
	struct dynos dynos = {api, name, app, json_array(), json_object()};
	uint64_t number = 0;
	char prefix[64];

	(void)key_parse_id(model_text(app, "number"), &number);
	model_actual_prefix(prefix, sizeof(prefix), "assign", number);
	(void)store_each(api->store, prefix, dyno_from_assignment, &dynos);
	json_decref(dynos.releases);
	model_add_oneoffs(api, name, app, dynos.list);
	return dyno_sort(dynos.list);
}
