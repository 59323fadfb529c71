#include "api/route/route_edit.h"

#include <string.h>

#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/route/route.h"
#include "api/app/settings.h"
#include "paas_routedb.h"
#include "routing/setting.h"

#define INSTANCES_MAX 256
#define APPS_MAX      (PAAS_ROUTEDB_POOLS_MAX - 1) /* and a pool of its own */
#define APPS_ALL_MAX  24 /* of one host: each is a change of the commit */

#define KINDS (SETTING_OUTSIDE | SETTING_PATH)

#define FIELDS                                                           \
	{"path", CHECK_STRING, 0, 1, ROUTE_PATH_MAX, NULL, NULL},        \
	    {"instances", CHECK_ARRAY, 0, 0, INSTANCES_MAX, NULL, NULL}, \
	    {"weight", CHECK_INT, 0, 1, 10000, NULL, NULL},              \
	{                                                                \
		"apps", CHECK_ARRAY, 0, 0, APPS_MAX, NULL, NULL          \
	}
#define END                                  \
	{                                    \
		NULL, 0, 0, 0, 0, NULL, NULL \
	}

const struct check_field route_fields[] = {FIELDS, END};

const struct check_field pattern_fields[] = {
    {"pattern", CHECK_STRING, 0, 1, PAAS_ROUTEDB_PATTERN_MAX, NULL, NULL},
    FIELDS, END};

json_t *
route_find_path(json_t *record, const char *prefix)
{
	json_t *path;
	size_t i;

	json_array_foreach (json_object_get(record, "paths"), i, path)
		if (strcmp(model_text(path, "prefix"), prefix) == 0)
			return path;
	return NULL;
}

int
route_edit_prefix(struct request *r, char *prefix)
{
	json_t *path = json_object_get(r->json, "path");

	return route_parse_path(
	    r, path != NULL ? json_string_value(path) : "/", prefix);
}

/* ---- one path ---------------------------------------------------------- */

/* The pool of the path's own addresses: 0, or -1 after an answer. */
static int
edit_pool(struct request *r, struct route_ids *ids, json_t *path, json_t *old,
    json_t *set)
{
	json_t *wanted = json_object_get(r->json, "instances"), *list;
	json_t *weight = json_object_get(r->json, "weight");
	json_t *pool = json_object_get(path, "pool");
	json_t *known = json_object_get(old, "pool");

	if (wanted != NULL) {
		list = route_instances_make(
		    r, ids, wanted, json_object_get(known, "instances"));
		if (list == NULL)
			return -1;
		if (pool == NULL) {
			pool = json_object();
			json_object_set_new(path, "pool", pool);
		}
		json_object_set_new(pool, "instances", list);
		if (json_array_size(list) == 0) {
			json_object_del(path, "pool");
			pool = NULL;
		}
	}
	if (pool == NULL && (weight != NULL || json_object_size(set) > 0)) {
		respond_invalid(r,
		    "%s is for addresses, and there are no instances: an app "
		    "has its own settings, see paas http",
		    weight != NULL
			? "weight"
			: json_object_iter_key(json_object_iter(set)));
		return -1;
	}
	(void)settings_move(set, SETTING_OUTSIDE, pool);
	if (weight != NULL)
		json_object_set(pool, "weight", weight);
	return 0;
}

static int
edit_apps(struct request *r, json_t *path)
{
	json_t *wanted = json_object_get(r->json, "apps"), *list;

	if (wanted == NULL)
		return 0;
	if ((list = route_apps_make(r, wanted)) == NULL)
		return -1;
	json_object_set_new(path, "apps", list);
	if (json_array_size(list) == 0)
		json_object_del(path, "apps");
	return 0;
}

static json_t *
edit_path(struct request *r, struct route_ids *ids, json_t *set,
    const char *prefix, json_t *old, int patch)
{
	json_t *path = patch && old != NULL
			   ? json_deep_copy(old)
			   : json_pack("{s:s}", "prefix", prefix);

	(void)settings_move(set, SETTING_PATH, path);
	if (edit_pool(r, ids, path, old, set) == 0 && edit_apps(r, path) == 0) {
		if (json_object_get(path, "pool") != NULL ||
		    json_object_get(path, "apps") != NULL)
			return path;
		respond_invalid(r,
		    "instances is missing: the path %s has to lead to "
		    "addresses, or to apps",
		    prefix);
	}
	json_decref(path);
	return NULL;
}

/* ---- the record -------------------------------------------------------- */

static size_t
count_apps(json_t *record)
{
	json_t *path;
	size_t i, n = 0;

	json_array_foreach (json_object_get(record, "paths"), i, path)
		n += json_array_size(json_object_get(path, "apps"));
	return n;
}

/* Too many of something: the record goes, after an answer. */
static json_t *
bound(struct request *r, json_t *record)
{
	if (json_array_size(json_object_get(record, "paths")) >
	    PAAS_ROUTEDB_PATHS_MAX)
		respond_invalid(
		    r, "a host has at most %d paths", PAAS_ROUTEDB_PATHS_MAX);
	else if (count_apps(record) > APPS_ALL_MAX)
		respond_invalid(r,
		    "apps: the paths of a host name at most %d of them in all",
		    APPS_ALL_MAX);
	else
		return record;
	json_decref(record);
	return NULL;
}

static json_t *
replace_path(json_t *record, const char *prefix, json_t *made)
{
	json_t *path, *paths = json_array();
	size_t i;

	json_array_foreach (json_object_get(record, "paths"), i, path)
		if (strcmp(model_text(path, "prefix"), prefix) != 0)
			json_array_append(paths, path);
	json_array_append_new(paths, made);
	record = record != NULL
		     ? model_touch(record)
		     : json_pack("{s:I, s:I}", "created", (json_int_t)id_now(),
			   "updated", (json_int_t)id_now());
	json_object_set_new(record, "paths", paths);
	return record;
}

json_t *
route_edit(struct request *r, const struct check_field *fields,
    struct route_ids *ids, json_t *record, int patch)
{
	char prefix[ROUTE_PATH_MAX + 1];
	json_t *set, *made = NULL;

	if ((set = settings_read(r, fields, KINDS)) == NULL)
		return NULL;
	if (route_edit_prefix(r, prefix) == 0)
		made = edit_path(r, ids, set, prefix,
		    route_find_path(record, prefix), patch);
	json_decref(set);
	if (made == NULL)
		return NULL;
	return bound(r, replace_path(record, prefix, made));
}
