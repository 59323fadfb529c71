/*
 * {"name": "run.12", "state", "exit_status", ...}: one one-off process, in
 * the shape of a dyno.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/dyno/dyno.h"
#include "api/http/id.h"
#include "api/model.h"
#include "node/oneoff.h"
#include "store/keys.h"

static const char *
oneoff_state(enum oneoff_fate fate, const struct oneoff_end *end, json_t *run,
    json_t *ran)
{
	if (fate == ONEOFF_ENDED)
		return end->code == 0 ? "complete" : "crashed";
	if (strcmp(model_text(run, "goal"), "stop") == 0)
		return "stopping";
	return strcmp(model_text(ran, "state"), "running") == 0 ? "up"
								: "starting";
}

static json_t *
oneoff_make(struct api *api, const char *name, json_t *app, uint32_t index,
    json_t *run, json_t *ran)
{
	json_t *release, *dyno;
	const char *status = model_text(ran, "state");
	struct oneoff_end end = {.code = -1};
	char id[37], key[16];
	enum oneoff_fate fate;

	fate = ran != NULL ? oneoff_look(api->store, name, index, &end)
			   : ONEOFF_GOING;
	snprintf(key, sizeof(key), "%08" PRIu32, index);
	id_derive(id, model_text(app, "id"), "run", key);
	release = model_get_release(api, name, model_number(run, "version"));
	dyno = json_pack(
	    "{s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:n}",
	    "id", id, "name",
	    json_sprintf("%s.%" PRIu32, model_text(run, "type"), index), "type",
	    model_text(run, "type"), "command", model_text(run, "command"),
	    "state", oneoff_state(fate, &end, run, ran), "status",
	    status[0] != '\0' ? status : "created", "size", DYNO_SIZE,
	    "release", model_release_ref(release), "app",
	    model_app_ref(name, app), "created_at", id_time_of(run, "created"),
	    "updated_at",
	    ran != NULL ? id_time_of(ran, "since") : id_time_of(run, "created"),
	    "attach_url");
	if (dyno != NULL) {
		json_object_set(
		    dyno, "instance", json_object_get(ran, "instance"));
		json_object_set_new(dyno, "exit_status",
		    end.code >= 0 ? json_integer(end.code) : json_null());
		json_object_set_new(dyno, "reason",
		    fate == ONEOFF_ENDED ? json_string(end.reason)
					 : json_null());
	}
	if (dyno != NULL && json_is_true(json_object_get(run, "attach")))
		json_object_set_new(dyno, "attach_url",
		    json_sprintf("/apps/%s/dynos/%s/attach", name,
			model_text(dyno, "name")));
	if (dyno != NULL)
		json_object_set_new(dyno, "tty",
		    json_boolean(json_is_true(json_object_get(run, "tty"))));
	json_decref(release);
	return dyno;
}

static json_t *
oneoff_get(struct api *api, const char *kind, const char *name, uint32_t index)
{
	char key[STORE_KEY_MAX + 1];

	key_format(key, "%s/%s/%08" PRIu32, kind, name, index);
	return store_get(api->store, key, NULL);
}

json_t *
model_oneoff(struct api *api, const char *name, json_t *app, uint32_t index)
{
	json_t *run = oneoff_get(api, "run", name, index);
	json_t *ran = oneoff_get(api, "ran", name, index), *dyno = NULL;

	if (run != NULL)
		dyno = oneoff_make(api, name, app, index, run, ran);
	json_decref(run);
	json_decref(ran);
	return dyno;
}

json_t *
model_oneoff_new(
    struct api *api, const char *name, json_t *app, uint32_t index, json_t *run)
{
	return oneoff_make(api, name, app, index, run, NULL);
}

struct oneoff_list {
	struct api *api;
	const char *name;
	json_t *app;
	json_t *list;
	const char *id; /* the one looked for, or NULL for those that go on */
	uint32_t found;
};

static int
oneoff_each(const char *key, json_t *run, uint64_t rev, void *arg)
{
	struct oneoff_list *each = arg;
	char digits[12], id[37];
	uint32_t index;

	(void)rev;
	(void)run;
	if (key_part(key, 2, digits, sizeof(digits)) == -1)
		return 0;
	index = (uint32_t)strtoul(digits, NULL, 10);
	if (each->id != NULL) {
		id_derive(id, model_text(each->app, "id"), "run", digits);
		if (strcmp(id, each->id) == 0)
			each->found = index;
		return each->found != 0;
	}
	if (oneoff_look(each->api->store, each->name, index, NULL) ==
	    ONEOFF_GOING)
		json_array_append_new(each->list,
		    model_oneoff(each->api, each->name, each->app, index));
	return 0;
}

void
model_add_oneoffs(struct api *api, const char *name, json_t *app, json_t *list)
{
	struct oneoff_list each = {api, name, app, list, NULL, 0};
	char prefix[STORE_KEY_MAX + 1];

	(void)store_each(api->store, key_format(prefix, "run/%s/", name),
	    oneoff_each, &each);
}

uint32_t
model_find_oneoff(
    struct api *api, const char *name, json_t *app, const char *dyno)
{
	struct oneoff_list each = {api, name, app, NULL, dyno, 0};
	char prefix[STORE_KEY_MAX + 1], type[MODEL_NAME_MAX];
	uint32_t index;
	json_t *run;

	if (model_parse_dyno(dyno, type, &index) == 0 && index < 100000000) {
		if ((run = oneoff_get(api, "run", name, index)) != NULL &&
		    strcmp(model_text(run, "type"), type) == 0)
			each.found = index;
		json_decref(run);
	} else if (id_is_uuid(dyno))
		(void)store_each(api->store,
		    key_format(prefix, "run/%s/", name), oneoff_each, &each);
	return each.found;
}
