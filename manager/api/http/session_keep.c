#include "api/http/session_keep.h"

#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "api/http/live.h"
#include "api/http/request.h"
#include "api/model.h"
#include "api/server.h"
#include "node/attach.h"
#include "store/keys.h"
#include "store/store.h"

#define KEEP_LOOK (1000 * 1000ULL) /* microseconds: is the instance there? */

struct session_kept {
	TAILQ_ENTRY(session_kept) entry;
	struct request *request; /* which `live` holds */
	struct live *live;
	uint64_t instance;
	int stream;
	sd_event_source *hangup, *timer;
};

static void
kept_free(struct session_kept *kept)
{
	struct live *live = kept->live;

	sd_event_source_disable_unref(kept->hangup);
	sd_event_source_disable_unref(kept->timer);
	close(kept->stream);
	free(kept);
	live_end(live);
}

/*
 * Both sides hear of it.  To free it is for the loop, which finds the stream
 * hung up.
 */
static void
kept_cut(struct session_kept *kept)
{
	(void)shutdown(kept->stream, SHUT_RDWR);
}

/* paas-init ends the command then, as when its client goes. */
static void
kept_refuse(void *arg)
{
	struct session_kept *kept = arg;
	struct request *r = kept->request;
	char key[STORE_KEY_MAX + 1], user[WHO_NAME];
	struct store_txn *txn;
	json_t *app;
	int same;

	kept_cut(kept);
	app =
	    store_get(r->api->store, key_format(key, "app/%s", r->name), NULL);
	same = app != NULL && strcmp(model_text(app, "number"),
				  model_text(r->app, "number")) == 0;
	json_decref(app);
	if (!same)
		return;
	request_user(r, user, sizeof(user));
	txn = store_begin(r->api->store);
	store_event(txn, r->name, "exec",
	    "the session of %s with %s was ended: what it was asked for with "
	    "is not good any more",
	    user, r->params[1]);
	store_commit_later(txn, NULL, NULL);
}

static int
kept_on_hangup(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct session_kept *kept = arg;

	(void)source;
	(void)fd;
	(void)events;
	TAILQ_REMOVE(&kept->request->api->sessions, kept, entry);
	kept_free(kept);
	return 0;
}

/* Without its instance nobody else would close the stream. */
static int
kept_on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct session_kept *kept = arg;

	(void)usec;
	if (!node_attachable(kept->request->api->node, kept->instance)) {
		kept_cut(kept);
		return 0;
	}
	(void)sd_event_source_set_time_relative(source, KEEP_LOOK);
	(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

int
session_keep(struct request *r, uint64_t instance, int stream)
{
	struct session_kept *kept = calloc(1, sizeof(*kept));
	int error;

	if (kept == NULL)
		return -ENOMEM;
	kept->request = r;
	kept->instance = instance;
	if ((kept->stream = fcntl(stream, F_DUPFD_CLOEXEC, 0)) == -1) {
		error = -errno;
		free(kept);
		return error;
	}
	if ((kept->live = live_keep(r, kept_refuse, kept)) == NULL) {
		close(kept->stream);
		free(kept);
		return -ENOMEM;
	}
	/* Nothing but that it hangs up: what it says is the instance's. */
	error = sd_event_add_io(r->api->event, &kept->hangup, kept->stream, 0,
	    kept_on_hangup, kept);
	if (error >= 0)
		error = sd_event_add_time_relative(r->api->event, &kept->timer,
		    CLOCK_MONOTONIC, KEEP_LOOK, 0, kept_on_timer, kept);
	if (error < 0) {
		kept_free(kept);
		return error;
	}
	TAILQ_INSERT_TAIL(&r->api->sessions, kept, entry);
	return 0;
}

void
session_keep_close(struct api *api)
{
	struct session_kept *kept;

	while ((kept = TAILQ_FIRST(&api->sessions)) != NULL) {
		TAILQ_REMOVE(&api->sessions, kept, entry);
		kept_free(kept);
	}
}
