/*
 * DELETE /apps/APP/build-cache: the next build begins with nothing of those
 * before.  It is not done while one runs, which would go on to fill what is on
 * its way out.
 */
#include <errno.h>
#include <string.h>

#include "api/app/app_change.h"
#include "api/deploy/build_way.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/model.h"
#include "api/server.h"
#include "api/verbs.h"
#include "build/build.h"
#include "node/launch.h"
#include "node/node.h"
#include "store/keys.h"

static void
cache_tell(struct request *r)
{
	struct store_txn *txn = app_change_begin(r);
	char by[WHO_NAME];

	request_user(r, by, sizeof(by));
	store_event(txn, r->name, "build", "build cache emptied by %s", by);
	request_commit(r, txn, MHD_HTTP_OK, json_object());
}

static void
cache_emptied(int error, const struct launch_reply *reply, void *arg)
{
	struct request *r = arg;

	(void)reply;
	if (request_gone(r))
		;
	else if (error == 0)
		cache_tell(r);
	else if (error == EBUSY)
		respond_error(r, MHD_HTTP_CONFLICT, "build_running",
		    "a build of %s has the cache: try again when it has ended",
		    request_app(r));
	else
		respond_broken(r,
		    "the build cache can't be emptied: %s; try again",
		    strerror(error));
	request_release(r);
}

void
build_cache_delete(struct request *r)
{
	struct launch *launch = node_launch(r->api->node);
	struct build_error err;
	uint64_t number;

	if (key_parse_id(model_text(r->app, "number"), &number) == -1) {
		respond_json(r, MHD_HTTP_OK, json_object());
		return;
	}
	if (build_is_free(r->api->build, r->name, &err) == -1) {
		build_refuse(r, &err);
		return;
	}
	/* What it is sent while it does not answer would wait with no word. */
	if (!launch_answers(launch)) {
		respond_error(r, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "service_unavailable",
		    "the launcher does not answer: try again in a second");
		return;
	}
	/* What is promised of it goes first: a push looks there. */
	build_forget(r->api->build, number);
	if (launch_empty_cache(launch, number, cache_emptied, request_hold(r)) <
	    0) {
		respond_broken(r, "out of memory");
		request_release(r);
	}
}
