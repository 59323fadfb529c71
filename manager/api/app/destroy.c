#include "api/app/destroy.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/app/host.h"
#include "api/model.h"
#include "api/app/repository.h"
#include "api/server.h"
#include "build/build.h"
#include "common/log.h"
#include "node/launch.h"
#include "node/node.h"
#include "store/keys.h"

#define DESTROY_SLICE (STORE_OPS_MAX - 4)
#define DESTROY_AGAIN 500000 /* us until a look at what others have to end */

/*
 * The records of an app.  assign/, actual/ and ran/ go by those who write
 * them; number/ stays, so that no number is used twice.
 */
static const struct plan {
	const char *prefix;
	int whole;  /* prefix is a key by itself */
	int shared; /* of all apps: those whose "app" it is */
	int late;   /* once nothing of the app runs any more */
} plans[] = {
    {"domain/", 0, 1, 0},
    {"redirect/%s", 1, 0, 0},
    {"cert/%s/", 0, 0, 0},
    {"certkey/%s/", 0, 0, 0},
    {"token/", 0, 1, 0},
    {"member/%s/", 0, 0, 0},
    {"teamgrant/%s/", 0, 0, 0},
    {"drain/%s/", 0, 0, 0},
    {"formation/%s/", 0, 0, 0},
    {"config/%s", 1, 0, 0},
    {"settings/%s/", 0, 0, 0},
    {"draft/%s/", 0, 0, 0},
    {"release/%s/", 0, 0, 0},
    {"run/%s/", 0, 0, 0},
    {"build/%s/", 0, 0, 1},
    {"rollout/%s", 1, 0, 1},
    {"scale/%s", 1, 0, 1},
    {"cron/%s/", 0, 0, 0},
    {"cronran/%s/", 0, 0, 1},
    {"result/%s/", 0, 0, 1},
    {"instance/%s/", 0, 0, 1},
    {"event/%s/", 0, 0, 1},
};

enum phase {
	DESTROY_RECORDS, /* of what was asked for */
	DESTROY_WAIT,    /* for instances and builds to end */
	DESTROY_FILES,   /* logs and cache, by the launcher */
	DESTROY_LATE,    /* records that named those */
	DESTROY_INTENT   /* the last one */
};

struct removal {
	TAILQ_ENTRY(removal) entry;
	struct destroyer *destroyer;
	char name[MODEL_NAME_MAX];
	uint64_t number;
	enum phase phase;
	int used;
	int busy; /* a commit or the launcher will call back */
};

struct destroyer {
	struct api *api;
	struct store_watch *watch;
	sd_event_source *timer;
	TAILQ_HEAD(removal_list, removal) removals;
};

static void destroy_step(struct removal *);

static void
destroy_later(struct destroyer *d)
{
	(void)sd_event_source_set_time_relative(d->timer, DESTROY_AGAIN);
	(void)sd_event_source_set_enabled(d->timer, SD_EVENT_ONESHOT);
}

/* ---- records --------------------------------------------------------- */

struct slice {
	struct store_txn *txn;
	const struct plan *plan;
	const char *name;
	int count;
};

static int
slice_add(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct slice *slice = arg;

	(void)rev;
	if (slice->plan->shared &&
	    strcmp(model_text(value, "app"), slice->name) != 0)
		return 0;
	if (slice->plan->whole &&
	    strlen(strchr(key, '/') + 1) != strlen(slice->name))
		return 0;
	store_del(slice->txn, key);
	return ++slice->count >= DESTROY_SLICE;
}

static int
slice_fill(struct removal *m, struct slice *slice, int late)
{
	char prefix[STORE_KEY_MAX + 1];

	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		slice->plan = &plans[i];
		if (plans[i].late != late || slice->count >= DESTROY_SLICE)
			continue;
		snprintf(prefix, sizeof(prefix), "%s", plans[i].prefix);
		if (!plans[i].shared) {
			prefix[strcspn(prefix, "%")] = '\0';
			strlcat(prefix, m->name, sizeof(prefix));
			if (!plans[i].whole)
				strlcat(prefix, "/", sizeof(prefix));
		}
		(void)store_each(
		    m->destroyer->api->store, prefix, slice_add, slice);
	}
	return slice->count;
}

static void
destroy_committed(enum store_result result, uint64_t rev, void *arg)
{
	struct removal *m = arg;

	(void)rev;
	m->busy = 0;
	if (result != STORE_OK) {
		log_warn(
		    "api: taking away %s: %s", m->name, store_strerror(result));
		destroy_later(m->destroyer);
	} else if (m->phase == DESTROY_INTENT) {
		log_info("api: nothing is left of app %s", m->name);
		TAILQ_REMOVE(&m->destroyer->removals, m, entry);
		free(m);
	} else
		destroy_step(m);
}

/* Whether there is nothing left to delete; else a commit is under way. */
static int
destroy_records(struct removal *m, int late)
{
	struct slice slice = {
	    store_begin(m->destroyer->api->store), NULL, m->name, 0};

	if (slice_fill(m, &slice, late) == 0) {
		store_abandon(slice.txn);
		return 1;
	}
	if (!late)
		host_gone(slice.txn);
	m->busy = 1;
	store_commit(slice.txn, destroy_committed, m);
	return 0;
}

static void
destroy_intent(struct removal *m)
{
	struct store_txn *txn = store_begin(m->destroyer->api->store);
	char key[STORE_KEY_MAX + 1];

	store_del(txn, key_format(key, "destroy/%s", m->name));
	m->busy = 1;
	store_commit(txn, destroy_committed, m);
}

/* ---- what runs ------------------------------------------------------- */

static int
destroy_is_of(const char *key, json_t *value, uint64_t rev, void *arg)
{
	(void)key;
	(void)rev;
	return strcmp(model_text(value, "app"), arg) == 0;
}

static int
destroy_is_there(const char *key, json_t *value, uint64_t rev, void *arg)
{
	(void)key;
	(void)value;
	(void)rev;
	(void)arg;
	return 1;
}

static int
destroy_is_building(const char *key, json_t *build, uint64_t rev, void *arg)
{
	const char *state = model_text(build, "state");

	(void)key;
	(void)rev;
	(void)arg;
	return strcmp(state, "succeeded") != 0 && strcmp(state, "failed") != 0;
}

static int
destroy_still_runs(struct removal *m)
{
	struct store *store = m->destroyer->api->store;
	char actual[64], assign[64], prefix[STORE_KEY_MAX + 1];

	model_actual_prefix(assign, sizeof(assign), "assign", m->number);
	model_actual_prefix(actual, sizeof(actual), "actual", m->number);
	return store_each(store, assign, destroy_is_of, m->name) != 0 ||
	       store_each(store, actual, destroy_is_of, m->name) != 0 ||
	       store_each(store, key_format(prefix, "ran/%s/", m->name),
		   destroy_is_there, NULL) != 0 ||
	       store_each(store, key_format(prefix, "build/%s/", m->name),
		   destroy_is_building, NULL) != 0;
}

/* ---- files ----------------------------------------------------------- */

static void
destroy_dropped(int error, const struct launch_reply *reply, void *arg)
{
	struct removal *m = arg;

	(void)reply;
	m->busy = 0;
	if (error != 0) {
		log_warn(
		    "api: cache and logs of %s: %s", m->name, strerror(error));
		destroy_later(m->destroyer);
		return;
	}
	m->phase = DESTROY_LATE;
	destroy_step(m);
}

static void
destroy_files(struct removal *m)
{
	int r;

	m->busy = 1;
	build_forget(m->destroyer->api->build, m->number);
	r = launch_drop_cache(node_launch(m->destroyer->api->node), m->number,
	    destroy_dropped, m);
	if (r < 0) {
		m->busy = 0;
		destroy_later(m->destroyer);
	}
}

/* A repository may be there though nothing was ever built. */
static int
destroy_has_files(struct removal *m)
{
	return m->used ||
	       repository_exists(m->destroyer->api->repositories, m->number);
}

/* ---- the steps ------------------------------------------------------- */

static void
destroy_step(struct removal *m)
{
	while (!m->busy) {
		switch (m->phase) {
		case DESTROY_RECORDS:
			if (destroy_records(m, 0))
				m->phase = DESTROY_WAIT;
			break;
		case DESTROY_WAIT:
			if (destroy_still_runs(m)) {
				destroy_later(m->destroyer);
				return;
			}
			m->phase =
			    destroy_has_files(m) ? DESTROY_FILES : DESTROY_LATE;
			break;
		case DESTROY_FILES:
			destroy_files(m);
			return;
		case DESTROY_LATE:
			if (destroy_records(m, 1))
				m->phase = DESTROY_INTENT;
			break;
		case DESTROY_INTENT:
			destroy_intent(m);
			return;
		}
	}
}

static int
destroy_add(const char *key, json_t *intent, uint64_t rev, void *arg)
{
	struct destroyer *d = arg;
	struct removal *m;

	(void)rev;
	if (intent == NULL || (m = calloc(1, sizeof(*m))) == NULL)
		return 0;
	m->destroyer = d;
	m->used = json_is_true(json_object_get(intent, "used"));
	if (key_part(key, 1, m->name, sizeof(m->name)) == -1 ||
	    key_parse_id(model_text(intent, "number"), &m->number) == -1) {
		log_err("api: %s is damaged", key);
		free(m);
		return 0;
	}
	TAILQ_INSERT_TAIL(&d->removals, m, entry);
	destroy_later(d);
	return 0;
}

static void
destroy_on_change(const char *key, json_t *intent, uint64_t rev, void *arg)
{
	(void)destroy_add(key, intent, rev, arg);
}

static int
destroy_on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct destroyer *d = arg;
	struct removal *m, *next;

	(void)source;
	(void)usec;
	for (m = TAILQ_FIRST(&d->removals); m != NULL; m = next) {
		next = TAILQ_NEXT(m, entry);
		destroy_step(m);
	}
	return 0;
}

struct destroyer *
destroyer_open(struct api *api, char err[PAAS_ERRLEN])
{
	struct destroyer *d;
	int r;

	if ((d = calloc(1, sizeof(*d))) == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	d->api = api;
	TAILQ_INIT(&d->removals);
	r = sd_event_add_time_relative(
	    api->event, &d->timer, CLOCK_MONOTONIC, 0, 0, destroy_on_timer, d);
	if (r < 0) {
		snprintf(err, PAAS_ERRLEN, "event loop: %s", strerror(-r));
		free(d);
		return NULL;
	}
	(void)store_each(api->store, "destroy/", destroy_add, d);
	d->watch = store_watch(api->store, "destroy/", destroy_on_change, d);
	return d;
}

void
destroyer_close(struct destroyer *d)
{
	struct removal *m;

	if (d == NULL)
		return;
	store_unwatch(d->watch);
	sd_event_source_disable_unref(d->timer);
	while ((m = TAILQ_FIRST(&d->removals)) != NULL) {
		TAILQ_REMOVE(&d->removals, m, entry);
		launch_forget(node_launch(d->api->node), m);
		free(m);
	}
	free(d);
}
