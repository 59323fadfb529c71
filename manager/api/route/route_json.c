/*
 * {"host", "paths": [{"path", settings, "instances", "weight", "apps"}]}: where
 * a host's requests go.
 */
#include "api/app/host.h"
#include "api/http/id.h"
#include "api/model.h"
#include "routing/setting.h"
#include "store/names.h"

static json_t *
route_instances(json_t *pool)
{
	json_t *instance, *list = json_array();
	size_t i;

	json_array_foreach (json_object_get(pool, "instances"), i, instance)
		json_array_append_new(list,
		    json_pack("{s:s, s:I, s:I, s:s}", "address",
			model_text(instance, "address"), "port",
			(json_int_t)model_number(instance, "port"), "weight",
			(json_int_t)model_number(instance, "weight"), "id",
			model_text(instance, "id")));
	return list;
}

static json_t *
route_apps(struct api *api, json_t *path)
{
	json_t *share, *list = json_array();
	char name[KEY_NAME_MAX + 1];
	size_t i;

	json_array_foreach (json_object_get(path, "apps"), i, share)
		json_array_append_new(list,
		    json_pack("{s:s, s:I}", "app",
			names_of(api->store, model_text(share, "app"), name),
			"weight", (json_int_t)model_number(share, "weight")));
	return list;
}

/* Settings of addresses are shown where there are some. */
json_t *
model_route_path(struct api *api, json_t *path)
{
	json_t *pool = json_object_get(path, "pool"), *shape, *set;
	json_t *weight = json_object_get(pool, "weight");

	shape = json_pack("{s:s}", "path", model_text(path, "prefix"));
	set = setting_show(path, SETTING_PATH);
	json_object_update(shape, set);
	json_decref(set);
	if (pool != NULL) {
		set = setting_show(pool, SETTING_OUTSIDE);
		json_object_update(shape, set);
		json_decref(set);
		json_object_set_new(shape, "weight",
		    weight != NULL ? json_incref(weight) : json_integer(100));
	}
	json_object_set_new(shape, "instances", route_instances(pool));
	json_object_set_new(shape, "apps", route_apps(api, path));
	return shape;
}

json_t *
model_route(struct api *api, const char *host, json_t *route)
{
	json_t *path, *paths = json_array();
	size_t i;

	json_array_foreach (json_object_get(route, "paths"), i, path)
		json_array_append_new(paths, model_route_path(api, path));
	return json_pack("{s:o, s:o, s:o, s:o}", "host", host_show(host),
	    "paths", paths, "created_at", id_time_of(route, "created"),
	    "updated_at", id_time_of(route, "updated"));
}
