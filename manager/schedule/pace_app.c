#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "common/log.h"
#include "schedule/pace_impl.h"
#include "schedule/pace_setting.h"
#include "schedule/rollout.h"
#include "store/formation.h"
#include "store/scale.h"

#define SECOND 1000000ULL

/* Between two looks: of a sleep a part of its time, of load always the same */
#define SLEEP_LOOKS 4
#define SLEEP_MIN   (250 * 1000ULL)
#define SLEEP_MAX   (5 * SECOND)
#define LOAD_PERIOD (2 * SECOND)

/* ---- records ------------------------------------------------------------- */

static json_int_t
number(const json_t *record, const char *name)
{
	return json_integer_value(json_object_get(record, name));
}

void
pace_records_read(struct store *st, const char *name, struct pace_records *rec)
{
	char key[STORE_KEY_MAX + 1];
	json_t *release;

	memset(rec, 0, sizeof(*rec));
	rec->app =
	    store_get(st, key_format(key, "app/%s", name), &rec->app_rev);
	if (rec->app == NULL)
		return;
	rec->scale = scale_get(st, name, &rec->scale_rev);
	key_format(key, "release/%s/%08u", name,
	    (unsigned int)number(rec->app, "version"));
	release = store_get(st, key, NULL);
	rec->formation = formation_get(st, name, "web", release, NULL);
	json_decref(release);
}

void
pace_records_free(struct pace_records *rec)
{
	json_decref(rec->app);
	json_decref(rec->formation);
	json_decref(rec->scale);
}

/* As the placer has it: one, until somebody says so. */
static uint32_t
web_quantity(const struct pace_records *rec)
{
	json_t *given = json_object_get(rec->formation, "quantity");
	json_int_t n = given != NULL ? json_integer_value(given) : 1;

	return scale_quantity(
	    rec->formation, rec->scale, "web", n > 0 ? (uint32_t)n : 0);
}

uint64_t
pace_app_period(const struct pace_records *rec)
{
	json_int_t after = number(json_object_get(rec->app, "sleep"), "after");
	uint64_t us = 0;

	if (json_is_true(json_object_get(rec->app, "stopped")) ||
	    scale_asleep(rec->app, rec->scale))
		return 0;
	if (after > 0) {
		us = (uint64_t)after * SECOND / SLEEP_LOOKS;
		if (us < SLEEP_MIN)
			us = SLEEP_MIN;
		if (us > SLEEP_MAX)
			us = SLEEP_MAX;
	}
	if (json_object_get(rec->formation, "autoscale") != NULL &&
	    (us == 0 || us > LOAD_PERIOD))
		us = LOAD_PERIOD;
	return us;
}

/* ---- commits ------------------------------------------------------------- */

static void
on_done(enum store_result result, uint64_t rev, void *arg)
{
	struct pace_app *app = arg;
	int woken = app->woken;

	(void)rev;
	app->busy = app->woken = 0;
	if (result != STORE_OK && result != STORE_CONFLICT)
		log_err("pace: %s: %s", app->name, store_strerror(result));
	/* Somebody waits: not until the router says so once more. */
	if (woken && result != STORE_FULL && result != STORE_ERROR)
		pace_app_wake(app);
	if (!app->busy)
		pace_app_again(app);
}

static int64_t
realtime(void)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	return (int64_t)now.tv_sec * 1000000 + now.tv_usec;
}

/* Under the condition that the records are still those that were read. */
static struct store_txn *
begin(struct pace_app *app, const struct pace_records *rec)
{
	struct store_txn *txn = store_begin(app->pace->store);
	char key[STORE_KEY_MAX + 1];

	store_if(txn, key_format(key, "app/%s", app->name), rec->app_rev);
	store_if(txn, key_format(key, "scale/%s", app->name), rec->scale_rev);
	return txn;
}

static void
commit(struct pace_app *app, struct store_txn *txn)
{
	app->busy = 1;
	store_commit(txn, on_done, app);
}

/* web 0: the formation's. */
static void
put_awake(struct pace_app *app, struct store_txn *txn, uint32_t web,
    const char *reason)
{
	char key[STORE_KEY_MAX + 1];
	json_t *value;

	key_format(key, "scale/%s", app->name);
	if (web == 0) {
		store_del(txn, key);
		return;
	}
	value = json_pack("{s:I, s:I, s:s}", "web", (json_int_t)web, "since",
	    (json_int_t)realtime(), "reason", reason);
	store_put(txn, key, value);
	json_decref(value);
}

/* ---- sleep --------------------------------------------------------------- */

static void
fall_asleep(struct pace_app *app, const struct pace_records *rec)
{
	const json_t *set = json_object_get(rec->app, "sleep");
	json_int_t min =
	    number(json_object_get(rec->formation, "autoscale"), "min");
	struct store_txn *txn = begin(app, rec);
	char key[STORE_KEY_MAX + 1], said[64];
	json_t *value;

	pace_setting_describe(PACE_SLEEP, set, said, sizeof(said));
	value = json_pack("{s:b, s:I, s:I, s:I}", "asleep", 1, "version",
	    number(rec->app, "version"), "generation",
	    number(rec->app, "generation"), "since", (json_int_t)realtime());
	if (min > 0)
		json_object_set_new(value, "web", json_integer(min));
	store_put(txn, key_format(key, "scale/%s", app->name), value);
	json_decref(value);
	store_event(txn, app->name, "asleep",
	    "it sleeps: no request and no connection for %lld s (%s)",
	    (long long)number(set, "after"), said);
	commit(app, txn);
}

static void
wake_up(struct pace_app *app, const struct pace_records *rec, const char *why)
{
	struct store_txn *txn = begin(app, rec);

	put_awake(app, txn, (uint32_t)number(rec->scale, "web"), why);
	store_event(txn, app->name, "awake", "it wakes: %s", why);
	commit(app, txn);
}

void
pace_app_wake(struct pace_app *app)
{
	struct pace_records rec;

	if (app->busy) {
		app->woken = 1;
		return;
	}
	pace_records_read(app->pace->store, app->name, &rec);
	if (scale_asleep(rec.app, rec.scale))
		wake_up(app, &rec, "a request waits for it");
	pace_records_free(&rec);
}

/* What has ended a sleep that no request has. */
static const char *
why_awake(const struct pace_records *rec)
{
	if (!json_is_object(json_object_get(rec->app, "sleep")))
		return "it is not to sleep any more";
	if (json_is_true(json_object_get(rec->app, "stopped")))
		return "it was stopped";
	if (number(rec->app, "version") != number(rec->scale, "version"))
		return "another release is asked for";
	if (number(rec->app, "generation") != number(rec->scale, "generation"))
		return "it was restarted";
	return web_quantity(rec) == 0 ? "it was scaled to none" : NULL;
}

void
pace_app_settle(struct pace_app *app)
{
	struct pace_records rec;
	struct store_txn *txn;
	const char *why;

	if (app->busy)
		return;
	pace_records_read(app->pace->store, app->name, &rec);
	if (rec.app == NULL || rec.scale == NULL)
		;
	else if (json_is_true(json_object_get(rec.scale, "asleep"))) {
		if ((why = why_awake(&rec)) != NULL)
			wake_up(app, &rec, why);
	} else if (json_object_get(rec.formation, "autoscale") == NULL) {
		txn = begin(app, &rec);
		put_awake(app, txn, 0, "");
		commit(app, txn);
	}
	pace_records_free(&rec);
}

/* ---- what there is ------------------------------------------------------- */

struct count {
	uint32_t ready;
};

static int
count_ready(const char *key, json_t *value, uint64_t rev, void *arg)
{
	const char *type = json_string_value(json_object_get(value, "type"));
	const char *state = json_string_value(json_object_get(value, "state"));
	struct count *count = arg;

	(void)key, (void)rev;
	if (type != NULL && state != NULL && strcmp(type, "web") == 0 &&
	    strcmp(state, "ready") == 0)
		count->ready++;
	return 0;
}

static uint32_t
web_ready(struct pace_app *app, const struct pace_records *rec)
{
	const char *digits =
	    json_string_value(json_object_get(rec->app, "number"));
	char prefix[STORE_KEY_MAX + 1];
	struct count count = {0};
	uint64_t id;

	if (digits == NULL || key_parse_id(digits, &id) == -1)
		return 0;
	key_format(prefix, "actual/" KEY_NODE_LOCAL "/%08x", (unsigned int)id);
	store_each(app->pace->store, prefix, count_ready, &count);
	return count.ready;
}

/* Does a release serve, and no other one is on its way? */
static int
is_live(struct pace_app *app)
{
	char key[STORE_KEY_MAX + 1];
	struct rollout ro;
	json_t *record;

	record = store_get(
	    app->pace->store, key_format(key, "rollout/%s", app->name), NULL);
	rollout_decode(&ro, record);
	json_decref(record);
	return ro.live != 0 && !rollout_under_way(rollout_state(&ro));
}

/* ---- the steps ----------------------------------------------------------- */

/* 1 if it falls asleep. */
static int
step_sleep(struct pace_app *app, const struct pace_records *rec, int valid,
    uint64_t now)
{
	json_int_t after = number(json_object_get(rec->app, "sleep"), "after");
	uint64_t us = idle_look(&app->idle, valid ? &app->load : NULL, now);

	if (after <= 0)
		return 0;
	/* One that nobody can reach, or does not serve, has not been idle. */
	if (!is_live(app) || web_ready(app, rec) == 0) {
		app->idle.known = 0;
		return 0;
	}
	if (us < (uint64_t)after * SECOND)
		return 0;
	app->idle.known = 0;
	fall_asleep(app, rec);
	return 1;
}

static void
take_sample(struct pace_app *app, const struct pace_records *rec, uint64_t now,
    struct autoscale_sample *sample)
{
	size_t i;

	memset(sample, 0, sizeof(*sample));
	sample->now = now;
	sample->quantity = web_quantity(rec);
	sample->ready = web_ready(app, rec);
	sample->in_flight = app->load.in_flight;
	/* A count that went back is that of a router started anew. */
	sample->counted = app->counted;
	for (i = 0; i < LOAD_BUCKETS; i++) {
		if (app->load.latency[i] < app->last.latency[i])
			sample->counted = 0;
		sample->latency[i] =
		    app->load.latency[i] - app->last.latency[i];
	}
}

static void
step_load(struct pace_app *app, const struct pace_records *rec, uint64_t now)
{
	struct autoscale_how how;
	struct autoscale_sample sample;
	char why[AUTOSCALE_WHY_MAX];
	struct store_txn *txn;
	uint32_t n;

	autoscale_decode(&how, json_object_get(rec->formation, "autoscale"));
	if (how.max == 0)
		return;
	take_sample(app, rec, now, &sample);
	if (sample.quantity == 0)
		return;
	n = autoscale_decide(&app->scale, &how, &sample, why);
	if (n == sample.quantity)
		return;
	txn = begin(app, rec);
	put_awake(app, txn, n, why);
	store_event(txn, app->name, "autoscale", "%s: web %u to %u", why,
	    sample.quantity, n);
	commit(app, txn);
}

void
pace_app_step(struct pace_app *app, int valid, uint64_t now)
{
	struct pace_records rec;

	if (app->busy)
		return;
	pace_records_read(app->pace->store, app->name, &rec);
	if (!valid || app->period == 0) {
		autoscale_lost(&app->scale);
		app->counted = 0;
	}
	if (app->period == 0)
		app->idle.known = 0;
	else if (!step_sleep(app, &rec, valid, now) && valid)
		step_load(app, &rec, now);
	if (valid) {
		app->last = app->load;
		app->counted = 1;
	}
	pace_records_free(&rec);
}
