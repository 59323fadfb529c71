/*
 * POST /apps/APP/rollout/promote | abort: a canary is liked, or whatever is
 * under way is not.  What is written is the version that this was said of, so
 * that it can't be meant for a later one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/app/app_change.h"
#include "api/http/check.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "schedule/rollout.h"
#include "store/keys.h"

static void
decide(struct request *r, const char *field, uint32_t version, const char *what)
{
	char key[STORE_KEY_MAX + 1], user[WHO_NAME];
	struct store_txn *txn = app_change_begin(r);
	json_t *app = model_touch(r->app);

	request_user(r, user, sizeof(user));
	json_object_set_new(app, field, json_integer(version));
	if (strcmp(field, "aborted") == 0)
		json_object_set_new(app, "aborter", json_string(user));
	store_put(txn, key_format(key, "app/%s", r->name), app);
	store_event(txn, r->name, "rollout", "%s %s v%u", user, what, version);
	request_commit(
	    r, txn, MHD_HTTP_ACCEPTED, model_rollout(r->api, r->name, app));
	json_decref(app);
}

/* Answers if there is a field: the path says it all. */
static int
decide_is_empty(struct request *r)
{
	static const struct check_field none[] = {
	    {NULL, 0, 0, 0, 0, NULL, NULL}};
	char err[PAAS_ERRLEN];

	if (check_object(r->json, none, "", err) == 0)
		return 1;
	respond_invalid(r, "%s", err);
	return 0;
}

void
rollout_promote(struct request *r)
{
	enum rollout_state state;
	struct rollout ro;

	if (!decide_is_empty(r))
		return;
	model_get_rollout(r->api, r->name, &ro);
	state = rollout_state(&ro);
	if (state == ROLLOUT_RAISING || state == ROLLOUT_CANARY)
		decide(r, "promoted", ro.target, "promotes");
	else
		respond_error(r, MHD_HTTP_CONFLICT, "conflict",
		    "%s has no canary to promote: its roll-out is in state %s",
		    request_app(r), rollout_state_name(state));
}

void
rollout_abort(struct request *r)
{
	enum rollout_state state;
	struct rollout ro;

	if (!decide_is_empty(r))
		return;
	model_get_rollout(r->api, r->name, &ro);
	state = rollout_state(&ro);
	if (rollout_under_way(state))
		decide(r, "aborted", ro.target, "aborts");
	else
		respond_error(r, MHD_HTTP_CONFLICT, "conflict",
		    "%s has no roll-out under way to abort: it is in state "
		    "%s; paas rollback goes back to an older release",
		    request_app(r), rollout_state_name(state));
}
