/*
 * {"type", "quantity", "command", "health", ...}: how many of a process type.
 * health is null where the port is what is checked, readiness where health
 * is all, times where those of paas.conf count.
 */
#include <string.h>

#include "api/dyno/dyno.h"
#include "api/http/id.h"
#include "api/model.h"
#include "node/limits.h"
#include "store/formation.h"
#include "store/keys.h"

/* Until somebody scales: one web process, none of the others. */
static json_t *
with_defaults(struct api *api, const char *type, json_t *formation)
{
	json_t *all;

	all = json_pack("{s:i, s:I}", "quantity", strcmp(type, "web") == 0,
	    "memory", (json_int_t)api->conf->instance_memory);
	if (formation != NULL)
		json_object_update(all, formation);
	json_decref(formation);
	return all;
}

json_t *
model_get_formation_record(
    struct api *api, const char *app, const char *type, uint64_t *rev)
{
	return with_defaults(
	    api, type, formation_get(api->store, app, type, NULL, rev));
}

json_t *
model_get_formation(
    struct api *api, const char *name, const char *type, uint64_t *rev)
{
	char key[STORE_KEY_MAX + 1];
	json_t *app, *release, *formation;

	app = store_get(api->store, key_format(key, "app/%s", name), NULL);
	release = model_get_release(api, name, model_number(app, "version"));
	formation = formation_get(api->store, name, type, release, rev);
	json_decref(app);
	json_decref(release);
	return with_defaults(api, type, formation);
}

void
model_own_formation(json_t *formation, json_t *app)
{
	json_object_set_new(
	    formation, "version", json_integer(model_number(app, "version")));
}

json_t *
model_formation(struct api *api, const char *name, json_t *app,
    const char *type, const char *command, json_t *formation)
{
	json_t *health = json_object_get(formation, "health"), *shape;
	char id[37];

	id_derive(id, model_text(app, "id"), "formation", type);
	shape = json_pack(
	    "{s:s, s:s, s:I, s:s, s:s, s:I, s:o, s:O?, s:o, s:o, s:o}", "id",
	    id, "type", type, "quantity",
	    (json_int_t)model_number(formation, "quantity"), "size", DYNO_SIZE,
	    "command", command, "memory",
	    (json_int_t)model_number(formation, "memory"), "limits",
	    limits_shape(api->conf, formation), "health", health, "app",
	    model_app_ref(name, app), "created_at", id_time_of(app, "created"),
	    "updated_at", id_time_of(app, "updated"));
	json_object_update_new(shape,
	    json_pack("{s:o, s:O?, s:O?, s:O?, s:O?}", "dyno_size",
		dyno_size_ref(), "readiness",
		json_object_get(formation, "readiness"), "start_timeout",
		json_object_get(health, "start_timeout"), "drain_timeout",
		json_object_get(formation, "drain_timeout"), "stop_timeout",
		json_object_get(formation, "stop_timeout")));
	return shape;
}
