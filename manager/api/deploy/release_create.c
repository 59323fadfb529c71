/*
 * POST /apps/APP/releases: a new release of code that is there already.
 *
 *   {"release": ID or version}     with the config vars of that older one
 *   {"slug": ID, "description"}    with those of now; description is optional
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/app/app_change.h"
#include "api/model.h"
#include "api/deploy/release.h"
#include "api/deploy/slug.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

/* What is to be released, whose code it is, and how the timeline says so. */
struct again {
	json_t *old, *config;
	const char *kind;
	char description[RELEASE_TEXT_MAX + 1];
	char words[80];
};

/* The field may be a string or a number, which a table can't say. */
static json_t *
rollback_target(struct request *r)
{
	json_t *field = json_object_get(r->json, "release"), *release;
	char digits[24];
	const char *which;

	if (json_object_size(r->json) != 1 ||
	    (!json_is_string(field) && !json_is_integer(field))) {
		respond_invalid(r,
		    "release has to be the id or the version of a release, "
		    "and is the one field of this request, or slug in its "
		    "place the id of a slug");
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
again_commit(struct request *r, struct again *again)
{
	char key[STORE_KEY_MAX + 1], user[WHO_NAME];
	json_t *app, *release, *reply;
	struct store_txn *txn = app_change_begin(r);

	app = model_touch(r->app);
	request_user(r, user, sizeof(user));
	release = model_add_release(r->api, txn, r->name, app, again->old,
	    again->config, user, again->description);
	if (release == NULL) {
		store_abandon(txn);
		respond_invalid(r,
		    "the code of v%" PRId64 " is not kept any more: push it "
		    "again",
		    model_number(again->old, "version"));
		goto out;
	}
	store_put(txn, key_format(key, "config/%s", r->name), again->config);
	store_event(txn, r->name, again->kind, "%s, release v%" PRId64,
	    again->words, model_number(release, "version"));
	reply = model_release(r->api, r->name, app, release);
	request_commit(r, txn, MHD_HTTP_CREATED, reply);
out:
	json_decref(app);
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

static void
release_rollback(struct request *r)
{
	struct again again = {.kind = "rollback"};
	int64_t version;

	if ((again.old = rollback_target(r)) == NULL)
		return;
	version = model_number(again.old, "version");
	again.config = json_incref(json_object_get(again.old, "config"));
	if (again.config == NULL)
		again.config = json_object();
	snprintf(again.description, sizeof(again.description),
	    "Rollback to v%" PRId64, version);
	snprintf(again.words, sizeof(again.words), "rolled back to v%" PRId64,
	    version);
	if (!json_is_string(json_object_get(again.old, "slug")))
		respond_invalid(
		    r, "release v%" PRId64 " has no code to run", version);
	else if (!rollback_failed(r, version))
		again_commit(r, &again);
	json_decref(again.config);
	json_decref(again.old);
}

static void
release_slug(struct request *r)
{
	struct again again = {.kind = "release"};
	const char *slug = NULL, *description = NULL;
	char key[STORE_KEY_MAX + 1];
	json_t *draft;

	if (json_unpack(r->json, "{s:s, s?s !}", "slug", &slug, "description",
		&description) == -1) {
		respond_invalid(r,
		    "slug has to be the id of a slug; beside it there may be "
		    "a description");
		return;
	}
	if (description != NULL && strlen(description) > RELEASE_TEXT_MAX) {
		respond_invalid(
		    r, "description may have %d bytes", RELEASE_TEXT_MAX);
		return;
	}
	again.old = release_of_slug(r, slug);
	draft = slug_draft(r, slug);
	if (draft != NULL &&
	    slug_release(r, slug, draft, description, again.old != NULL)) {
		json_decref(draft);
		json_decref(again.old);
		return;
	}
	json_decref(draft);
	if (again.old == NULL) {
		respond_invalid(
		    r, "slug \"%.64s\" is not one of %s", slug, request_app(r));
		return;
	}
	snprintf(again.description, sizeof(again.description), "%s",
	    description != NULL ? description : "Deploy of a slug");
	snprintf(again.words, sizeof(again.words), "released slug %.12s", slug);
	again.config = store_get(
	    r->api->store, key_format(key, "config/%s", r->name), NULL);
	if (again.config == NULL)
		again.config = json_object();
	again_commit(r, &again);
	json_decref(again.config);
	json_decref(again.old);
}

void
release_create(struct request *r)
{
	if (json_object_get(r->json, "slug") != NULL)
		release_slug(r);
	else
		release_rollback(r);
}
