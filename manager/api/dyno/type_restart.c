/*
 * DELETE /apps/APP/formations/TYPE and POST
 * /apps/APP/formations/TYPE/actions/stop: all of a type are replaced.
 */
#include <inttypes.h>

#include "api/app/app_change.h"
#include "api/dyno/dyno.h"
#include "api/dyno/formation.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

static int64_t
type_quantity(struct request *r, const char *type)
{
	json_t *types = formation_types(r), *formation;
	int known = json_object_get(types, type) != NULL;
	int64_t quantity;

	json_decref(types);
	if (!known) {
		respond_missing(r, "%s has no processes of type %.60s",
		    request_app(r), type);
		return -1;
	}
	formation = model_get_formation(r->api, r->name, type, NULL);
	quantity = model_number(formation, "quantity");
	json_decref(formation);
	return quantity;
}

void
type_restart(struct request *r)
{
	const char *type = r->params[1];
	int64_t quantity = type_quantity(r, type), i;
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn;
	json_t *formation;
	uint64_t rev;

	if (quantity == -1)
		return;
	formation = model_get_formation_record(r->api, r->name, type, &rev);
	for (i = 1; i <= quantity; i++)
		dyno_raise(formation, (uint32_t)i);
	txn = app_change_begin(r);
	key_format(key, "formation/%s/%s", r->name, type);
	store_if(txn, key, rev);
	store_put(txn, key, formation);
	store_event(
	    txn, r->name, "restart", "restarted all %s processes", type);
	json_decref(formation);
	request_commit(
	    r, txn, MHD_HTTP_ACCEPTED, model_app(r->api, r->name, r->app));
}
