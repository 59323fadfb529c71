/*
 * POST /apps/APP/actions/start | stop | restart
 */
#include <string.h>

#include "api/app/app_change.h"
#include "api/http/check.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/store.h"

static const struct check_field fields[] = {
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static const struct action {
	const char *name;
	int stopped;
	int anew; /* raises the generation: every process is replaced */
	const char *text;
} actions[] = {
    {"start", 0, 0, "started"},
    {"stop", 1, 0, "stopped"},
    {"restart", 0, 1, "restarted"},
};

static const struct action *
action_find(const char *name)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	return NULL;
}

void
app_action(struct request *r)
{
	const struct action *action = action_find(r->params[1]);
	char err[PAAS_ERRLEN];
	struct store_txn *txn;
	json_t *app;

	if (action == NULL) {
		respond_missing(r,
		    "there is no action \"%.30s\": only start, stop and "
		    "restart",
		    r->params[1]);
		return;
	}
	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	app = model_touch(r->app);
	json_object_set_new(app, "stopped", json_boolean(action->stopped));
	if (action->anew)
		json_object_set_new(app, "generation",
		    json_integer(model_number(app, "generation") + 1));
	txn = app_change_begin(r);
	store_event(txn, r->name, action->name, "%s", action->text);
	app_change_commit(r, txn, MHD_HTTP_ACCEPTED, app);
}
