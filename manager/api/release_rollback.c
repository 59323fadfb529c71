/*
 * POST /apps/APP/releases {"release": ID or version}: a new release with the
 * code and the config vars of an older one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/app_change.h"
#include "api/model.h"
#include "api/release.h"
#include "api/request.h"
#include "api/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

/* The field may be a string or a number, which a table can't say. */
static json_t *
rollback_target(struct request *r)
{
	json_t *field = json_object_get(r->json, "release"), *release;
	char digits[24];
	const char *which;

	if (!json_is_object(r->json) || json_object_size(r->json) != 1 ||
	    (!json_is_string(field) && !json_is_integer(field))) {
		respond_invalid(r,
		    "release has to be the id or the version of a release, "
		    "and is the one field of this request");
		return NULL;
	}
	snprintf(digits, sizeof(digits), "%" PRId64,
	    (int64_t)json_integer_value(field));
	which = json_is_string(field) ? json_string_value(field) : digits;
	if ((release = release_find(r, which)) == NULL)
		respond_invalid(r, "release \"%.60s\" is not one of %s", which,
		    request_app(r));
	return release;
}

static void
rollback_commit(struct request *r, json_t *old)
{
	char description[64], key[STORE_KEY_MAX + 1], user[WHO_NAME];
	json_t *app, *config, *release, *reply;
	struct store_txn *txn = app_change_begin(r);
	int64_t version = model_number(old, "version");

	app = model_touch(r->app);
	config = json_incref(json_object_get(old, "config"));
	if (config == NULL)
		config = json_object();
	snprintf(
	    description, sizeof(description), "Rollback to v%" PRId64, version);
	request_user(r, user, sizeof(user));
	release = model_add_release(
	    r->api, txn, r->name, app, old, config, user, description);
	if (release == NULL) {
		store_abandon(txn);
		respond_invalid(r,
		    "the code of v%" PRId64 " is not kept any more: push it "
		    "again",
		    version);
		goto out;
	}
	store_put(txn, key_format(key, "config/%s", r->name), config);
	store_event(txn, r->name, "rollback",
	    "rolled back to v%" PRId64 ", release v%" PRId64, version,
	    model_number(release, "version"));
	reply = model_release(r->api, r->name, app, release);
	request_commit(r, txn, MHD_HTTP_CREATED, reply);
out:
	json_decref(app);
	json_decref(config);
	json_decref(release);
}

/* It would fail once more: code and config vars are the same. */
static int
rollback_failed(struct request *r, int64_t version)
{
	char key[STORE_KEY_MAX + 1];
	json_t *result;
	int failed;

	result = store_get(r->api->store,
	    key_format(key, "result/%s/%08" PRId64, r->name, version), NULL);
	failed = strcmp(model_text(result, "status"), "failed") == 0;
	if (failed)
		respond_invalid(r,
		    "release v%" PRId64 " failed (%.200s): choose one that "
		    "succeeded",
		    version, model_text(result, "reason"));
	json_decref(result);
	return failed;
}

void
release_rollback(struct request *r)
{
	json_t *release = rollback_target(r);
	int64_t version;

	if (release == NULL)
		return;
	version = model_number(release, "version");
	if (!json_is_string(json_object_get(release, "slug")))
		respond_invalid(
		    r, "release v%" PRId64 " has no code to run", version);
	else if (!rollback_failed(r, version))
		rollback_commit(r, release);
	json_decref(release);
}
