/*
 * For loop.c: kills the manager at each cell of the table of roll-outs that
 * does something, at four points: before the change is written, once it is
 * written, right before the commit of the routes that follows, and right after
 * it.  Which cells there are says rollout_step() itself: one that has no way to
 * it here fails the test.
 *
 * Needs -Wl,--wrap=rollout_step,--wrap=routing_db_begin,
 * --wrap=routing_db_commit.
 */
#ifndef PAAS_LOOP_KILLS_H
#define PAAS_LOOP_KILLS_H

#include "kills_fixture.h"

#include "routing/routing_impl.h"
#include "schedule/rollout.h"

#define CALM   "calm.paas.test"
#define CANARY ",\"rollout\":{\"strategy\":\"canary\"}"

enum kill_point { BEFORE, WRITTEN, UNROUTED, ROUTED, KILL_POINTS };

static const char *const point_names[KILL_POINTS] = {"before it is written",
    "when it is written", "before the routes are committed",
    "when the routes are committed"};

static const char *const event_names[ROLLOUT_EVENTS] = {"asked", "abort",
    "broke", "released", "promote", "ready", "stop", "retry", "quiet"};

/* ---- how the states are come to, and left -------------------------------- */

static void
be_new(struct world *w)
{
	put_release(w, 1, "{\"web\":\"run\"}");
	scale(w, "web", 2);
}

static void
be_live(struct world *w)
{
	begin(w);
}

static void
be_releasing(struct world *w)
{
	begin(w);
	put_release(w, 2, MIGRATES);
	put_app(w, 2, "");
	converge(w);
	put_ran(w, 1, "running", "");
	converge(w);
}

static void
be_raising(struct world *w)
{
	begin(w);
	w->agent.hold = 2;
	put_app(w, 2, CANARY);
	converge(w);
}

static void
be_canary(struct world *w)
{
	begin(w);
	put_app(w, 2, CANARY);
	converge(w);
}

static void
be_moving(struct world *w)
{
	begin(w);
	w->agent.hold = 2;
	put_app(w, 2, "");
	converge(w);
}

static void
be_failed(struct world *w)
{
	begin(w);
	w->agent.broken = 2;
	put_app(w, 2, "");
	converge(w);
}

static void
be_failed_first(struct world *w)
{
	be_new(w);
	w->agent.broken = 1;
	put_app(w, 1, "");
	converge(w);
}

static void
be_parked(struct world *w)
{
	be_failed_first(w);
	put_app(w, 1, ",\"stopped\":true");
	converge(w);
}

static void
ask_first(struct world *w)
{
	put_app(w, 1, "");
}

static void
ask_third(struct world *w)
{
	put_app(w, 3, "");
}

static void
abort_it(struct world *w)
{
	put_app(w, 2, ",\"aborted\":2,\"aborter\":\"joe\"");
}

static void
break_run(struct world *w)
{
	put_ran(w, 1, "ended", BADLY);
}

static void
end_run(struct world *w)
{
	put_ran(w, 1, "ended", WELL);
}

static void
break_held(struct world *w)
{
	w->agent.hold = 0;
	w->agent.broken = 2;
}

static int
break_second(const char *key, json_t *actual, uint64_t rev, void *arg)
{
	struct agent *agent = arg;

	(void)rev;
	if (json_integer_value(json_object_get(actual, "version")) == 2)
		put_actual(agent, strrchr(key, '/') + 1, NULL, "failed",
		    "exit 1", actual);
	return 0;
}

static void
break_canary(struct world *w)
{
	store_each(w->fx->store, "actual/local/", break_second, &w->agent);
}

static void
promote_it(struct world *w)
{
	w->agent.hold = 0;
	put_app(w, 2, CANARY ",\"promoted\":2");
}

static void
let_go(struct world *w)
{
	w->agent.hold = 0;
}

static void
stop_it(struct world *w)
{
	put_app(w, 1, ",\"stopped\":true");
}

static void
restart_it(struct world *w)
{
	w->agent.broken = 0;
	put_app(w, 1, ",\"generation\":1");
}

static void
start_it(struct world *w)
{
	w->agent.broken = 0;
	put_app(w, 1, "");
}

struct kill_row {
	enum rollout_state state;
	enum rollout_event event;
	void (*prepare)(struct world *);
	void (*cause)(struct world *);
	uint32_t live, failed, serving; /* in the end */
};

static const struct kill_row kill_rows[] = {
    {ROLLOUT_NONE, ROLLOUT_ASKED, be_new, ask_first, 1, 0, 2},

    {ROLLOUT_RELEASING, ROLLOUT_ASKED, be_releasing, ask_third, 3, 0, 2},
    {ROLLOUT_RELEASING, ROLLOUT_ABORT, be_releasing, abort_it, 1, 2, 2},
    {ROLLOUT_RELEASING, ROLLOUT_BROKE, be_releasing, break_run, 1, 2, 2},
    {ROLLOUT_RELEASING, ROLLOUT_RELEASED, be_releasing, end_run, 2, 0, 2},

    {ROLLOUT_RAISING, ROLLOUT_ASKED, be_raising, ask_third, 3, 0, 2},
    {ROLLOUT_RAISING, ROLLOUT_ABORT, be_raising, abort_it, 1, 2, 2},
    {ROLLOUT_RAISING, ROLLOUT_BROKE, be_raising, break_held, 1, 2, 2},
    {ROLLOUT_RAISING, ROLLOUT_PROMOTE, be_raising, promote_it, 2, 0, 2},
    {ROLLOUT_RAISING, ROLLOUT_READY, be_raising, let_go, 1, 0, 3},

    {ROLLOUT_CANARY, ROLLOUT_ASKED, be_canary, ask_third, 3, 0, 2},
    {ROLLOUT_CANARY, ROLLOUT_ABORT, be_canary, abort_it, 1, 2, 2},
    {ROLLOUT_CANARY, ROLLOUT_BROKE, be_canary, break_canary, 1, 2, 2},
    {ROLLOUT_CANARY, ROLLOUT_PROMOTE, be_canary, promote_it, 2, 0, 2},

    {ROLLOUT_MOVING, ROLLOUT_ASKED, be_moving, ask_third, 3, 0, 2},
    {ROLLOUT_MOVING, ROLLOUT_ABORT, be_moving, abort_it, 1, 2, 2},
    {ROLLOUT_MOVING, ROLLOUT_BROKE, be_moving, break_held, 1, 2, 2},
    {ROLLOUT_MOVING, ROLLOUT_READY, be_moving, let_go, 2, 0, 2},

    {ROLLOUT_LIVE, ROLLOUT_ASKED, be_live, ask_third, 3, 0, 2},

    {ROLLOUT_FAILED, ROLLOUT_ASKED, be_failed, ask_third, 3, 0, 2},
    {ROLLOUT_FAILED, ROLLOUT_STOP, be_failed_first, stop_it, 0, 1, 0},
    {ROLLOUT_FAILED, ROLLOUT_RETRY, be_failed_first, restart_it, 1, 0, 2},

    {ROLLOUT_PARKED, ROLLOUT_ASKED, be_parked, ask_third, 3, 0, 2},
    {ROLLOUT_PARKED, ROLLOUT_RETRY, be_parked, start_it, 1, 0, 2},
};

#define KILL_ROWS (sizeof(kill_rows) / sizeof(kill_rows[0]))

/* ---- the points ---------------------------------------------------------- */

static const struct kill_row *aim; /* NULL: nothing is killed */
static enum kill_point aim_point;
static uint64_t aim_rev;
static int aim_hit;

enum rollout_did __real_rollout_step(
    struct rollout *, const struct rollout_input *);
enum rollout_did __wrap_rollout_step(
    struct rollout *, const struct rollout_input *);
int __real_routing_db_begin(struct routing_db *);
int __wrap_routing_db_begin(struct routing_db *);
int __real_routing_db_commit(struct routing_db *, uint64_t);
int __wrap_routing_db_commit(struct routing_db *, uint64_t);

static uint64_t
rollout_rev(void)
{
	uint64_t rev = 0;

	json_decref(store_get(world.fx->store, "rollout/hello", &rev));
	return rev;
}

/* The change has been decided on, and is in the store. */
static int
is_written(void)
{
	return aim != NULL && aim_hit && rollout_rev() != aim_rev;
}

static void
kill_at_point(enum kill_point point)
{
	if (aim_point == point)
		(void)kill(getpid(), SIGKILL);
}

enum rollout_did
__wrap_rollout_step(struct rollout *ro, const struct rollout_input *in)
{
	if (is_written())
		kill_at_point(WRITTEN);
	if (aim != NULL && rollout_state(ro) == aim->state &&
	    rollout_event(ro, in) == aim->event) {
		kill_at_point(BEFORE);
		if (!aim_hit)
			aim_rev = rollout_rev();
		aim_hit = 1;
	}
	return __real_rollout_step(ro, in);
}

int
__wrap_routing_db_begin(struct routing_db *db)
{
	if (is_written())
		kill_at_point(WRITTEN);
	return __real_routing_db_begin(db);
}

int
__wrap_routing_db_commit(struct routing_db *db, uint64_t revision)
{
	int rc, written = is_written();

	if (written)
		kill_at_point(UNROUTED);
	rc = __real_routing_db_commit(db, revision);
	if (written)
		kill_at_point(ROUTED);
	return rc;
}

/* ---- one point ----------------------------------------------------------- */

static void
manager_down(struct world *w)
{
	schedule_close(w->schedule);
	routing_close(w->routing);
	fixture_close(w->fx);
	w->schedule = NULL;
	w->routing = NULL;
}

/* Until it may write routes, and has written all. */
static void
manager_up(struct world *w)
{
	time_t end = time(NULL) + KILL_LIMIT_S;
	char err[PAAS_ERRLEN] = "";

	fixture_open(w->fx);
	w->routing = routing_open(w->fx->store, &w->conf, w->fx->loop, err);
	assert_string_equal("", err);
	open_schedule(w);
	while (routing_revision(w->routing) != store_revision(w->fx->store) &&
	       time(NULL) < end)
		assert_true(sd_event_run(w->fx->loop, 100000) >= 0);
	fixture_settle(w->fx);
}

static void
rollout_read(struct world *w, struct rollout *ro)
{
	json_t *value = store_get(w->fx->store, "rollout/hello", NULL);

	rollout_decode(ro, value);
	json_decref(value);
}

/* Another app, which nobody touches. */
static void
be_calm(struct world *w)
{
	fixture_put(w->fx, "number/0000000000000009", "{\"app\":\"calm\"}");
	fixture_put(w->fx, "rollout/calm", "{\"live\":1,\"target\":1}");
	fixture_put(w->fx, "release/calm/00000001",
	    "{\"version\":1,\"slug\":\"abc\",\"types\":{\"web\":\"run\"}}");
	fixture_put(w->fx, "app/calm",
	    "{\"number\":\"0000000000000009\",\"version\":1}");
	w->agent.instances = 0xf0;
	converge(w);
	w->agent.instances = 0;
	assert_string_equal(
	    "/ -> calm running f1@198.18.0.241:5000", routes_of(w->fx, CALM));
}

static void
check_routes(struct world *w, uint32_t least)
{
	assert_string_equal(
	    "/ -> calm running f1@198.18.0.241:5000", routes_of(w->fx, CALM));
	assert_true(serving(w) >= least);
}

/* A manager of its own, that has no way out but the point. */
static void
kill_child(struct world *w, const struct kill_row *row, enum kill_point point)
{
	kills_child();
	manager_up(w);
	aim_point = point;
	aim = row;
	row->cause(w);
	converge(w);
	_exit(3);
}

/* The kill came where it was to come. */
static void
check_point(struct world *w, const struct kill_row *row, enum kill_point point,
    uint32_t target)
{
	struct rollout ro;

	rollout_read(w, &ro);
	assert_int_equal(
	    rollout_state(&ro) == row->state && ro.target == target,
	    point == BEFORE);
}

static void
kill_at(const struct kill_row *row, enum kill_point point)
{
	struct world *w = &world;
	uint32_t least, target;
	struct rollout ro;
	pid_t kid;

	be_calm(w);
	put_release(w, 2, "{\"web\":\"run\"}");
	put_release(w, 3, "{\"web\":\"run\"}");
	row->prepare(w);
	rollout_read(w, &ro);
	assert_int_equal(rollout_state(&ro), row->state);
	target = ro.target;
	least = ro.live != 0 ? 2 : 0;
	manager_down(w);
	kid = fork();
	assert_true(kid >= 0);
	if (kid == 0)
		kill_child(w, row, point);
	kills_wait(kid);

	/* Nobody knows what it did; what the agent does is as it was then. */
	check_routes(w, least);
	fixture_open(w->fx);
	check_point(w, row, point, target);
	fixture_close(w->fx);
	w->agent.instances = 0x40;
	if (row->cause != ask_first && row->cause != ask_third)
		w->agent.hold = 0;
	if (row->cause == break_held)
		w->agent.broken = 2;
	if (row->event == ROLLOUT_RETRY)
		w->agent.broken = 0;
	manager_up(w);
	do
		check_routes(w, least);
	while (step(w));
	check_routes(w, least);
	assert_int_equal(rollout(w, "live"), row->live);
	assert_int_equal(rollout(w, "failed"), row->failed);
	assert_int_equal(serving(w), row->serving);
	assert_int_equal(count(w, "assign/local/"), row->serving + 1);
	assert_int_equal(count(w, "actual/local/"), row->serving + 1);
	assert_int_equal(
	    store_revision(w->fx->store), routes_meta(w->fx).revision);
}

static struct kills_self kill_self;

static void
killed_at_one_point(void **state)
{
	(void)state;
	kill_at(&kill_rows[kill_self.row], (enum kill_point)kill_self.point);
}

/* In a process of its own; the exit status. */
static int
kill_main(void)
{
	const struct CMUnitTest one[] = {cmocka_unit_test_setup_teardown(
	    killed_at_one_point, setup, teardown)};

	return cmocka_run_group_tests_name("one", one, NULL, NULL);
}

/* ---- all of them --------------------------------------------------------- */

/* Does the table do anything there?  Asked with all that can be the case. */
static int
acts(enum rollout_state state, enum rollout_event event)
{
	static const enum rollout_phase phases[ROLLOUT_STATES] = {
	    [ROLLOUT_RELEASING] = ROLLOUT_PHASE_RELEASE,
	    [ROLLOUT_RAISING] = ROLLOUT_PHASE_RAISE,
	    [ROLLOUT_CANARY] = ROLLOUT_PHASE_CANARY,
	};
	struct rollout_input in = {.version = 2};
	struct rollout ro = {.target = 2, .phase = phases[state]};
	uint32_t live;

	if (state == ROLLOUT_NONE)
		in.version = ro.target = 0;
	if (state == ROLLOUT_FAILED || state == ROLLOUT_PARKED)
		ro.failed = 2;
	ro.parked = state == ROLLOUT_PARKED;
	in.version = event == ROLLOUT_ASKED ? 3 : in.version;
	in.aborted = event == ROLLOUT_ABORT ? 2 : 0;
	in.promoted = event == ROLLOUT_PROMOTE ? 2 : 0;
	in.broken = event == ROLLOUT_BROKE;
	in.released = event == ROLLOUT_RELEASED;
	in.ready = event == ROLLOUT_READY;
	in.stopped = event == ROLLOUT_STOP;
	in.generation = event == ROLLOUT_RETRY;
	for (live = 0; live < 2; live++) {
		struct rollout copy = ro;

		copy.live = state == ROLLOUT_LIVE ? 2 : live;
		if (rollout_state(&copy) == state &&
		    rollout_event(&copy, &in) == event &&
		    __real_rollout_step(&copy, &in) != ROLLOUT_DID_NOTHING)
			return 1;
	}
	return 0;
}

static int
is_tried(enum rollout_state state, enum rollout_event event)
{
	size_t i;

	for (i = 0; i < KILL_ROWS; i++)
		if (kill_rows[i].state == state && kill_rows[i].event == event)
			return 1;
	return 0;
}

static const char *
kill_describe(size_t row)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s x %s",
	    rollout_state_name(kill_rows[row].state),
	    event_names[kill_rows[row].event]);
	return text;
}

static void
killed_at_each_cell(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < ROLLOUT_STATES; i++)
		for (k = 0; k < ROLLOUT_EVENTS; k++)
			if (acts(i, k) && !is_tried(i, k))
				fail_msg("nothing is killed at %s x %s",
				    rollout_state_name(i), event_names[k]);
	kills_run(KILL_ROWS, KILL_POINTS, point_names, kill_describe);
}

#endif
