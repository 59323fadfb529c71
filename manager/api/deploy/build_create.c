/*
 * POST /apps/APP/builds, a tar archive as its body, or a push that leaves out
 * what is here (common/push.h): builds and deploys it.  JSON that names an
 * archive is for build_order.c.
 *
 * The answer, 201, is the build's output as it comes, then the roll-out, then
 * one line of JSON: {"build", "release"}, or an error.  What a manifest says
 * counts: that of the tree, or ?settings=ID, or ?settings=none.  ?wait=build
 * leaves the roll-out alone; ?image=1 takes an OCI image layout; ?detach=1
 * answers 202 with the build at once.  A client that goes away changes nothing:
 * the build goes on.
 */
#include <bsd/string.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/access/audit.h"
#include "api/deploy/build_way.h"
#include "api/deploy/deploy.h"
#include "api/http/idempotency.h"
#include "api/model.h"
#include "api/deploy/push_times.h"
#include "api/deploy/push_watch.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/http/stream.h"
#include "api/verbs.h"
#include "build/build.h"
#include "common/push.h"
#include "store/keys.h"

struct push {
	struct request *request; /* outlives it */
	struct build_upload *upload;
	struct build_follow *follow;
	struct deploy *deploy;
	struct stream *stream;
	json_t *build; /* its record, once it is done */
	uint64_t id;
	struct push_times times;
	char commit[BUILD_COMMIT_MAX]; /* as the client says; or "" */
	char settings[17];
	int detach;
	int build_only;
	int image;

	char again[IDEMPOTENCY_HASH]; /* of its Idempotency-Key */
	int64_t size; /* of one again: what it has not sent of the same */
};

static void
push_free(void *arg)
{
	struct push *push = arg;

	if (push->upload != NULL)
		build_upload_abort(push->upload);
	json_decref(push->build);
	free(push);
}

/* ---- the upload ------------------------------------------------------ */

/* Answers if the head alone says that it can't be. */
static int
push_head_fits(struct request *r)
{
	const char *length;

	length = MHD_lookup_connection_value(
	    r->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	if (length == NULL ||
	    strtoull(length, NULL, 10) <= r->api->conf->upload_max)
		return 1;
	respond_error(r, MHD_HTTP_CONTENT_TOO_LARGE, "request_too_large",
	    "the archive has %.20s bytes, and %llu are the most (upload_max in "
	    "paas.conf): leave out what is not needed with .slugignore",
	    length, (unsigned long long)r->api->conf->upload_max);
	return 0;
}

/* Whether it says that it leaves out what is here: common/push.h. */
static int
push_has_list(struct request *r)
{
	const char *type = MHD_lookup_connection_value(
	    r->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);

	return type != NULL && strcasecmp(type, PUSH_TYPE) == 0;
}

/* ?settings=none, or =ID of POST /apps/APP/settings. */
static void
push_read_settings(struct request *r, struct push *push)
{
	const char *id = request_query(
	    r, "settings", push->settings, sizeof(push->settings));
	char key[STORE_KEY_MAX + 1];
	json_t *record;
	uint64_t number;

	if (id == NULL || strcmp(id, "none") == 0)
		return;
	record =
	    key_parse_id(id, &number) == 0 && (r->who.scope & SCOPE_WRITE) != 0
		? store_get(r->api->store,
		      key_format(key, "settings/%s/%s", r->name, id), NULL)
		: NULL;
	if (record == NULL)
		respond_invalid(r,
		    "?settings= has to be none, or what POST "
		    "/apps/%s/settings has answered",
		    request_app(r));
	json_decref(record);
}

static int
push_read_query(struct request *r, struct push *push)
{
	const char *wait;
	char buf[16];

	push->detach = request_query_flag(r, "detach");
	push->image = request_query_flag(r, "image");
	wait = request_query(r, "wait", buf, sizeof(buf));
	push->build_only = wait != NULL && strcmp(wait, "build") == 0;
	if (wait != NULL && !push->build_only && strcmp(wait, "deploy") != 0)
		respond_invalid(r, "?wait= has to be build or deploy");
	if (!respond_given(r) &&
	    request_query(r, "commit", push->commit, sizeof(push->commit)) !=
		NULL &&
	    !build_is_commit(push->commit))
		respond_invalid(
		    r, "?commit= has to be 40 or 64 of 0-9 and a-f");
	if (!respond_given(r))
		push_read_settings(r, push);
	return respond_given(r) ? -1 : 0;
}

/*
 * A second one like it (Idempotency-Key) makes no build: it gets the answer of
 * the first, as far as that is by now.
 */
static int
push_is_again(struct request *r, struct push *push)
{
	json_t *build;

	if (push->again[0] == '\0' ||
	    (build = build_search(r, "again", push->again, &push->id)) == NULL)
		return 0;
	push->size = model_number(build, "size");
	json_decref(build);
	return 1;
}

void
build_upload_head(struct request *r)
{
	struct build_origin origin = {0};
	struct build_error error;
	struct push *push;
	char user[WHO_NAME];

	if (build_order_is(r)) {
		build_order_head(r);
		return;
	}
	if (!push_head_fits(r) || !build_is_first(r))
		return;
	if ((push = calloc(1, sizeof(*push))) == NULL) {
		respond_broken(r, "out of memory");
		return;
	}
	push->request = r;
	push_times_mark(&push->times, PUSH_BEGUN);
	r->state = push;
	r->state_free = push_free;
	if (push_read_query(r, push) == -1 ||
	    idempotency_upload(r, push->again, NULL) == -1 ||
	    push_is_again(r, push))
		return;
	request_user(r, user, sizeof(user));
	origin.user = user;
	origin.source = r->push != 0 ? "git" : "upload";
	origin.commit = push->commit;
	origin.push = r->push;
	origin.again = push->again;
	origin.list = push_has_list(r);
	origin.claims = (r->who.scope & SCOPE_WRITE) != 0;
	origin.settings = push->settings;
	origin.image = push->image;
	push->upload =
	    build_upload_begin(r->api->build, r->name, &origin, &error);
	if (push->upload == NULL)
		build_refuse(r, &error);
}

void
build_upload_data(struct request *r, const void *data, size_t len)
{
	struct push *push = r->state;
	struct build_error error;

	if (build_order_is(r)) {
		request_append(r, data, len);
		return;
	}
	if (push->upload == NULL) {
		push->size -= (int64_t)len;
		return;
	}
	if (build_upload_append(push->upload, data, len, &error) == 0)
		return;
	build_upload_abort(push->upload);
	push->upload = NULL;
	build_refuse(r, &error);
}

/* ---- the end --------------------------------------------------------- */

static void
push_line(struct push *push, const char *text)
{
	(void)stream_line(push->stream, text, strlen(text));
}

/* Takes the reference. */
static void
push_end(struct push *push, json_t *result)
{
	char *text = json_dumps(result, JSON_COMPACT);

	json_decref(result);
	if (text != NULL)
		push_line(push, text);
	free(text);
	stream_end(push->stream);
}

static void
push_end_error(struct push *push, const char *id, const char *message)
{
	json_t *text = json_string(message);

	push_end(push,
	    json_pack("{s:s, s:o}", "id", id, "message",
		text != NULL ? text : json_string("the reason is not UTF-8")));
}

static void
push_end_well(struct push *push)
{
	struct request *r = push->request;
	char key[STORE_KEY_MAX + 1];
	json_t *app, *release;

	app =
	    store_get(r->api->store, key_format(key, "app/%s", r->name), NULL);
	release = model_get_release(
	    r->api, r->name, model_number(push->build, "version"));
	push_end(
	    push, json_pack("{s:o, s:o}", "build",
		      model_build(r, r->name, r->app, push->build), "release",
		      release != NULL ? model_release(r->api, r->name,
					    app != NULL ? app : r->app, release)
				      : json_null()));
	json_decref(app);
	json_decref(release);
}

/* ---- the roll-out ---------------------------------------------------- */

static int
push_deploy_line(const char *text, size_t len, void *arg)
{
	struct push *push = arg;

	return stream_line(push->stream, text, len) != 0;
}

static void
push_started(void *arg)
{
	struct push *push = arg;

	push_times_mark(&push->times, PUSH_STARTED);
}

/* Those of the release process have been told. */
static void
push_last_words(struct push *push)
{
	struct request *r = push->request;
	char key[STORE_KEY_MAX + 1], text[PAAS_ERRLEN];
	json_t *result, *line;
	size_t i;

	result = store_get(r->api->store,
	    key_format(key, "result/%s/%08" PRId64, r->name,
		model_number(push->build, "version")),
	    NULL);
	if (strncmp(model_text(result, "process"), "release.", 8) != 0)
		json_array_foreach (json_object_get(result, "log"), i, line) {
			snprintf(text, sizeof(text), "       %s: %s",
			    model_text(result, "process"),
			    json_string_value(line));
			push_line(push, text);
		}
	json_decref(result);
}

static void
push_deployed(enum deploy_result result, const char *text, void *arg)
{
	struct push *push = arg;
	char line[PAAS_ERRLEN];
	int version = (int)model_number(push->build, "version");

	push->deploy = NULL;
	switch (result) {
	case DEPLOY_LIVE:
		snprintf(line, sizeof(line), "       v%d is live", version);
		push_line(push, line);
		push_times_mark(&push->times, PUSH_LIVE);
		push_times_text(&push->times, line, sizeof(line));
		push_line(push, line);
		push_end_well(push);
		break;
	case DEPLOY_CANARY:
		snprintf(line, sizeof(line),
		    "       v%d is a canary: paas rollout:promote lets it take "
		    "over, paas rollout:abort gives it up",
		    version);
		push_line(push, line);
		push_end_well(push);
		break;
	case DEPLOY_FAILED:
		push_last_words(push);
		snprintf(line, sizeof(line),
		    "v%d did not get ready, and nothing was changed: %s",
		    version, text);
		push_end_error(push, "release_failed", line);
		break;
	case DEPLOY_REPLACED:
		snprintf(line, sizeof(line),
		    "v%d was replaced by a later release before it was ready",
		    version);
		push_end_error(push, "release_replaced", line);
		break;
	case DEPLOY_GONE:
		push_end_error(push, "not_found", "the app was destroyed");
		break;
	}
}

static const struct deploy_owner push_deploy = {
    push_deploy_line, push_started, push_deployed};

static void
push_start_deploy(struct push *push)
{
	struct request *r = push->request;
	uint64_t number = 0;
	int64_t version = model_number(push->build, "version");
	char line[64];

	snprintf(line, sizeof(line), "-----> Starting v%d", (int)version);
	push_line(push, line);
	(void)key_parse_id(model_text(r->app, "number"), &number);
	push->deploy =
	    deploy_open(r->api, r->name, number, version, &push_deploy, push);
	if (push->deploy == NULL)
		push_end_well(push);
}

/* ---- the build ------------------------------------------------------- */

static int
push_build_line(const char *text, size_t len, void *arg)
{
	struct push *push = arg;

	return stream_line(push->stream, text, len) != 0;
}

static void
push_built(json_t *build, void *arg)
{
	struct push *push = arg;

	push->follow = NULL;
	push->build = json_incref(build);
	/* What ran last for it began when the buildpacks had ended. */
	push->times.at[PUSH_COMPILED] = model_number(build, "started");
	push_times_mark(&push->times, PUSH_RELEASED);
	if (build == NULL)
		push_end_error(push, "not_found", "the app was destroyed");
	else if (strcmp(model_text(build, "state"), "succeeded") != 0)
		push_end_error(push,
		    model_text(build, "code")[0] != '\0'
			? model_text(build, "code")
			: "build_failed",
		    model_text(build, "error")[0] != '\0'
			? model_text(build, "error")
			: "the build failed");
	else if (push->build_only)
		push_end_well(push);
	else
		push_start_deploy(push);
}

static void
push_drained(void *arg)
{
	struct push *push = arg;

	if (push->follow != NULL)
		build_follow_resume(push->follow);
	if (push->deploy != NULL)
		deploy_resume(push->deploy);
}

static void
push_closed(void *arg)
{
	struct push *push = arg;

	push->stream = NULL;
	if (push->request->push != 0 && push->build == NULL)
		push_watch_gone(
		    push->request->api->pushes, push->request->name, push->id);
	if (push->follow != NULL)
		build_follow_close(push->follow);
	push->follow = NULL;
	deploy_close(push->deploy);
	push->deploy = NULL;
}

static const struct stream_owner push_stream = {push_drained, push_closed};

static void
push_answer(struct push *push)
{
	struct request *r = push->request;
	char hex[17], key[STORE_KEY_MAX + 1];
	json_t *build;

	key_format_id(hex, push->id);
	if (push->detach) {
		build = store_get(r->api->store,
		    key_format(key, "build/%s/%s", r->name, hex), NULL);
		respond_json(r, MHD_HTTP_ACCEPTED,
		    model_build(r, r->name, r->app, build));
		json_decref(build);
		return;
	}
	push->stream = stream_open(r, MHD_HTTP_CREATED, &push_stream, push);
	if (push->stream == NULL)
		return;
	respond_header(r, "Build-Id", hex);
	push->follow = build_follow(r->api->build, r->name, push->id,
	    push_build_line, push_built, push);
	if (push->follow == NULL)
		push_end_error(push, "not_found", "the app was destroyed");
}

static void
push_begun(const struct build_error *error, uint64_t id, void *arg)
{
	struct push *push = arg;
	struct request *r = push->request;

	push->id = id;
	push_times_mark(&push->times, PUSH_RECEIVED);
	if (request_gone(r))
		;
	else if (error != NULL)
		build_refuse(r, error);
	else
		push_answer(push);
	request_release(r);
}

void
build_create(struct request *r)
{
	struct push *push = r->state;
	struct build_upload *upload;

	if (build_order_is(r)) {
		build_order_create(r);
		return;
	}
	upload = push->upload;
	if (upload == NULL && push->size != 0)
		respond_invalid(r,
		    "Idempotency-Key was used for another upload already: send "
		    "a new one with a new one");
	else if (upload == NULL)
		push_answer(push);
	if (upload == NULL)
		return;
	push->upload = NULL;
	(void)request_hold(r);
	audit_note(r);
	build_upload_finish(upload, push_begun, push);
}
