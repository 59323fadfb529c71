/*
 * GET, PUT and DELETE /apps/APP/sleep {"after", "all"}: an app that nobody
 * asks for that long comes to no process, until a request waits for it.
 */
#include "api/app/app_change.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "schedule/pace_setting.h"
#include "store/keys.h"
#include "store/scale.h"

static json_t *
sleep_shape(struct request *r, json_t *app)
{
	json_t *set = json_object_get(app, "sleep"), *shape;
	json_t *scale = scale_get(r->api->store, r->name, NULL);
	int asleep = scale_asleep(app, scale);

	shape = json_pack("{s:o, s:s, s:o, s:O?, s:O?}", "app",
	    model_app_ref(r->name, app), "state",
	    set == NULL ? "off"
	    : asleep    ? "asleep"
			: "awake",
	    "asleep_since", asleep ? id_time_of(scale, "since") : json_null(),
	    "after", json_object_get(set, "after"), "all",
	    json_object_get(set, "all"));
	json_decref(scale);
	return shape;
}

void
sleep_info(struct request *r)
{
	respond_json(r, MHD_HTTP_OK, sleep_shape(r, r->app));
}

/* Takes the setting; NULL for none. */
static void
sleep_change(struct request *r, json_t *set)
{
	char key[STORE_KEY_MAX + 1], text[PAAS_ERRLEN];
	json_t *app = model_touch(r->app);
	struct store_txn *txn = app_change_begin(r);

	if (set != NULL) {
		pace_setting_describe(PACE_SLEEP, set, text, sizeof(text));
		json_object_set_new(app, "sleep", set);
		store_event(txn, r->name, "sleep", "it is to sleep: %s", text);
	} else {
		json_object_del(app, "sleep");
		store_event(txn, r->name, "sleep", "it is not to sleep");
	}
	store_put(txn, key_format(key, "app/%s", r->name), app);
	request_commit(r, txn, MHD_HTTP_OK, sleep_shape(r, app));
	json_decref(app);
}

void
sleep_put(struct request *r)
{
	char err[PAAS_ERRLEN];
	json_t *set = pace_setting_read(PACE_SLEEP, r->json, 0, err);

	if (set != NULL)
		sleep_change(r, set);
	else
		respond_invalid(r, "%s", err);
}

void
sleep_delete(struct request *r)
{
	if (json_object_get(r->app, "sleep") != NULL)
		sleep_change(r, NULL);
	else
		sleep_info(r);
}
