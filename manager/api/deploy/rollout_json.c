/*
 * {"state", "strategy", ..., "live", "target", "processes"}: how an app goes,
 * or has gone, from one release to the next.
 */
#include <string.h>

#include "api/http/id.h"
#include "api/model.h"
#include "schedule/rollout.h"
#include "store/keys.h"

/* What there is of each process type, while records are passed. */
struct count {
	json_t *types;  /* type -> {"type", "live", "target", ...} */
	json_t *routed; /* assignment -> true */
	json_int_t live, target;
};

static void
count_one(json_t *counts, const char *what)
{
	json_int_t n = json_integer_value(json_object_get(counts, what));

	json_object_set_new(counts, what, json_integer(n + 1));
}

static int
count_assigned(const char *key, json_t *assign, uint64_t rev, void *arg)
{
	struct count *count = arg;

	(void)rev;
	if (json_is_true(json_object_get(assign, "routed")))
		json_object_set_new(
		    count->routed, strrchr(key, '/') + 1, json_true());
	return 0;
}

static int
count_actual(const char *key, json_t *actual, uint64_t rev, void *arg)
{
	struct count *count = arg;
	json_int_t version = model_number(actual, "version");
	json_t *type =
	    json_object_get(count->types, model_text(actual, "type"));

	(void)rev;
	if (type == NULL || strcmp(model_text(actual, "state"), "ready") != 0)
		return 0;
	if (version == count->target) {
		count_one(type, "ready");
		if (version == count->live ||
		    json_object_get(count->routed, strrchr(key, '/') + 1))
			count_one(type, "in_service");
	} else
		count_one(type, "before");
	return 0;
}

/* "quantity" of the target; "ready" of it; "before": others that still are. */
static json_t *
rollout_processes(
    struct api *api, const char *name, json_t *app, const struct rollout *ro)
{
	struct count count = {.types = json_object(),
	    .routed = json_object(),
	    .live = ro->live,
	    .target = ro->target};
	json_t *release = model_get_release(api, name, ro->target), *command;
	json_t *formation, *list = json_array();
	char prefix[64];
	const char *type;
	uint64_t number;

	json_object_foreach (json_object_get(release, "types"), type, command) {
		if (strcmp(type, "release") == 0)
			continue;
		formation = model_get_formation(api, name, type, NULL);
		json_object_set_new(count.types, type,
		    json_pack("{s:s, s:I, s:i, s:i, s:i}", "type", type,
			"quantity",
			(json_int_t)model_number(formation, "quantity"),
			"ready", 0, "in_service", 0, "before", 0));
		json_decref(formation);
	}
	if (key_parse_id(model_text(app, "number"), &number) == 0) {
		model_actual_prefix(prefix, sizeof(prefix), "assign", number);
		(void)store_each(api->store, prefix, count_assigned, &count);
		model_actual_prefix(prefix, sizeof(prefix), "actual", number);
		(void)store_each(api->store, prefix, count_actual, &count);
	}
	json_object_foreach (count.types, type, command)
		json_array_append(list, command);
	json_decref(count.types);
	json_decref(count.routed);
	json_decref(release);
	return list;
}

static json_t *
rollout_release(struct api *api, const char *name, uint32_t version)
{
	json_t *release = model_get_release(api, name, version);
	json_t *ref = model_release_ref(release);

	json_decref(release);
	return ref;
}

void
model_get_rollout(struct api *api, const char *name, struct rollout *ro)
{
	char key[STORE_KEY_MAX + 1];
	json_t *record;

	record =
	    store_get(api->store, key_format(key, "rollout/%s", name), NULL);
	rollout_decode(ro, record);
	json_decref(record);
}

json_t *
model_rollout(struct api *api, const char *name, json_t *app)
{
	enum rollout_state state;
	struct rollout ro;
	json_t *how, *shape;

	model_get_rollout(api, name, &ro);
	state = rollout_state(&ro);
	how = rollout_under_way(state) ? strategy_encode(&ro.how) : json_null();
	shape = json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:s?, s:o}", "app",
	    model_app_ref(name, app), "state", rollout_state_name(state),
	    "live", rollout_release(api, name, ro.live), "target",
	    rollout_release(api, name, ro.target), "started_at",
	    id_time(ro.started), "how", how, "reason",
	    ro.reason[0] != '\0' ? ro.reason : NULL, "processes",
	    rollout_processes(api, name, app, &ro));
	json_object_update_new(
	    shape, strategy_show(json_object_get(app, "rollout")));
	return shape;
}
