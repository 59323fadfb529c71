/*
 * PATCH /apps/APP {"name", "maintenance", "build_stack"}
 */
#include <string.h>

#include "api/app/app_change.h"
#include "api/app/app_name.h"
#include "api/app/app_stack.h"
#include "api/http/check.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

static const struct check_field fields[] = {
    {"name", CHECK_STRING, 0, 0, 0, key_app_valid, APP_NAME_FORM},
    {"maintenance", CHECK_BOOL, 0, 0, 0, NULL, NULL},
    {"build_stack", CHECK_STRING, 0, 1, 64, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* Adds it to the change if it is one: 0, or -1 after an answer. */
static int
update_name(struct request *r, struct store_txn *txn, json_t *app, int *changed)
{
	const char *name = model_text(r->json, "name");
	uint64_t rev = 0;

	if (name[0] == '\0' || strcmp(name, request_app(r)) == 0)
		return 0;
	*changed = 1;
	if (app_name_check(r, name, &rev) == -1)
		return -1;
	return app_rename(r, txn, app, name, rev);
}

static void
update_maintenance(
    struct request *r, struct store_txn *txn, json_t *app, int *changed)
{
	json_t *on = json_object_get(r->json, "maintenance");

	if (on == NULL || json_is_true(on) == json_is_true(json_object_get(
						  r->app, "maintenance")))
		return;
	*changed = 1;
	json_object_set(app, "maintenance", on);
	store_event(txn, r->name, "maintenance", "maintenance mode %s",
	    json_is_true(on) ? "on" : "off");
}

void
app_update(struct request *r)
{
	char err[PAAS_ERRLEN];
	struct store_txn *txn;
	int changed = 0;
	json_t *app;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if (app_stack_check(r, "build_stack") == -1)
		return;
	app = model_touch(r->app);
	txn = app_change_begin(r);
	if (update_name(r, txn, app, &changed) == 0) {
		update_maintenance(r, txn, app, &changed);
		if (changed) {
			app_change_commit(r, txn, MHD_HTTP_OK, app);
			return;
		}
		app_info(r);
	}
	store_abandon(txn);
	json_decref(app);
}
