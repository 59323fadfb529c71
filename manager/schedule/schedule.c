#include "schedule/schedule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>
#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "common/log.h"
#include "schedule/place.h"
#include "schedule/records.h"

/* Passes in one iteration of the loop; each costs well under 1 ms. */
#define PASSES_MAX 16

/* After a commit that the store refused (a full disk): microseconds. */
#define RETRY_US (1000 * 1000)

/* An app on its way through a pass; there is none of an app that rests. */
struct pass {
	RB_ENTRY(pass) entry;
	TAILQ_ENTRY(pass) queue;
	struct schedule *sc;
	uint64_t number;
	int dirty; /* in the queue, or to be queued once it is not busy */
	int busy;  /* its commit is under way */
	char app[KEY_NAME_MAX + 1];
};
RB_HEAD(passes, pass);
TAILQ_HEAD(pass_queue, pass);

#define WATCHES 8

struct schedule {
	struct store *store;
	const struct conf *conf;
	struct passes passes;
	struct pass_queue queue;
	sd_event_source *run;   /* works the queue */
	sd_event_source *retry; /* fills it again */
	sd_event_source *late;  /* a roll-out may have taken too long */
	int64_t late_at;        /* microseconds since the boot; 0: off */
	struct store_watch *watches[WATCHES];
};

static int
compare_passes(struct pass *a, struct pass *b)
{
	return a->number < b->number ? -1 : a->number > b->number;
}

RB_GENERATE_INTERNAL(
    passes, pass, entry, compare_passes, __attribute__((__unused__)) static)

/* ---- what is dirty ----------------------------------------------------- */

static void
enqueue(struct schedule *sc, struct pass *pass)
{
	TAILQ_INSERT_TAIL(&sc->queue, pass, queue);
	sd_event_source_set_enabled(sc->run, SD_EVENT_ONESHOT);
}

static void
touch(struct schedule *sc, const char *app, uint64_t number)
{
	struct pass find, *pass;

	find.number = number;
	if ((pass = RB_FIND(passes, &sc->passes, &find)) == NULL) {
		if ((pass = calloc(1, sizeof(*pass))) == NULL)
			log_fatal("schedule: out of memory");
		pass->sc = sc;
		pass->number = number;
		RB_INSERT(passes, &sc->passes, pass);
	}
	strlcpy(pass->app, app, sizeof(pass->app));
	if (pass->dirty)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): in tree */
		return;
	pass->dirty = 1;
	if (!pass->busy)
		enqueue(sc, pass);
}

static void
touch_record(struct schedule *sc, const char *app, const json_t *value,
    const char *field)
{
	const char *text = json_string_value(json_object_get(value, field));
	uint64_t number;

	if (app != NULL && text != NULL && key_parse_id(text, &number) == 0)
		touch(sc, app, number);
}

/* app/APP, or an app named by it. */
static void
touch_app(struct schedule *sc, const char *app)
{
	char key[STORE_KEY_MAX + 1];
	json_t *value;

	value = store_get(sc->store, key_format(key, "app/%s", app), NULL);
	touch_record(sc, app, value, "number");
	json_decref(value);
}

static const char *
app_of(const json_t *value)
{
	return json_string_value(json_object_get(value, "app"));
}

static int
on_each_assignment(const char *key, json_t *value, uint64_t rev, void *arg)
{
	(void)key, (void)rev;
	touch_record(arg, app_of(value), value, "appnumber");
	return 0;
}

/* What is left of an app that is gone can only be found by looking. */
static void
on_app(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct schedule *sc = arg;
	char app[KEY_NAME_MAX + 1];

	(void)rev;
	if (value == NULL)
		store_each(sc->store, "assign/" KEY_NODE_LOCAL "/",
		    on_each_assignment, sc);
	else if (key_part(key, 1, app, sizeof(app)) == 0)
		touch_record(sc, app, value, "number");
}

/* formation/APP/TYPE, release/APP/VERSION, rollout/APP, scale/APP, ran/... */
static void
on_named(const char *key, json_t *value, uint64_t rev, void *arg)
{
	char app[KEY_NAME_MAX + 1];

	(void)value, (void)rev;
	if (key_part(key, 1, app, sizeof(app)) == 0)
		touch_app(arg, app);
}

/* assign/NODE/ASSIGNMENT; one that is gone wants nothing more. */
static void
on_assign(const char *key, json_t *value, uint64_t rev, void *arg)
{
	(void)key, (void)rev;
	touch_record(arg, app_of(value), value, "appnumber");
}

/* actual/NODE/ASSIGNMENT: whose it is says the assignment. */
static void
on_actual(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct schedule *sc = arg;
	char assign[STORE_KEY_MAX + 1];
	json_t *record;

	(void)value, (void)rev;
	key_format(assign, "assign/%s", strchr(key, '/') + 1);
	record = store_get(sc->store, assign, NULL);
	touch_record(sc, app_of(record), record, "appnumber");
	json_decref(record);
}

/* ---- passes ------------------------------------------------------------ */

static void
rest(struct pass *pass)
{
	if (pass->dirty || pass->busy)
		return;
	RB_REMOVE(passes, &pass->sc->passes, pass);
	free(pass);
}

static int
on_retry(sd_event_source *source, uint64_t usec, void *arg)
{
	struct schedule *sc = arg;
	struct pass *pass;

	(void)source, (void)usec;
	RB_FOREACH (pass, passes, &sc->passes) {
		if (pass->dirty || pass->busy)
			continue;
		pass->dirty = 1;
		enqueue(sc, pass);
	}
	return 0;
}

/* Keeps the pass, clean, until the timer takes it up again. */
static void
try_later(struct pass *pass)
{
	sd_event_source *timer = pass->sc->retry;

	pass->dirty = 0;
	sd_event_source_set_time_relative(timer, RETRY_US);
	sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static void
on_done(enum store_result result, uint64_t rev, void *arg)
{
	struct pass *pass = arg;

	(void)rev;
	pass->busy = 0;
	switch (result) {
	case STORE_OK:
		break;
	case STORE_CONFLICT:
		pass->dirty = 1;
		break;
	default:
		log_err("schedule: %s: %s", pass->app, store_strerror(result));
		try_later(pass);
		return;
	}
	if (pass->dirty)
		enqueue(pass->sc, pass);
	else
		rest(pass);
}

/* ---- roll-outs that stand still ------------------------------------------ */

/* Looks at the clock again in so many microseconds, or earlier. */
static void
look_again(struct schedule *sc, int64_t now, int64_t left)
{
	if (left == 0 || (sc->late_at != 0 && sc->late_at <= now + left))
		return;
	sc->late_at = now + left;
	sd_event_source_set_time_relative(sc->late, (uint64_t)left);
	sd_event_source_set_enabled(sc->late, SD_EVENT_ONESHOT);
}

/* Whoever is under way is looked at, and says when it has to be again. */
static int
on_each_rollout(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct rollout ro;

	rollout_decode(&ro, value);
	if (rollout_under_way(rollout_state(&ro)))
		on_named(key, value, rev, arg);
	return 0;
}

static int
on_late(sd_event_source *source, uint64_t usec, void *arg)
{
	struct schedule *sc = arg;

	(void)source, (void)usec;
	sc->late_at = 0;
	store_each(sc->store, "rollout/", on_each_rollout, sc);
	return 0;
}

static void
run_pass(struct schedule *sc, struct pass *pass)
{
	struct store_txn *txn = NULL;
	struct place_plan plan;
	struct records rec;

	pass->dirty = 0;
	if (records_read(sc->store, sc->conf, pass->app, pass->number, &rec) ==
		-1 ||
	    place_decide(&rec.in, &plan) == -1)
		log_fatal("schedule: out of memory");
	txn = records_write(sc->store, &rec, &plan);
	look_again(sc, rec.in.moment.us, plan.again);
	records_free(&rec);
	if (txn == NULL) {
		rest(pass);
		return;
	}
	pass->busy = 1;
	pass->dirty = plan.more;
	store_commit_later(txn, on_done, pass);
}

static int
on_run(sd_event_source *source, void *arg)
{
	struct schedule *sc = arg;
	struct pass *pass;
	int n;

	for (n = 0; n < PASSES_MAX; n++) {
		if ((pass = TAILQ_FIRST(&sc->queue)) == NULL)
			return 0;
		TAILQ_REMOVE(&sc->queue, pass, queue);
		run_pass(sc, pass);
	}
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* ---- open and close ---------------------------------------------------- */

static int
on_each_app(const char *key, json_t *value, uint64_t rev, void *arg)
{
	on_app(key, value, rev, arg);
	return 0;
}

static int
add_sources(struct schedule *sc, sd_event *event)
{
	int rc;

	if ((rc = sd_event_add_defer(event, &sc->run, on_run, sc)) < 0)
		return rc;
	sd_event_source_set_enabled(sc->run, SD_EVENT_OFF);
	sd_event_source_set_description(sc->run, "schedule-run");
	rc = sd_event_add_time_relative(
	    event, &sc->retry, CLOCK_MONOTONIC, 0, 0, on_retry, sc);
	if (rc < 0)
		return rc;
	sd_event_source_set_enabled(sc->retry, SD_EVENT_OFF);
	rc = sd_event_add_time_relative(
	    event, &sc->late, CLOCK_BOOTTIME, 0, 0, on_late, sc);
	if (rc >= 0)
		sd_event_source_set_enabled(sc->late, SD_EVENT_OFF);
	return rc;
}

static void
add_watches(struct schedule *sc)
{
	static const struct {
		const char *prefix;
		store_watch_cb cb;
	} table[WATCHES] = {
	    {"app/", on_app},
	    {"formation/", on_named},
	    {"release/", on_named},
	    {"rollout/", on_named},
	    {"scale/", on_named},
	    {"assign/", on_assign},
	    {"actual/", on_actual},
	    {"ran/", on_named},
	};
	int i;

	for (i = 0; i < WATCHES; i++)
		sc->watches[i] =
		    store_watch(sc->store, table[i].prefix, table[i].cb, sc);
}

struct schedule *
schedule_open(struct store *st, const struct conf *conf, sd_event *event,
    char err[PAAS_ERRLEN])
{
	struct schedule *sc;
	int rc;

	if ((sc = calloc(1, sizeof(*sc))) == NULL)
		log_fatal("schedule: out of memory");
	sc->store = st;
	sc->conf = conf;
	RB_INIT(&sc->passes);
	TAILQ_INIT(&sc->queue);
	if ((rc = add_sources(sc, event)) < 0) {
		snprintf(err, PAAS_ERRLEN,
		    "cannot attach the placer to the event loop: %s",
		    strerror(-rc));
		schedule_close(sc);
		return NULL;
	}
	add_watches(sc);
	store_each(st, "app/", on_each_app, sc);
	store_each(st, "assign/" KEY_NODE_LOCAL "/", on_each_assignment, sc);
	return sc;
}

void
schedule_close(struct schedule *sc)
{
	struct pass *pass, *next;
	int i;

	if (sc == NULL)
		return;
	for (i = 0; i < WATCHES; i++)
		store_unwatch(sc->watches[i]);
	sd_event_source_disable_unref(sc->run);
	sd_event_source_disable_unref(sc->retry);
	sd_event_source_disable_unref(sc->late);
	RB_FOREACH_SAFE (pass, passes, &sc->passes, next) {
		RB_REMOVE(passes, &sc->passes, pass);
		free(pass);
	}
	free(sc);
}
