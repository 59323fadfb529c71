/*
 * POST /apps/APP/dynos/web.1/exec {"command", "env", "force_no_tty"}: a
 * command beside the process, in its instance, as a session.
 */
#include <string.h>

#include "api/app/app_change.h"
#include "api/access/audit.h"
#include "api/http/check.h"
#include "api/app/config_name.h"
#include "api/dyno/dyno.h"
#include "api/http/idempotency.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/http/session.h"
#include "api/verbs.h"
#include "store/keys.h"

#define COMMAND_SHOWN 80 /* bytes of it in the timeline */

static const struct check_field fields[] = {
    {"command", CHECK_STRING, CHECK_REQUIRED, 1, DYNO_COMMAND_MAX, NULL, NULL},
    {"env", CHECK_OBJECT, CHECK_NULLABLE, 0, 0, NULL, NULL},
    {"force_no_tty", CHECK_BOOL, CHECK_NULLABLE, 0, 0, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* The one of that name that runs, the newest first; a new reference. */
static json_t *
exec_find(struct request *r)
{
	static const char *const alive[] = {
	    "running", "ready", "unhealthy", "starting", "draining"};
	json_t *dyno, *found = NULL, *dynos;
	size_t i, j;

	dynos = model_dynos(r->api, r->name, r->app);
	json_array_foreach (dynos, i, dyno) {
		if (strcmp(model_text(dyno, "name"), r->params[1]) != 0 &&
		    strcmp(model_text(dyno, "id"), r->params[1]) != 0)
			continue;
		for (j = 0; j < sizeof(alive) / sizeof(alive[0]); j++)
			if (found == NULL &&
			    strcmp(model_text(dyno, "status"), alive[j]) == 0)
				found = json_incref(dyno);
	}
	json_decref(dynos);
	if (found == NULL)
		respond_missing(
		    r, "no %.60s of %s runs now", r->params[1], request_app(r));
	return found;
}

static void
exec_go(struct request *r, json_t *dyno)
{
	const char *command = model_text(r->json, "command");
	struct release_process proc = {
	    .app = r->name, .name = model_text(dyno, "name")};
	json_t *env, *release;

	proc.version =
	    (uint32_t)model_number(json_object_get(dyno, "release"), "version");
	release = model_get_release(r->api, r->name, proc.version);
	proc.record = release;
	env = json_object_get(r->json, "env");
	proc.more = json_is_object(env) ? env : NULL;
	if (release == NULL ||
	    key_parse_id(model_text(dyno, "instance"), &proc.id) == -1)
		respond_missing(
		    r, "%.60s of %s is gone", r->params[1], request_app(r));
	else
		session_exec(r, &proc, command,
		    !json_is_true(json_object_get(r->json, "force_no_tty")));
	json_decref(release);
	if (r->status != MHD_HTTP_SWITCHING_PROTOCOLS)
		idempotency_forget(r);
}

static void
exec_noted(enum store_result result, uint64_t rev, void *arg)
{
	struct request *r = arg;
	json_t *dyno = NULL;

	(void)rev;
	if (request_gone(r))
		;
	else if (result == STORE_OK)
		dyno = exec_find(r);
	else if (result == STORE_CONFLICT)
		respond_conflict(
		    r, "%s was changed meanwhile: try again", request_app(r));
	else
		respond_broken(
		    r, "nothing was started: %s", store_strerror(result));
	if (dyno != NULL)
		exec_go(r, dyno);
	else if (result == STORE_OK)
		idempotency_forget(r);
	json_decref(dyno);
	request_release(r);
}

/*
 * A session can't be answered twice: what is sent again with the same
 * Idempotency-Key gets an error, and begins nothing.  0, or -1 after an answer.
 */
static int
exec_once(struct request *r, struct store_txn *txn)
{
	json_t *again = json_pack("{s:s, s:s}", "id", "conflict", "message",
	    "a command was begun with this Idempotency-Key already: send a new "
	    "one to run another");
	int rc = idempotency_add(r, txn, MHD_HTTP_CONFLICT, again);

	json_decref(again);
	return rc;
}

void
dyno_exec(struct request *r)
{
	char err[PAAS_ERRLEN], user[WHO_NAME];
	struct store_txn *txn;
	const char *command;
	json_t *dyno, *env;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	env = json_object_get(r->json, "env");
	config_env_text(env);
	if ((json_is_object(env) && config_check(r, env, "env", 0) == -1) ||
	    !session_asked(r) || (dyno = exec_find(r)) == NULL)
		return;
	command = model_text(r->json, "command");
	request_user(r, user, sizeof(user));
	/* Whoever went in is known before anything happens in there. */
	txn = app_change_begin(r);
	store_event(txn, r->name, "exec", "%s in %s by %s: %.*s%s",
	    json_is_true(json_object_get(r->json, "force_no_tty"))
		? "a command"
		: "a terminal",
	    model_text(dyno, "name"), user, COMMAND_SHOWN, command,
	    strlen(command) > COMMAND_SHOWN ? "..." : "");
	json_decref(dyno);
	if (exec_once(r, txn) == -1) {
		store_abandon(txn);
		return;
	}
	audit_add(r, txn);
	store_commit(txn, exec_noted, request_hold(r));
}
