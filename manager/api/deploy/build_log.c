/*
 * GET /apps/APP/builds/ID/log: what a build printed, to its end.  For events
 * the number of the line, from 1 on, is the id; the last one, of the name
 * "done" and the id "end", says how the build ended.
 */
#include <bsd/stdlib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/deploy/build_find.h"
#include "api/deploy/build_stream.h"
#include "api/model.h"
#include "api/deploy/push_watch.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/http/stream.h"
#include "api/verbs.h"
#include "build/build.h"

#define LAST "end"

struct log {
	struct request *request; /* outlives it */
	struct stream *stream;
	uint64_t build;
	uint32_t lines; /* that came */
	uint32_t seen;  /* of them the client has seen so many before */
	int done;
	struct build_follow *follow;
};

static int
log_line(const char *text, size_t len, void *arg)
{
	struct log *log = arg;

	char id[16];

	if (++log->lines <= log->seen)
		return 0;
	snprintf(id, sizeof(id), "%" PRIu32, log->lines);
	return stream_event(log->stream, id, text, len) != 0;
}

static void
log_tell_end(struct log *log, json_t *build)
{
	json_t *end = json_pack("{s:s}", "status", model_text(build, "state"));
	char *text = json_dumps(end, JSON_COMPACT);

	json_decref(end);
	if (text != NULL)
		(void)stream_note(
		    log->stream, "done", LAST, text, strlen(text));
	free(text);
}

static void
log_done(json_t *build, void *arg)
{
	struct log *log = arg;

	log->follow = NULL;
	log->done = 1;
	if (build != NULL)
		log_tell_end(log, build);
	stream_end(log->stream);
}

static void
log_drained(void *arg)
{
	struct log *log = arg;

	if (log->follow != NULL)
		build_follow_resume(log->follow);
}

static void
log_closed(void *arg)
{
	struct log *log = arg;

	if (log->request->push != 0 && !log->done)
		push_watch_gone(
		    log->request->api->pushes, log->request->name, log->build);
	if (log->follow != NULL)
		build_follow_close(log->follow);
	free(log);
}

static const struct stream_owner log_owner = {log_drained, log_closed};

/* 0, or -1: answered, as there is nothing to come, or with an error. */
static int
log_resume(struct request *r, uint32_t *seen)
{
	const char *last = stream_last(r), *bad;

	*seen = 0;
	if (last == NULL || *last == '\0')
		return 0;
	if (strcmp(last, LAST) == 0) {
		/* An EventSource is not to come again. */
		respond_with(r, MHD_HTTP_NO_CONTENT,
		    MHD_create_response_from_buffer(
			0, NULL, MHD_RESPMEM_PERSISTENT));
		return -1;
	}
	*seen = (uint32_t)strtonum(last, 1, UINT32_MAX, &bad);
	if (bad == NULL)
		return 0;
	respond_error(r, MHD_HTTP_BAD_REQUEST, "bad_request",
	    "Last-Event-ID has to be the id of an event of this build");
	return -1;
}

void
build_log_open(struct request *r, const char *app, uint64_t id)
{
	struct log *log;
	uint32_t seen;

	if (log_resume(r, &seen) == -1)
		return;
	if ((log = calloc(1, sizeof(*log))) == NULL) {
		respond_broken(r, "out of memory");
		return;
	}
	log->request = r;
	log->build = id;
	log->seen = seen;
	log->stream = stream_open(r, MHD_HTTP_OK, &log_owner, log);
	if (log->stream == NULL) {
		free(log);
		return;
	}
	if (r->push != 0)
		push_watch_came(r->api->pushes, id);
	log->follow =
	    build_follow(r->api->build, app, id, log_line, log_done, log);
	if (log->follow == NULL)
		stream_end(log->stream);
}

void
build_log(struct request *r)
{
	json_t *build;
	uint64_t id;

	if ((build = build_find(r, &id)) == NULL)
		return;
	json_decref(build);
	build_log_open(r, r->name, id);
}
