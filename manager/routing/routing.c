#include "routing/routing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <bsd/string.h>
#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "common/log.h"
#include "routing/cert_index.h"
#include "routing/routing_impl.h"
#include "store/names.h"

/* After a commit that failed: ms, doubled up to the other. */
#define RETRY_MIN 1000
#define RETRY_MAX 30000

/* Touches in one commit: a few ms of work. */
#define BATCH_MAX 256

/* What was not caused by a change just now must not keep one waiting: us. */
#define LATER_USEC 1000

/* Touches kept while nothing may be written yet. */
#define LATER_MAX 4096

/* Changes in one commit of a database that nobody reads yet. */
#define BUILD_BATCH 4096

/*
 * A change goes before requests, and the walk behind them (api/door.c): it has
 * what time they leave, and a slice each LATER_EVERY us if they leave none.
 */
#define PRIORITY_NOW   SD_EVENT_PRIORITY_IMPORTANT
#define PRIORITY_LATER (SD_EVENT_PRIORITY_NORMAL + 20)
#define LATER_EVERY    20000

static int
compare_touches(struct touch *a, struct touch *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return strcmp(a->name, b->name);
}

RB_GENERATE_INTERNAL(
    touches, touch, entry, compare_touches, __attribute__((__unused__)) static)

/* ---- what was touched -------------------------------------------------- */

/* Enables what has something to do. */
static void
enable(struct routing *rt)
{
	size_t later = rt->queues[TOUCH_LATER].n + (rt->walk != NULL);

	if (rt->queues[TOUCH_NOW].n > 0 || (rt->stale && later == 0))
		sd_event_source_set_enabled(rt->now, SD_EVENT_ONESHOT);
	if (later > 0)
		sd_event_source_set_enabled(rt->later, SD_EVENT_ONESHOT);
}

/* After a failure the timer does so. */
static void
wake(struct routing *rt)
{
	if (rt->retry == 0)
		enable(rt);
}

static void
enqueue(struct routing *rt, struct touch *item, enum touch_when when)
{
	struct touch_queue *queue = &rt->queues[when];

	item->when = when;
	if (item->kind == TOUCH_APP)
		TAILQ_INSERT_HEAD(&queue->list, item, queue);
	else
		TAILQ_INSERT_TAIL(&queue->list, item, queue);
	queue->n++;
}

static void
dequeue(struct routing *rt, struct touch *item)
{
	TAILQ_REMOVE(&rt->queues[item->when].list, item, queue);
	rt->queues[item->when].n--;
}

void
routing_touch(struct routing *rt, enum touch_kind kind, const char *name,
    enum touch_when when)
{
	struct touch *item, *old;
	size_t len = strlen(name);

	if ((item = calloc(1, sizeof(*item) + len + 1)) == NULL)
		log_fatal("routing: out of memory");
	item->kind = kind;
	memcpy(item->name, name, len);
	if ((old = RB_INSERT(touches, &rt->touches, item)) == NULL) {
		enqueue(rt, item, when);
		return;
	}
	free(item);
	if (when < old->when) {
		dequeue(rt, old);
		enqueue(rt, old, when);
	}
}

static void
forget(struct routing *rt, struct touch *item)
{
	RB_REMOVE(touches, &rt->touches, item);
	dequeue(rt, item);
	free(item);
}

static void
forget_all(struct routing *rt)
{
	struct touch *item, *next;

	RB_FOREACH_SAFE (item, touches, &rt->touches, next)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it unlinks */
		forget(rt, item);
}

void
routing_changed(struct routing *rt)
{
	rt->stale = 1;
	wake(rt);
}

/* ---- the walk ---------------------------------------------------------- */

static void
start_walk(struct routing *rt, uint64_t base)
{
	if (base > store_revision(rt->store))
		base = 0; /* of a store that is no more */
	if (base == 0)
		routing_db_distrust(rt->db);
	routing_walk_free(rt->walk);
	rt->walk = routing_walk_new(base);
	routing_changed(rt);
}

void
routing_walk_start(struct routing *rt)
{
	start_walk(rt, routing_db_base(rt->db));
}

/*
 * A record that is gone leaves no revision behind, and a host may hang on
 * several: whoever deletes one writes gone/host, so that it is known if that
 * was after the last commit here.
 */
static uint64_t
find_base(struct routing *rt)
{
	uint64_t gone, base = routing_db_base(rt->db);
	json_t *value = store_get(rt->store, "gone/host", &gone);

	json_decref(value);
	return gone > base ? 0 : base;
}

void
routing_walk_over(struct routing *rt)
{
	routing_walk_free(rt->walk);
	rt->walk = NULL;
	wake(rt);
}

/* ---- commits ----------------------------------------------------------- */

/* The app's own host, and that of the name that it had. */
static void
apply_app(struct routing *rt, const char *name)
{
	char host[PAAS_ROUTEDB_HOST_MAX + 1], other[KEY_NAME_MAX + 1];

	routing_app_apply(rt->store, rt->conf, rt->db, name);
	if (routing_host_format(rt->conf, name, host) == 0)
		routing_host_apply(rt, host);
	names_of(rt->store, name, other);
	if (strcmp(other, name) != 0 &&
	    routing_host_format(rt->conf, other, host) == 0)
		routing_host_apply(rt, host);
}

static void
apply_pool(struct routing *rt, const char *name)
{
	uint64_t id;

	if (key_parse_id(name, &id) == 0)
		routing_pool_apply(rt, id);
}

static void
apply_keys(struct routing *rt, const char *name)
{
	(void)name;
	routing_keys_apply(rt);
}

void
routing_apply(struct routing *rt, enum touch_kind kind, const char *name)
{
	static void (*const apply[TOUCH_KINDS])(
	    struct routing *, const char *) = {
	    [TOUCH_APP] = apply_app,
	    [TOUCH_HOST] = routing_host_apply,
	    [TOUCH_POOL] = apply_pool,
	    [TOUCH_PATTERN] = routing_pattern_apply,
	    [TOUCH_KEYS] = apply_keys,
	};

	apply[kind](rt, name);
}

uint64_t
routing_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* So many of a queue as there is time for; all of a change at once. */
static size_t
apply_some(struct routing *rt, enum touch_when when)
{
	uint64_t end = routing_now() + LATER_USEC;
	struct touch *item;
	size_t n = 0;

	TAILQ_FOREACH (item, &rt->queues[when].list, queue) {
		routing_apply(rt, item->kind, item->name);
		if (++n == BATCH_MAX ||
		    (when == TOUCH_LATER && n % 16 == 0 && routing_now() > end))
			break;
	}
	return n;
}

/* The whole of a new database is there: readers get it. */
static int
hand_over(struct routing *rt)
{
	char err[PAAS_ERRLEN];

	if (routing_db_built(rt->db, err) == 0)
		return PAAS_ROUTEDB_OK;
	log_err("routing: %s", err);
	errno = EIO;
	return PAAS_ROUTEDB_ESYS;
}

/* Of a database that nobody reads yet, commits are few and large. */
static int
commit(struct routing *rt, int last)
{
	int rc, building = routing_db_building(rt->db);

	if (building && !last && routing_db_changes(rt->db) < BUILD_BATCH)
		return PAAS_ROUTEDB_OK;
	rc = routing_db_commit(rt->db,
	    last ? store_revision(rt->store) : routing_db_revision(rt->db));
	return rc == PAAS_ROUTEDB_OK && last && building ? hand_over(rt) : rc;
}

/* Everything that is known of is in the database. */
static void
caught_up(struct routing *rt)
{
	if (rt->obeyed == 0)
		log_debug("routing: compared with the store");
	routing_db_trust(rt->db);
	rt->obeyed = routing_db_revision(rt->db);
	rt->stale = 0;
}

/*
 * One commit.  The revision moves only with the last one of what is known:
 * whoever reads it may count on everything up to it.
 */
static int
commit_some(struct routing *rt, enum touch_when when)
{
	size_t n, left;
	int rc, last;

	if ((rc = routing_db_begin(rt->db)) != PAAS_ROUTEDB_OK)
		return rc;
	n = apply_some(rt, when);
	if (n > 0 && rt->walk != NULL)
		routing_walk_forget(rt->walk);
	left = rt->queues[TOUCH_NOW].n + rt->queues[TOUCH_LATER].n - n;
	last = left == 0 && rt->walk == NULL;
	if ((rc = commit(rt, last)) != PAAS_ROUTEDB_OK)
		return rc;
	for (; n > 0; n--)
		forget(rt, TAILQ_FIRST(&rt->queues[when].list));
	if (last)
		caught_up(rt);
	return PAAS_ROUTEDB_OK;
}

/* A slice of the walk; it may read before anything may be written. */
static int
walk_some(struct routing *rt, int writing)
{
	uint64_t end = routing_now() + LATER_USEC;
	int rc;

	if (writing && (rc = routing_db_begin(rt->db)) != PAAS_ROUTEDB_OK)
		return rc;
	rc = routing_walk_some(rt, writing, end);
	if (!writing)
		return rc;
	if (rc == PAAS_ROUTEDB_OK)
		return commit(rt, 0);
	routing_db_abort(rt->db);
	return rc;
}

static void
set_timer(struct routing *rt, unsigned int ms)
{
	sd_event_source_set_time_relative(rt->timer, (uint64_t)ms * 1000);
	sd_event_source_set_enabled(rt->timer, SD_EVENT_ONESHOT);
}

static void
failed(struct routing *rt, int rc)
{
	if (rc == PAAS_ROUTEDB_EDAMAGED || rc == PAAS_ROUTEDB_EVERSION)
		log_err("routing: the route database is damaged and is made "
			"anew");
	else if (rc == PAAS_ROUTEDB_EAGAIN) {
		set_timer(rt, (unsigned int)routing_db_wait(rt->db) + 1);
		return;
	} else if (rt->retry == 0)
		log_err("routing: cannot write the route database: %s; trying "
			"again",
		    rc == PAAS_ROUTEDB_ESYS ? strerror(errno)
					    : paas_routedb_strerror(rc));
	rt->retry = rt->retry == 0 ? RETRY_MIN : rt->retry * 2;
	if (rt->retry > RETRY_MAX)
		rt->retry = RETRY_MAX;
	set_timer(rt, rt->retry);
	/* What one that is made anew had in its transaction is forgotten. */
	if (rc == PAAS_ROUTEDB_EDAMAGED || rc == PAAS_ROUTEDB_EVERSION ||
	    routing_db_building(rt->db)) {
		routing_db_rebuild(rt->db);
		routing_walk_start(rt);
	}
}

static int
settle(struct routing *rt, int rc)
{
	if (rc != PAAS_ROUTEDB_OK) {
		failed(rt, rc);
		return 0;
	}
	if (rt->retry != 0)
		log_info("routing: the route database can be written again");
	rt->retry = 0;
	wake(rt);
	return 0;
}

static int
on_now(sd_event_source *source, void *arg)
{
	struct routing *rt = arg;
	int wait;

	(void)source;
	if ((wait = routing_db_wait(rt->db)) > 0) {
		set_timer(rt, (unsigned int)wait + 1);
		return 0;
	}
	return settle(rt, commit_some(rt, TOUCH_NOW));
}

/* A slice of the walk while there is little to do, or what it has found. */
static int
on_later(sd_event_source *source, void *arg)
{
	struct routing *rt = arg;
	size_t n = rt->queues[TOUCH_LATER].n;
	int wait;

	(void)source;
	sd_event_source_set_time_relative(rt->nudge, LATER_EVERY);
	sd_event_source_set_enabled(rt->nudge, SD_EVENT_ONESHOT);
	wait = routing_db_wait(rt->db);
	if (rt->walk != NULL && n < (wait > 0 ? LATER_MAX : 1))
		return settle(rt, walk_some(rt, wait == 0));
	if (wait > 0) {
		set_timer(rt, (unsigned int)wait + 1);
		return 0;
	}
	return settle(rt, commit_some(rt, TOUCH_LATER));
}

/* Requests came all the time. */
static int
on_nudge(sd_event_source *source, uint64_t usec, void *arg)
{
	struct routing *rt = arg;

	(void)source, (void)usec;
	if (rt->retry == 0 &&
	    (rt->queues[TOUCH_LATER].n > 0 || rt->walk != NULL))
		return on_later(rt->later, rt);
	return 0;
}

static int
on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	(void)source, (void)usec;
	enable(arg);
	return 0;
}

/* ---- open and close ---------------------------------------------------- */

static int
add_sources(struct routing *rt, sd_event *event)
{
	int rc;

	if ((rc = sd_event_add_defer(event, &rt->now, on_now, rt)) < 0 ||
	    (rc = sd_event_source_set_enabled(rt->now, SD_EVENT_OFF)) < 0 ||
	    (rc = sd_event_source_set_priority(rt->now, PRIORITY_NOW)) < 0)
		return rc;
	sd_event_source_set_description(rt->now, "routing-now");
	if ((rc = sd_event_add_defer(event, &rt->later, on_later, rt)) < 0 ||
	    (rc = sd_event_source_set_enabled(rt->later, SD_EVENT_OFF)) < 0 ||
	    (rc = sd_event_source_set_priority(rt->later, PRIORITY_LATER)) < 0)
		return rc;
	sd_event_source_set_description(rt->later, "routing-later");
	rc = sd_event_add_time_relative(event, &rt->nudge, CLOCK_MONOTONIC,
	    LATER_EVERY, 1000, on_nudge, rt);
	if (rc < 0 ||
	    (rc = sd_event_source_set_enabled(rt->nudge, SD_EVENT_OFF)) < 0)
		return rc;
	rc = sd_event_add_time_relative(
	    event, &rt->timer, CLOCK_MONOTONIC, 0, 0, on_timer, rt);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(rt->timer, SD_EVENT_OFF);
	return rc;
}

struct routing *
routing_open(struct store *st, const struct conf *conf, sd_event *event,
    char err[PAAS_ERRLEN])
{
	struct routing *rt;
	int rc;

	if ((rt = calloc(1, sizeof(*rt))) == NULL)
		log_fatal("routing: out of memory");
	rt->store = st;
	rt->conf = conf;
	RB_INIT(&rt->touches);
	TAILQ_INIT(&rt->queues[TOUCH_NOW].list);
	TAILQ_INIT(&rt->queues[TOUCH_LATER].list);
	rt->db = routing_db_open(
	    conf, "routes", "route database", store_epoch(st), err);
	if (rt->db == NULL ||
	    (rt->certs = cert_stage_open(st, conf, event, err)) == NULL) {
		routing_close(rt);
		return NULL;
	}
	if ((rc = add_sources(rt, event)) < 0) {
		snprintf(err, PAAS_ERRLEN,
		    "cannot attach the routing to the event loop: %s",
		    strerror(-rc));
		routing_close(rt);
		return NULL;
	}
	routing_watch(rt);
	if ((rc = routing_keys_start(rt, event)) < 0) {
		snprintf(err, PAAS_ERRLEN,
		    "cannot attach the routing to the event loop: %s",
		    strerror(-rc));
		routing_close(rt);
		return NULL;
	}
	rt->import = routing_import_load(st, conf);
	start_walk(rt, find_base(rt));
	return rt;
}

uint64_t
routing_revision(const struct routing *rt)
{
	return rt->obeyed;
}

void
routing_cert(struct routing *rt, const char *host, char key[STORE_KEY_MAX + 1])
{
	const struct cert_entry *cert = cert_stage_find(rt->certs, host);

	strlcpy(key, cert != NULL ? cert->key : "", STORE_KEY_MAX + 1);
}

void
routing_close(struct routing *rt)
{
	int i;

	if (rt == NULL)
		return;
	for (i = 0; i < ROUTING_WATCHES; i++)
		store_unwatch(rt->watches[i]);
	sd_event_source_disable_unref(rt->now);
	sd_event_source_disable_unref(rt->later);
	sd_event_source_disable_unref(rt->nudge);
	sd_event_source_disable_unref(rt->timer);
	sd_event_source_disable_unref(rt->keys);
	forget_all(rt);
	routing_walk_free(rt->walk);
	routing_import_free(rt->import);
	routing_db_close(rt->db);
	cert_stage_close(rt->certs);
	free(rt);
}
