/*
 * GET /apps/APP/dynos/run.1/attach: the session of a one-off process that was
 * asked for with "attach".  The answer waits until it is there.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/http/session.h"
#include "api/verbs.h"
#include "node/oneoff.h"
#include "store/keys.h"

struct attach {
	struct request *request; /* outlives it */
	struct store_watch *watch;
};

static void
attach_free(void *arg)
{
	struct attach *attach = arg;

	store_unwatch(attach->watch);
	free(attach);
}

static void
attach_changed(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct attach *attach = arg;
	struct request *r = attach->request;

	(void)key;
	(void)value;
	(void)rev;
	if (!respond_given(r))
		request_run(r);
}

static void
attach_wait(struct request *r, const char *key)
{
	struct attach *attach;

	if (r->state != NULL)
		return;
	if ((attach = calloc(1, sizeof(*attach))) == NULL) {
		respond_broken(r, "out of memory");
		return;
	}
	attach->request = r;
	attach->watch = store_watch(r->api->store, key, attach_changed, attach);
	r->state = attach;
	r->state_free = attach_free;
}

static void
attach_now(struct request *r, json_t *run, uint32_t index)
{
	char key[STORE_KEY_MAX + 1];
	struct oneoff_end end;
	uint64_t instance;
	json_t *ran;

	if (!json_is_true(json_object_get(run, "attach"))) {
		respond_invalid(r,
		    "%.60s was started without \"attach\": what it prints is "
		    "in the logs",
		    r->params[1]);
		return;
	}
	if (oneoff_look(r->api->store, r->name, index, &end) == ONEOFF_ENDED) {
		respond_conflict(
		    r, "%.60s has ended: %s", r->params[1], end.reason);
		return;
	}
	key_format(key, "ran/%s/%08" PRIu32, r->name, index);
	ran = store_get(r->api->store, key, NULL);
	if (strcmp(model_text(ran, "state"), "running") == 0 &&
	    key_parse_id(model_text(ran, "instance"), &instance) == 0)
		session_attach(r, instance);
	else
		attach_wait(r, key);
	json_decref(ran);
}

void
dyno_attach(struct request *r)
{
	uint32_t index =
	    model_find_oneoff(r->api, r->name, r->app, r->params[1]);
	char key[STORE_KEY_MAX + 1];
	json_t *run;

	if (index == 0) {
		respond_missing(r, "%s has no one-off process %.60s",
		    request_app(r), r->params[1]);
		return;
	}
	if (!session_asked(r))
		return;
	key_format(key, "run/%s/%08" PRIu32, r->name, index);
	run = store_get(r->api->store, key, NULL);
	attach_now(r, run, index);
	json_decref(run);
}
