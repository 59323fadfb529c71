#include "api/deploy/push_watch.h"

#include <bsd/string.h>
#include <bsd/sys/queue.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/model.h"
#include "api/server.h"
#include "build/build.h"
#include "common/log.h"
#include "store/keys.h"

/* A hook asks for a minute; it may have to wait for the loop, too. */
#define WATCH_PATIENCE_US (75 * 1000000ULL)

/* What can't be stopped in this moment is tried again. */
#define WATCH_EVERY_US (250 * 1000ULL)

/* A build without a hook. */
struct orphan {
	TAILQ_ENTRY(orphan) entry;
	char app[MODEL_NAME_MAX];
	uint64_t build;
	uint64_t until; /* CLOCK_MONOTONIC: then it is stopped */
};

struct push_watch {
	struct api *api;
	sd_event_source *timer;
	TAILQ_HEAD(orphan_list, orphan) orphans;
};

static void
watch_arm(struct push_watch *w)
{
	if (TAILQ_EMPTY(&w->orphans))
		return;
	(void)sd_event_source_set_time_relative(w->timer, WATCH_EVERY_US);
	(void)sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

static uint64_t
watch_now(struct push_watch *w)
{
	uint64_t now = 0;

	(void)sd_event_now(w->api->event, CLOCK_MONOTONIC, &now);
	return now;
}

static void
watch_add(struct push_watch *w, const char *app, uint64_t build, uint64_t us)
{
	struct orphan *orphan = calloc(1, sizeof(*orphan));

	if (orphan == NULL)
		return;
	strlcpy(orphan->app, app, sizeof(orphan->app));
	orphan->build = build;
	orphan->until = watch_now(w) + us;
	TAILQ_INSERT_TAIL(&w->orphans, orphan, entry);
	watch_arm(w);
}

static void
watch_remove(struct push_watch *w, struct orphan *orphan)
{
	TAILQ_REMOVE(&w->orphans, orphan, entry);
	free(orphan);
}

static int
watch_on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct push_watch *w = arg;
	struct orphan *next, *orphan;

	(void)source;
	TAILQ_FOREACH_SAFE (orphan, &w->orphans, entry, next) {
		if (usec < orphan->until)
			continue;
		if (build_stop(w->api->build, orphan->app, orphan->build,
			"The push was broken off, and its build with it.") != 0)
			watch_remove(w, orphan);
	}
	watch_arm(w);
	return 0;
}

/* One of the builds that were under way before this start. */
static int
watch_adopt(const char *key, json_t *upload, uint64_t rev, void *arg)
{
	const char *app = model_text(upload, "app");
	char build[STORE_KEY_MAX + 1], hex[17];
	struct push_watch *w = arg;
	json_t *record;
	uint64_t id;

	(void)rev;
	if (!key_app_valid(app) || key_part(key, 1, hex, sizeof(hex)) == -1 ||
	    key_parse_id(hex, &id) == -1)
		return 0;
	record = store_get(
	    w->api->store, key_format(build, "build/%s/%s", app, hex), NULL);
	if (model_text(record, "push")[0] != '\0')
		watch_add(w, app, id, WATCH_PATIENCE_US);
	json_decref(record);
	return 0;
}

struct push_watch *
push_watch_open(struct api *api, char err[PAAS_ERRLEN])
{
	struct push_watch *w = calloc(1, sizeof(*w));
	int r;

	if (w == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	w->api = api;
	TAILQ_INIT(&w->orphans);
	r = sd_event_add_time_relative(
	    api->event, &w->timer, CLOCK_MONOTONIC, 0, 0, watch_on_timer, w);
	if (r < 0) {
		snprintf(err, PAAS_ERRLEN, "event loop: %s", strerror(-r));
		free(w);
		return NULL;
	}
	(void)store_each(api->store, "upload/", watch_adopt, w);
	return w;
}

void
push_watch_close(struct push_watch *w)
{
	struct orphan *next, *orphan;

	if (w == NULL)
		return;
	TAILQ_FOREACH_SAFE (orphan, &w->orphans, entry, next)
		free(orphan);
	sd_event_source_disable_unref(w->timer);
	free(w);
}

void
push_watch_came(struct push_watch *w, uint64_t build)
{
	struct orphan *next, *orphan;

	TAILQ_FOREACH_SAFE (orphan, &w->orphans, entry, next)
		if (orphan->build == build)
			watch_remove(w, orphan);
}

void
push_watch_gone(struct push_watch *w, const char *app, uint64_t build)
{
	/* The end of this process is not that of the hook. */
	if (w->api->closing)
		return;
	log_info("api: nobody waits for build %016" PRIx64 " of %s any more",
	    build, app);
	push_watch_came(w, build);
	watch_add(w, app, build, 0);
}
