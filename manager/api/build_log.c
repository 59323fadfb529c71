/*
 * GET /apps/APP/builds/ID/log: what a build printed, to its end.
 */
#include <stdlib.h>

#include "api/build_find.h"
#include "api/build_stream.h"
#include "api/push_watch.h"
#include "api/request.h"
#include "api/respond.h"
#include "api/stream.h"
#include "api/verbs.h"
#include "build/build.h"

struct log {
	struct request *request; /* outlives it */
	struct stream *stream;
	uint64_t build;
	int done;
	struct build_follow *follow;
};

static int
log_line(const char *text, size_t len, void *arg)
{
	struct log *log = arg;

	return stream_line(log->stream, text, len) != 0;
}

static void
log_done(json_t *build, void *arg)
{
	struct log *log = arg;

	(void)build;
	log->follow = NULL;
	log->done = 1;
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

void
build_log_open(struct request *r, const char *app, uint64_t id)
{
	struct log *log;

	if ((log = calloc(1, sizeof(*log))) == NULL) {
		respond_broken(r, "out of memory");
		return;
	}
	log->request = r;
	log->build = id;
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
