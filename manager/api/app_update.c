/*
 * PATCH /apps/APP {"maintenance"}
 */
#include "api/app_change.h"
#include "api/check.h"
#include "api/model.h"
#include "api/request.h"
#include "api/respond.h"
#include "api/verbs.h"
#include "store/store.h"

static const struct check_field fields[] = {
    {"maintenance", CHECK_BOOL, 0, 0, 0, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

void
app_update(struct request *r)
{
	char err[PAAS_ERRLEN];
	json_t *app, *maintenance;
	struct store_txn *txn;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	maintenance = json_object_get(r->json, "maintenance");
	if (maintenance == NULL ||
	    json_equal(maintenance, json_object_get(r->app, "maintenance"))) {
		app_info(r);
		return;
	}
	app = model_touch(r->app);
	json_object_set(app, "maintenance", maintenance);
	txn = app_change_begin(r);
	store_event(txn, r->name, "maintenance", "maintenance mode %s",
	    json_is_true(maintenance) ? "on" : "off");
	app_change_commit(r, txn, MHD_HTTP_OK, app);
}
