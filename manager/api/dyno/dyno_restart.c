/*
 * DELETE /apps/APP/dynos, DELETE /apps/APP/dynos/web.1 and POST
 * /apps/APP/dynos/web.1/actions/stop: what runs is replaced.  A stopped dyno
 * of the formation comes back, as Heroku has it; ps:scale is for fewer.  A
 * one-off process ends.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/app/app_change.h"
#include "api/http/check.h"
#include "api/dyno/dyno.h"
#include "api/dyno/formation.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "node/oneoff.h"
#include "store/keys.h"

static const struct check_field fields[] = {
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

void
dyno_restart_all(struct request *r)
{
	json_t *app = model_touch(r->app);
	struct store_txn *txn = app_change_begin(r);

	json_object_set_new(app, "generation",
	    json_integer(model_number(app, "generation") + 1));
	store_event(txn, r->name, "restart", "restarted all dynos");
	app_change_commit(r, txn, MHD_HTTP_ACCEPTED, app);
}

void
dyno_raise(json_t *formation, uint32_t index)
{
	json_t *generations = json_object_get(formation, "generations");
	char digits[16];

	if (generations == NULL) {
		generations = json_object();
		json_object_set_new(formation, "generations", generations);
	}
	snprintf(digits, sizeof(digits), "%" PRIu32, index);
	json_object_set_new(generations, digits,
	    json_integer(model_number(generations, digits) + 1));
}

static void
oneoff_end(struct request *r, uint32_t oneoff)
{
	struct store_txn *txn = store_begin(r->api->store);
	char user[WHO_NAME];

	request_user(r, user, sizeof(user));
	if (oneoff_stop(r->api->store, txn, r->name, oneoff, user) == -1) {
		store_abandon(txn);
		respond_missing(
		    r, "%.60s of %s has ended", r->params[1], request_app(r));
		return;
	}
	request_commit(r, txn, MHD_HTTP_ACCEPTED,
	    model_oneoff(r->api, r->name, r->app, oneoff));
}

void
dyno_restart(struct request *r)
{
	int64_t quantity;
	char err[PAAS_ERRLEN], key[STORE_KEY_MAX + 1], type[MODEL_NAME_MAX];
	json_t *formation, *types;
	struct store_txn *txn;
	uint32_t index;
	uint64_t rev;
	uint32_t oneoff;
	int known;

	if (r->json != NULL && check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	oneoff = model_find_oneoff(r->api, r->name, r->app, r->params[1]);
	if (oneoff != 0) {
		oneoff_end(r, oneoff);
		return;
	}
	types = formation_types(r);
	known = model_parse_dyno(r->params[1], type, &index) == 0 &&
		json_object_get(types, type) != NULL;
	json_decref(types);
	if (!known) {
		respond_missing(
		    r, "%s has no dyno %.60s", request_app(r), r->params[1]);
		return;
	}
	formation = model_get_formation(r->api, r->name, type, NULL);
	quantity = model_number(formation, "quantity");
	json_decref(formation);
	if ((int64_t)index > quantity) {
		respond_missing(r,
		    "%s has no dyno %s.%" PRIu32 ": %s is scaled to %" PRId64,
		    request_app(r), type, index, type, quantity);
		return;
	}
	formation = model_get_formation_record(r->api, r->name, type, &rev);
	dyno_raise(formation, index);
	txn = app_change_begin(r);
	key_format(key, "formation/%s/%s", r->name, type);
	store_if(txn, key, rev);
	store_put(txn, key, formation);
	store_event(
	    txn, r->name, "restart", "restarted %s.%" PRIu32, type, index);
	json_decref(formation);
	request_commit(
	    r, txn, MHD_HTTP_ACCEPTED, model_app(r->api, r->name, r->app));
}
