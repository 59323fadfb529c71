/*
 * POST /apps/APP/dynos {"command", "env", "time_to_live", ...}: a one-off
 * process of the release that serves.  With "attach" it begins once its
 * client has asked for attach_url.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/app/app_change.h"
#include "api/http/check.h"
#include "api/app/config_name.h"
#include "api/dyno/dyno.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "node/oneoff.h"
#include "store/keys.h"

static int
is_type(const char *type)
{
	return strcmp(type, "run") == 0;
}

static const struct check_field fields[] = {
    {"command", CHECK_STRING, CHECK_REQUIRED, 1, DYNO_COMMAND_MAX, NULL, NULL},
    {"attach", CHECK_BOOL, CHECK_NULLABLE, 0, 0, NULL, NULL},
    {"env", CHECK_OBJECT, CHECK_NULLABLE, 0, 0, NULL, NULL},
    {"force_no_tty", CHECK_BOOL, CHECK_NULLABLE, 0, 0, NULL, NULL},
    {"size", CHECK_STRING, CHECK_NULLABLE, 0, 0, dyno_size_is, DYNO_SIZE_FORM},
    {"type", CHECK_STRING, CHECK_NULLABLE, 0, 0, is_type, "\"run\""},
    {"time_to_live", CHECK_NUMBER, CHECK_NULLABLE, 1, INT64_MAX, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* The release that serves, or the last one if none does yet. */
static json_t *
dyno_release(struct request *r)
{
	char key[STORE_KEY_MAX + 1];
	json_t *rollout, *release;
	int64_t version;

	rollout = store_get(
	    r->api->store, key_format(key, "rollout/%s", r->name), NULL);
	if ((version = model_number(rollout, "live")) == 0)
		version = model_number(r->app, "version");
	json_decref(rollout);
	release = model_get_release(r->api, r->name, version);
	if (json_is_string(json_object_get(release, "slug")))
		return release;
	json_decref(release);
	respond_invalid(r,
	    "%s has no release that could run it: push the app "
	    "first",
	    request_app(r));
	return NULL;
}

/* Answers if the field is out of range. */
static uint32_t
dyno_timeout(struct request *r)
{
	json_t *field = json_object_get(r->json, "time_to_live");
	uint32_t most = r->api->conf->oneoff_timeout;

	if (!json_is_string(field) && !json_is_integer(field))
		return 0;
	if (check_number(field) <= (int64_t)most)
		return (uint32_t)check_number(field);
	respond_invalid(r,
	    "time_to_live has to be 1 to %" PRIu32 " seconds (oneoff_timeout "
	    "in paas.conf)",
	    most);
	return 0;
}

static int
dyno_check(struct request *r)
{
	uint32_t most = r->api->conf->oneoff_max;
	char err[PAAS_ERRLEN];
	json_t *env;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return -1;
	}
	env = json_object_get(r->json, "env");
	config_env_text(env);
	if (json_is_object(env) && config_check(r, env, "env", 0) == -1)
		return -1;
	if (oneoff_count(r->api->store, r->name) < most)
		return 0;
	respond_error(r, MHD_HTTP_UNPROCESSABLE_CONTENT,
	    "cannot_run_above_limit",
	    "%s runs %" PRIu32 " one-off processes, which is the most it may "
	    "(oneoff_max in paas.conf): stop one, or wait",
	    request_app(r), most);
	return -1;
}

void
dyno_create(struct request *r)
{
	struct oneoff_want want = {.app = r->name, .type = "run"};
	struct store_txn *txn;
	json_t *env, *release, *run;
	char user[WHO_NAME];
	uint32_t index;

	if (dyno_check(r) == -1)
		return;
	want.timeout = dyno_timeout(r);
	if (respond_given(r) || (release = dyno_release(r)) == NULL)
		return;
	request_user(r, user, sizeof(user));
	env = json_object_get(r->json, "env");
	want.env = json_is_object(env) ? env : NULL;
	want.version = (uint32_t)model_number(release, "version");
	want.user = user;
	want.attach = json_is_true(json_object_get(r->json, "attach"));
	want.tty = want.attach &&
		   !json_is_true(json_object_get(r->json, "force_no_tty"));
	(void)key_parse_id(model_text(r->app, "number"), &want.number);
	/* The name of a process type stands for its command. */
	want.command = model_text(r->json, "command");
	env = json_object_get(json_object_get(release, "types"), want.command);
	if (json_is_string(env))
		want.command = json_string_value(env);
	txn = app_change_begin(r);
	run = oneoff_add(r->api->store, txn, &want, &index);
	json_decref(release);
	if (run == NULL) {
		store_abandon(txn);
		respond_broken(r, "out of memory");
		return;
	}
	request_commit(r, txn, MHD_HTTP_CREATED,
	    model_oneoff_new(r->api, r->name, r->app, index, run));
	json_decref(run);
}
