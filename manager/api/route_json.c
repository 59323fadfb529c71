/*
 * {"host", "paths": [{"path", "strip", "balance", "instances"}]}: addresses
 * outside the platform behind a host.
 */
#include "api/id.h"
#include "api/model.h"

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

json_t *
model_route(const char *host, json_t *route)
{
	json_t *path, *pool, *paths = json_array();
	size_t i;

	json_array_foreach (json_object_get(route, "paths"), i, path) {
		pool = json_object_get(path, "pool");
		json_array_append_new(
		    paths, json_pack("{s:s, s:b, s:s, s:o}", "path",
			       model_text(path, "prefix"), "strip",
			       json_is_true(json_object_get(path, "strip")),
			       "balance", model_text(pool, "balance"),
			       "instances", route_instances(pool)));
	}
	return json_pack("{s:o, s:o, s:o, s:o}", "host",
	    json_sprintf("%s%s", host[0] == '.' ? "*" : "", host), "paths",
	    paths, "created_at", id_time_of(route, "created"), "updated_at",
	    id_time_of(route, "updated"));
}
