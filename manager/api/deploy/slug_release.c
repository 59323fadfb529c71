/*
 * The first release of a slug that was made elsewhere: what was uploaded goes
 * the way of a build that has nothing to compile, so that nothing behind it
 * knows the difference.  The answer waits for that.
 */
#include <stdlib.h>
#include <string.h>

#include "api/access/audit.h"
#include "api/deploy/build_way.h"
#include "api/deploy/slug.h"
#include "api/http/idempotency.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/model.h"
#include "store/keys.h"

struct waiting {
	struct request *request;
};

static int
waiting_line(const char *text, size_t len, void *arg)
{
	(void)text;
	(void)len;
	(void)arg;
	return 0;
}

static void
waiting_answer(struct request *r, json_t *build)
{
	json_t *release = NULL;

	if (strcmp(model_text(build, "state"), "succeeded") == 0)
		release = model_get_release(
		    r->api, r->name, model_number(build, "version"));
	if (release != NULL)
		respond_json(r, MHD_HTTP_CREATED,
		    model_release(r->api, r->name, r->app, release));
	else
		respond_invalid(r, "the slug can't be released: %s",
		    model_text(build, "error"));
	json_decref(release);
}

static void
waiting_done(json_t *build, void *arg)
{
	struct waiting *waiting = arg;
	struct request *r = waiting->request;

	if (request_gone(r))
		;
	else if (build == NULL)
		respond_missing(r, "the app was destroyed meanwhile");
	else
		waiting_answer(r, build);
	request_release(r);
}

/* Holds the request until the build is over. */
static void
waiting_begin(struct request *r, uint64_t id)
{
	if (build_follow(r->api->build, r->name, id, waiting_line, waiting_done,
		r->state) != NULL)
		(void)request_hold(r);
	else
		respond_missing(r, "the app was destroyed meanwhile");
}

static void
slug_begun(const struct build_error *error, uint64_t id, void *arg)
{
	struct waiting *waiting = arg;
	struct request *r = waiting->request;

	if (request_gone(r))
		;
	else if (error != NULL)
		build_refuse(r, error);
	else
		waiting_begin(r, id);
	request_release(r);
}

/* 0, or -1 after an answer. */
static int
slug_archive(struct request *r, const char *id, json_t *draft,
    struct build_source *source)
{
	const char *checksum = model_text(draft, "checksum");
	uint64_t number;

	(void)key_parse_id(id, &number);
	if (build_source_find(r->api->build, slug_owner(r), number, source) ==
	    -1) {
		respond_invalid(r,
		    "slug %.16s has no archive: PUT it to its blob.url within "
		    "an hour, or make a new slug",
		    id);
		return -1;
	}
	if (checksum[0] == '\0' ||
	    strcasecmp(checksum + strlen(BUILD_CHECKSUM), source->sha256) == 0)
		return 0;
	respond_invalid(r,
	    "checksum of slug %.16s is not that of its archive, which "
	    "is " BUILD_CHECKSUM "%s: make a new slug",
	    id, source->sha256);
	return -1;
}

static void
slug_begin(struct request *r, const struct build_origin *from, json_t *draft)
{
	struct build_origin origin = *from;
	struct build_upload *upload;
	struct build_source source;
	struct build_error error;
	char user[WHO_NAME];

	if (slug_archive(r, origin.draft, draft, &source) == -1)
		return;
	request_user(r, user, sizeof(user));
	origin.user = user;
	upload = build_upload_source(
	    r->api->build, r->name, &origin, &source, &error);
	if (upload == NULL) {
		build_refuse(r, &error);
		return;
	}
	(void)request_hold(r);
	audit_note(r);
	build_upload_finish(upload, slug_begun, r->state);
}

/* With its request, to which the callbacks belong: 0, or -1 after an answer. */
static int
waiting_new(struct request *r)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting));

	if (waiting == NULL) {
		respond_broken(r, "out of memory");
		return -1;
	}
	waiting->request = r;
	r->state = waiting;
	r->state_free = free;
	return 0;
}

int
slug_release(struct request *r, const char *id, json_t *draft,
    const char *description, int released)
{
	const char *commit = model_text(draft, "commit");
	char again[IDEMPOTENCY_HASH], body[IDEMPOTENCY_HASH];
	struct build_origin origin = {.source = "slug",
	    .commit = build_is_commit(commit) ? commit : "",
	    .settings = "none",
	    .again = again,
	    .body = body,
	    .draft = id,
	    .description = description,
	    .types = json_object_get(draft, "types")};
	json_t *build = NULL;
	uint64_t number;

	if (idempotency_upload(r, again, body) == -1)
		return 1;
	if (again[0] != '\0')
		build = build_search(r, "again", again, &number);
	if (build == NULL && released)
		return 0;
	if (waiting_new(r) == -1)
		;
	else if (build == NULL)
		slug_begin(r, &origin, draft);
	else if (strcmp(model_text(build, "body"), body) == 0)
		waiting_begin(r, number);
	else
		respond_invalid(r,
		    "Idempotency-Key was used for another body already: send a "
		    "new one with a new request");
	json_decref(build);
	return 1;
}
