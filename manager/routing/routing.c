#include "routing/routing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>
#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "common/log.h"
#include "routing/routing_impl.h"

/* After a commit that failed: ms, doubled up to the other. */
#define RETRY_MIN 1000
#define RETRY_MAX 30000

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

static void
wake(struct routing *rt)
{
	rt->stale = 1;
	sd_event_source_set_enabled(rt->run, SD_EVENT_ONESHOT);
}

void
routing_touch(struct routing *rt, enum touch_kind kind, const char *name)
{
	struct touch *item;
	size_t len = strlen(name);

	if ((item = calloc(1, sizeof(*item) + len + 1)) == NULL)
		log_fatal("routing: out of memory");
	item->kind = kind;
	memcpy(item->name, name, len);
	if (RB_INSERT(touches, &rt->touches, item) != NULL) {
		free(item);
		return;
	}
	if (kind == TOUCH_APP)
		TAILQ_INSERT_HEAD(&rt->queue, item, queue);
	else
		TAILQ_INSERT_TAIL(&rt->queue, item, queue);
	rt->ntouches++;
}

static void
forget(struct routing *rt, struct touch *item)
{
	RB_REMOVE(touches, &rt->touches, item);
	TAILQ_REMOVE(&rt->queue, item, queue);
	rt->ntouches--;
	free(item);
}

/* ---- watches ----------------------------------------------------------- */

struct domains {
	struct routing *rt;
	const char *app;
};

static int
touch_domain(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct domains *domains = arg;
	const char *app = json_string_value(json_object_get(value, "app"));

	(void)rev;
	if (app != NULL && strcmp(app, domains->app) == 0)
		routing_touch(domains->rt, TOUCH_HOST, strchr(key, '/') + 1);
	return 0;
}

/* With an app go its hosts, in the same commit. */
static void
on_app(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct routing *rt = arg;
	struct domains domains = {rt, strchr(key, '/') + 1};

	(void)rev;
	if (value == NULL) {
		rt->scan_moved = 1;
		store_each(rt->store, "domain/", touch_domain, &domains);
	}
	routing_touch(rt, TOUCH_APP, domains.app);
	wake(rt);
}

static void
on_rollout(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct routing *rt = arg;

	(void)value, (void)rev;
	routing_touch(rt, TOUCH_APP, strchr(key, '/') + 1);
	wake(rt);
}

/* domain/HOST, route/HOST */
static void
on_host(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct routing *rt = arg;

	(void)value, (void)rev;
	rt->scan_moved = 1;
	routing_touch(rt, TOUCH_HOST, strchr(key, '/') + 1);
	wake(rt);
}

/* assign/NODE/ASSIGNMENT, actual/NODE/ASSIGNMENT */
static void
on_instance(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct routing *rt = arg;
	char number[STORE_KEY_MAX + 1];
	json_t *owner = NULL;
	const char *app;
	uint64_t id;

	(void)rev;
	app = json_string_value(json_object_get(value, "app"));
	if (app == NULL && key_parse_id(strrchr(key, '/') + 1, &id) == 0) {
		key_format(
		    number, "number/%016llx", (unsigned long long)(id >> 32));
		owner = store_get(rt->store, number, NULL);
		app = json_string_value(json_object_get(owner, "app"));
	}
	if (app != NULL)
		routing_touch(rt, TOUCH_APP, app);
	json_decref(owner);
	wake(rt);
}

/* Everything was compared once. */
static int
scan_done(struct routing *rt)
{
	char err[PAAS_ERRLEN];
	int rc;

	if (routing_db_building(rt->db)) {
		if (routing_db_built(rt->db, err) == -1) {
			log_err("routing: %s", err);
			errno = EIO;
			return PAAS_ROUTEDB_ESYS;
		}
	} else if (rt->scan_moved ||
		   !routing_db_counts(rt->db, rt->scan_hosts, rt->scan_pools)) {
		if ((rc = routing_scan_sweep(rt)) != PAAS_ROUTEDB_OK)
			return rc;
	}
	rt->scan = ROUTING_SCAN_END + 1;
	/* From now on before requests: a dead instance has to go at once. */
	sd_event_source_set_priority(rt->run, SD_EVENT_PRIORITY_IMPORTANT);
	log_debug("routing: compared with the store");
	return PAAS_ROUTEDB_OK;
}

/* ---- commits ----------------------------------------------------------- */

static void
set_timer(struct routing *rt, unsigned int ms)
{
	sd_event_source_set_time_relative(rt->timer, (uint64_t)ms * 1000);
	sd_event_source_set_enabled(rt->timer, SD_EVENT_ONESHOT);
}

static void
apply(struct routing *rt, const struct touch *item)
{
	char host[PAAS_ROUTEDB_HOST_MAX + 1];

	if (item->kind == TOUCH_HOST) {
		routing_host_apply(rt->store, rt->conf, rt->db, item->name);
		return;
	}
	routing_app_apply(rt->store, rt->conf, rt->db, item->name);
	if (routing_host_format(rt->conf, item->name, host) == 0)
		routing_host_apply(rt->store, rt->conf, rt->db, host);
}

/*
 * One commit.  The revision moves only with the last one of what is known:
 * whoever reads it may count on everything up to it.
 */
static int
commit_some(struct routing *rt)
{
	struct touch *item;
	uint64_t revision;
	size_t n = 0;
	int rc;

	if ((rc = routing_db_begin(rt->db)) != PAAS_ROUTEDB_OK)
		return rc;
	TAILQ_FOREACH (item, &rt->queue, queue) {
		if (n++ == BATCH_MAX)
			break;
		apply(rt, item);
	}
	revision = routing_db_revision(rt->db);
	if (item == NULL && rt->scan > ROUTING_SCAN_END)
		revision = store_revision(rt->store);
	if ((rc = routing_db_commit(rt->db, revision)) != PAAS_ROUTEDB_OK)
		return rc;
	if (item == NULL && rt->scan > ROUTING_SCAN_END)
		rt->obeyed = revision;
	for (n = 0; n < BATCH_MAX; n++) {
		if ((item = TAILQ_FIRST(&rt->queue)) == NULL)
			break;
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): forget unlinks */
		forget(rt, item);
	}
	rt->stale = !TAILQ_EMPTY(&rt->queue) || rt->scan <= ROUTING_SCAN_END;
	return PAAS_ROUTEDB_OK;
}

static void
failed(struct routing *rt, int rc)
{
	if (rc == PAAS_ROUTEDB_EDAMAGED || rc == PAAS_ROUTEDB_EVERSION) {
		log_err("routing: the route database is damaged and is made "
			"anew");
		routing_db_rebuild(rt->db);
		routing_scan_start(rt);
		set_timer(rt, RETRY_MIN);
		return;
	}
	if (rc == PAAS_ROUTEDB_EAGAIN) {
		set_timer(rt, (unsigned int)routing_db_wait(rt->db) + 1);
		return;
	}
	if (rt->retry == 0)
		log_err("routing: cannot write the route database: %s; trying "
			"again",
		    rc == PAAS_ROUTEDB_ESYS ? strerror(errno)
					    : paas_routedb_strerror(rc));
	rt->retry = rt->retry == 0 ? RETRY_MIN : rt->retry * 2;
	if (rt->retry > RETRY_MAX)
		rt->retry = RETRY_MAX;
	set_timer(rt, rt->retry);
}

static int
on_run(sd_event_source *source, void *arg)
{
	struct routing *rt = arg;
	int rc, wait;

	if ((wait = routing_db_wait(rt->db)) > 0) {
		set_timer(rt, (unsigned int)wait + 1);
		return 0;
	}
	routing_scan_some(rt);
	rc = commit_some(rt);
	if (rc == PAAS_ROUTEDB_OK && rt->scan == ROUTING_SCAN_END)
		rc = scan_done(rt);
	if (rc != PAAS_ROUTEDB_OK) {
		failed(rt, rc);
		return 0;
	}
	if (rt->retry != 0)
		log_info("routing: the route database can be written again");
	rt->retry = 0;
	if (rt->stale)
		sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

static int
on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	(void)source, (void)usec;
	wake(arg);
	return 0;
}

/* ---- open and close ---------------------------------------------------- */

static int
add_sources(struct routing *rt, sd_event *event)
{
	int rc;

	if ((rc = sd_event_add_defer(event, &rt->run, on_run, rt)) < 0)
		return rc;
	sd_event_source_set_description(rt->run, "routing-run");
	rc = sd_event_add_time_relative(
	    event, &rt->timer, CLOCK_MONOTONIC, 0, 0, on_timer, rt);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(rt->timer, SD_EVENT_OFF);
	return rc;
}

static void
add_watches(struct routing *rt)
{
	static const struct {
		const char *prefix;
		store_watch_cb cb;
	} table[WATCHES] = {
	    {"app/", on_app},
	    {"rollout/", on_rollout},
	    {"domain/", on_host},
	    {"route/", on_host},
	    {"assign/", on_instance},
	    {"actual/", on_instance},
	};
	int i;

	for (i = 0; i < WATCHES; i++)
		rt->watches[i] =
		    store_watch(rt->store, table[i].prefix, table[i].cb, rt);
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
	TAILQ_INIT(&rt->queue);
	if ((rt->db = routing_db_open(conf, err)) == NULL) {
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
	add_watches(rt);
	routing_scan_start(rt);
	wake(rt);
	return rt;
}

uint64_t
routing_revision(const struct routing *rt)
{
	return rt->obeyed;
}

void
routing_close(struct routing *rt)
{
	int i;

	if (rt == NULL)
		return;
	for (i = 0; i < WATCHES; i++)
		store_unwatch(rt->watches[i]);
	sd_event_source_disable_unref(rt->run);
	sd_event_source_disable_unref(rt->timer);
	while (!TAILQ_EMPTY(&rt->queue))
		forget(rt, TAILQ_FIRST(&rt->queue));
	routing_db_close(rt->db);
	free(rt);
}
