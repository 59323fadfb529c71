/*
 * GET, PUT and DELETE /apps/APP/formation/web/autoscale {"min", "max",
 * "concurrency", "p95", "window"}: as many web processes as the load asks for.
 */
#include <string.h>

#include "api/app/app_change.h"
#include "api/dyno/formation.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "schedule/pace_setting.h"
#include "store/keys.h"
#include "store/scale.h"

/* Only what requests come to has a load that is known.  1 if it is that. */
static int
autoscale_is_web(struct request *r)
{
	const char *type = r->params[1];

	if (strcmp(type, "web") == 0)
		return 1;
	respond_invalid(r,
	    "type \"%.60s\" takes no requests: only web processes are scaled "
	    "by their load",
	    type);
	return 0;
}

static json_t *
autoscale_shape(struct request *r, json_t *formation)
{
	json_t *set = json_object_get(formation, "autoscale"), *shape;
	json_t *scale = scale_get(r->api->store, r->name, NULL);
	uint32_t n = (uint32_t)model_number(formation, "quantity");

	shape = json_pack("{s:o, s:s, s:b, s:I, s:O?, s:o}", "app",
	    model_app_ref(r->name, r->app), "type", "web", "on", set != NULL,
	    "quantity", (json_int_t)scale_quantity(formation, scale, "web", n),
	    "reason", set != NULL ? json_object_get(scale, "reason") : NULL,
	    "changed_at",
	    set != NULL && json_object_get(scale, "reason") != NULL
		? id_time_of(scale, "since")
		: json_null());
	if (set != NULL)
		json_object_update(shape, set);
	json_decref(scale);
	return shape;
}

void
autoscale_info(struct request *r)
{
	json_t *formation;

	if (!autoscale_is_web(r))
		return;
	formation = model_get_formation(r->api, r->name, "web", NULL);
	respond_json(r, MHD_HTTP_OK, autoscale_shape(r, formation));
	json_decref(formation);
}

/* Takes the setting; NULL for none. */
static void
autoscale_change(struct request *r, json_t *set)
{
	char key[STORE_KEY_MAX + 1], text[PAAS_ERRLEN];
	struct store_txn *txn = app_change_begin(r);
	json_t *formation;
	uint64_t rev;

	formation = model_get_formation_record(r->api, r->name, "web", &rev);
	if (set != NULL) {
		pace_setting_describe(PACE_AUTOSCALE, set, text, sizeof(text));
		json_object_set_new(formation, "autoscale", set);
		store_event(txn, r->name, "autoscale",
		    "web is scaled by its load: %s", text);
	} else {
		json_object_del(formation, "autoscale");
		store_event(txn, r->name, "autoscale",
		    "web is scaled by hand: to %lld",
		    (long long)model_number(formation, "quantity"));
	}
	key_format(key, "formation/%s/web", r->name);
	store_if(txn, key, rev);
	store_put(txn, key, formation);
	request_commit(r, txn, MHD_HTTP_OK, autoscale_shape(r, formation));
	json_decref(formation);
}

void
autoscale_put(struct request *r)
{
	char err[PAAS_ERRLEN];
	json_t *set;

	if (!autoscale_is_web(r))
		return;
	set = pace_setting_read(
	    PACE_AUTOSCALE, r->json, r->api->conf->scale_max, err);
	if (set != NULL)
		autoscale_change(r, set);
	else
		respond_invalid(r, "%s", err);
}

void
autoscale_delete(struct request *r)
{
	json_t *formation;
	int on;

	if (!autoscale_is_web(r))
		return;
	formation = model_get_formation_record(r->api, r->name, "web", NULL);
	on = json_object_get(formation, "autoscale") != NULL;
	json_decref(formation);
	if (on)
		autoscale_change(r, NULL);
	else
		autoscale_info(r);
}
