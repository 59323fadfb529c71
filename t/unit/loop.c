/* sources: manager/schedule/place*.c manager/schedule/[rs]*.c manager/node/limits.c manager/node/oneoff_record.c manager/node/proc.c manager/node/logtail.c manager/node/logfile.c manager/routing/[c-s]?*.c manager/store/[f-s]*.c manager/common/[a-l]*.c ngx_paas_module/routedb/[!t]*.c; libs: -Wl,--wrap=rollout_step,--wrap=routing_db_begin,--wrap=routing_db_commit -llmdb -ljansson -lsystemd -lsodium */
/*
 * Store, placer and routing together, with this file as the agent: it takes
 * up what is assigned, one step at a time, and says that it runs.
 */
#include "routes_fixture.h"

#include <time.h>

#include "node/node.h"
#include "node/oneoff_impl.h"
#include "routing/routing.h"
#include "schedule/schedule.h"

#define HOST "hello.paas.test"

#include "loop_world.h"

/* ---- tests ------------------------------------------------------------- */

static void
brings_up_the_first_release(void **state)
{
	struct world *w = &world;

	(void)state;
	put_release(w, 1, "{\"web\":\"run\",\"worker\":\"work\"}");
	put_app(w, 1, "");
	fixture_settle(w->fx);
	/* Without a formation: one web, no worker. */
	assert_int_equal(1, count(w, "assign/local/"));
	assert_string_equal("/ -> hello starting", routes_of(w->fx, HOST));
	assert_int_equal(0, rollout(w, "live"));
	converge(w);
	assert_int_equal(1, rollout(w, "live"));
	assert_string_equal(
	    "/ -> hello running 1@198.18.0.1:5000", routes_of(w->fx, HOST));
	assert_event(w, "release v1 is being rolled out");
	assert_event(w, "web.1 placed on local (v1)");
	assert_event(w, "release v1 is live");
}

static void
switches_in_one_commit(void **state)
{
	struct world *w = &world;
	int n;

	(void)state;
	begin(w);
	put_release(w, 2, "{\"web\":\"run\"}");
	w->agent.hold = 2;
	put_app(w, 2, ",\"rollout\":{\"strategy\":\"blue-green\"}");
	converge(w);
	assert_int_equal(4, count(w, "assign/local/"));
	assert_string_equal("/ -> hello running 1@198.18.0.1:5000 "
			    "2@198.18.0.2:5000",
	    routes_of(w->fx, HOST));
	w->agent.hold = 0;
	for (n = 0; rollout(w, "live") == 1 && n < 10; n++) {
		assert_string_equal("/ -> hello running 1@198.18.0.1:5000 "
				    "2@198.18.0.2:5000",
		    routes_of(w->fx, HOST));
		step(w);
	}
	assert_string_equal("/ -> hello running 3@198.18.0.3:5000 "
			    "4@198.18.0.4:5000",
	    routes_of(w->fx, HOST));
	converge(w);
	assert_string_equal("/ -> hello running 3@198.18.0.3:5000 "
			    "4@198.18.0.4:5000",
	    routes_of(w->fx, HOST));
	assert_int_equal(2, count(w, "assign/local/"));
	assert_int_equal(2, count(w, "actual/local/"));
	assert_event(w, "release v2 is live");
	assert_event(w, "web.1 to web.2 to stop: another release is live");
}

static void
keeps_the_old_one_if_the_new_one_fails(void **state)
{
	struct world *w = &world;

	(void)state;
	begin(w);
	put_release(w, 2, "{\"web\":\"run\"}");
	w->agent.broken = 2;
	put_app(w, 2, "");
	converge(w);
	assert_string_equal("/ -> hello running 1@198.18.0.1:5000 "
			    "2@198.18.0.2:5000",
	    routes_of(w->fx, HOST));
	assert_int_equal(1, rollout(w, "live"));
	assert_int_equal(2, rollout(w, "failed"));
	assert_int_equal(2, count(w, "assign/local/"));
	assert_int_equal(2, count(w, "actual/local/"));
	assert_event(w,
	    "release v2 failed: web.1: did not listen on port 5000 within "
	    "60 s; v1 goes on");
	/* The next one is tried as if nothing had been. */
	put_release(w, 3, "{\"web\":\"run\"}");
	put_app(w, 3, "");
	converge(w);
	assert_int_equal(3, rollout(w, "live"));
	assert_int_equal(2, serving(w));
}

static void
has_nothing_to_go_back_to(void **state)
{
	struct world *w = &world;

	(void)state;
	put_release(w, 1, "{\"web\":\"run\"}");
	w->agent.broken = 1;
	put_app(w, 1, "");
	converge(w);
	assert_string_equal("/ -> hello crashed", routes_of(w->fx, HOST));
	assert_int_equal(0, count(w, "assign/local/"));
	/* Stopped and started, it is tried again. */
	put_app(w, 1, ",\"stopped\":true");
	converge(w);
	assert_string_equal("/ -> hello stopped", routes_of(w->fx, HOST));
	w->agent.broken = 0;
	put_app(w, 1, "");
	converge(w);
	assert_int_equal(1, rollout(w, "live"));
	assert_int_equal(1, serving(w));
}

static void
withdraws_what_crashed_at_once(void **state)
{
	struct world *w = &world;
	json_t *value;
	char key[64];

	(void)state;
	begin(w);
	snprintf(key, sizeof(key), "actual/local/%08x%08x", 7, 1);
	value = store_get(w->fx->store, key, NULL);
	assert_non_null(value);
	put_actual(
	    &w->agent, strrchr(key, '/') + 1, NULL, "crashed", "exit 1", value);
	json_decref(value);
	fixture_settle(w->fx);
	assert_string_equal(
	    "/ -> hello running 2@198.18.0.2:5000", routes_of(w->fx, HOST));
	assert_int_equal(
	    store_revision(w->fx->store), routes_meta(w->fx).revision);
	assert_int_equal(2, count(w, "assign/local/"));
}

static void
scales(void **state)
{
	struct world *w = &world;

	(void)state;
	begin(w);
	scale(w, "web", 1);
	converge(w);
	assert_string_equal(
	    "/ -> hello running 1@198.18.0.1:5000", routes_of(w->fx, HOST));
	assert_event(w, "web.2 to stop: scaled down");
	assert_int_equal(1, count(w, "actual/local/"));
	scale(w, "web", 300);
	converge(w);
	assert_int_equal(300, count(w, "assign/local/"));
	scale(w, "web", 0);
	converge(w);
	assert_int_equal(0, count(w, "assign/local/"));
	assert_int_equal(0, count(w, "actual/local/"));
	assert_string_equal("/ -> hello running", routes_of(w->fx, HOST));
}

static void
restarts_without_a_gap(void **state)
{
	struct world *w = &world;

	(void)state;
	begin(w);
	put_app(w, 1, ",\"generation\":1");
	fixture_settle(w->fx);
	do
		assert_true(serving(w) >= 2);
	while (step(w));
	assert_string_equal("/ -> hello running 3@198.18.0.3:5000 "
			    "4@198.18.0.4:5000",
	    routes_of(w->fx, HOST));
	fixture_put(w->fx, "formation/hello/web",
	    "{\"quantity\":2,\"generations\":{\"2\":1}}");
	converge(w);
	assert_string_equal("/ -> hello running 3@198.18.0.3:5000 "
			    "5@198.18.0.5:5000",
	    routes_of(w->fx, HOST));
}

static void
stops_starts_and_forgets(void **state)
{
	struct world *w = &world;
	int events;

	(void)state;
	begin(w);
	put_app(w, 1, ",\"stopped\":true");
	converge(w);
	assert_string_equal("/ -> hello stopped", routes_of(w->fx, HOST));
	assert_int_equal(0, count(w, "assign/local/"));
	put_app(w, 1, "");
	converge(w);
	assert_int_equal(2, serving(w));
	fixture_del(w->fx, "app/hello");
	events = count(w, "event/hello/");
	converge(w);
	assert_string_equal("", routes_of(w->fx, HOST));
	assert_int_equal(0, count(w, "assign/local/"));
	assert_int_equal(0, count(w, "actual/local/"));
	assert_int_equal(events, count(w, "event/hello/"));
}

/* The name comes again while the old app's instances are still going. */
static void
tells_namesakes_apart(void **state)
{
	struct world *w = &world;

	(void)state;
	begin(w);
	fixture_del(w->fx, "app/hello");
	fixture_del(w->fx, "rollout/hello");
	fixture_put(w->fx, "app/hello",
	    "{\"number\":\"0000000000000008\",\"version\":1}");
	converge(w);
	assert_int_equal(0, count(w, "assign/local/00000007"));
	assert_int_equal(2, count(w, "assign/local/00000008"));
	assert_string_equal("/ -> hello running 3@198.18.0.3:5000 "
			    "4@198.18.0.4:5000",
	    routes_of(w->fx, HOST));
}

/* Somebody else is always a little faster. */
static void
race(const char *key, json_t *value, uint64_t rev, void *arg)
{
	static int n;
	struct world *w = arg;
	struct store_txn *txn;
	json_t *app;

	(void)key, (void)value, (void)rev;
	if (++n % 3 != 0 || n > 60)
		return;
	app = store_get(w->fx->store, "app/hello", NULL);
	if (app == NULL)
		return;
	txn = store_begin(w->fx->store);
	json_object_set_new(app, "updated", json_integer(n));
	store_put(txn, "app/hello", app);
	store_commit(txn, NULL, NULL);
	json_decref(app);
}

static void
converges_through_conflicts(void **state)
{
	struct world *w = &world;
	struct store_watch *watch;

	(void)state;
	watch = store_watch(w->fx->store, "", race, w);
	begin(w);
	put_release(w, 2, "{\"web\":\"run\",\"worker\":\"work\"}");
	scale(w, "worker", 3);
	put_app(w, 2, "");
	converge(w);
	assert_int_equal(2, rollout(w, "live"));
	assert_int_equal(5, count(w, "assign/local/"));
	assert_int_equal(2, serving(w));
	store_unwatch(watch);
}

/* Until all is quiet: never fewer that serve, nor more that are to run. */
static void
watch_roll(struct world *w, unsigned int least, unsigned int most)
{
	int n = 0;

	fixture_settle(w->fx);
	do {
		assert_in_range(serving(w), least, 100);
		assert_in_range(serving(w), 0, most);
		assert_true(++n < 1000);
	} while (step(w));
}

static void
rolls_a_few_at_a_time(void **state)
{
	struct world *w = &world;
	int restarts;

	(void)state;
	for (restarts = 0; restarts < 2; restarts++) {
		w->restarts = restarts;
		if (!restarts)
			begin(w);
		scale(w, "web", 5);
		converge(w);
		put_release(w, 2 + (unsigned)restarts, "{\"web\":\"run\"}");
		put_app(w, 2 + (unsigned)restarts,
		    ",\"rollout\":{\"max_surge\":\"2\"}");
		watch_roll(w, 5, 7);
		assert_int_equal(2 + restarts, rollout(w, "live"));
		assert_int_equal(5, count(w, "assign/local/"));
	}
	assert_event(w, "web.1 to web.2 of v2 in service");
}

/* The first of it serve already when the others break. */
static void
goes_back_half_way(void **state)
{
	struct world *w = &world;
	int n;

	(void)state;
	w->restarts = 1;
	begin(w);
	scale(w, "web", 4);
	converge(w);
	put_release(w, 2, "{\"web\":\"run\"}");
	put_app(w, 2, "");
	fixture_settle(w->fx);
	for (n = 0; n < 4; n++) {
		assert_in_range(serving(w), 4, 5);
		(void)step(w);
	}
	assert_int_equal(0, rollout(w, "failed"));
	w->agent.broken = 2;
	watch_roll(w, 4, 8);
	assert_int_equal(2, rollout(w, "failed"));
	assert_int_equal(1, rollout(w, "live"));
	assert_int_equal(4, count(w, "assign/local/"));
	assert_int_equal(4, serving(w));

	/* The next one takes over from what there is. */
	put_release(w, 3, "{\"web\":\"run\"}");
	put_app(w, 3, "");
	watch_roll(w, 4, 5);
	assert_int_equal(3, rollout(w, "live"));
}

/* Up, and then either way; the placer may start anew at any time. */
static void
tries_a_canary(void **state)
{
	static const char canary[] = ",\"rollout\":{\"strategy\":\"canary\"}";
	struct world *w = &world;
	char more[128];

	(void)state;
	w->restarts = 1;
	begin(w);
	put_release(w, 2, "{\"web\":\"run\"}");
	put_app(w, 2, canary);
	watch_roll(w, 2, 3);
	assert_string_equal("/ -> hello running 1@198.18.0.1:5000*1000 "
			    "2@198.18.0.2:5000*1000 3@198.18.0.3:5000*222",
	    routes_of(w->fx, HOST));
	assert_int_equal(1, rollout(w, "live"));
	assert_event(w, "release v2 is a canary: it gets 10 % of the requests");

	snprintf(
	    more, sizeof(more), "%s,\"aborted\":2,\"aborter\":\"joe\"", canary);
	put_app(w, 2, more);
	watch_roll(w, 2, 3);
	assert_int_equal(2, rollout(w, "failed"));
	assert_string_equal("/ -> hello running 1@198.18.0.1:5000 "
			    "2@198.18.0.2:5000",
	    routes_of(w->fx, HOST));
	assert_event(w, "release v2 failed: joe aborted it; v1 goes on");

	put_release(w, 3, "{\"web\":\"run\"}");
	put_app(w, 3, more);
	converge(w);
	assert_int_equal(1, rollout(w, "live"));
	snprintf(more, sizeof(more), "%s,\"aborted\":2,\"promoted\":3", canary);
	put_app(w, 3, more);
	watch_roll(w, 2, 3);
	assert_int_equal(3, rollout(w, "live"));
	assert_int_equal(2, count(w, "assign/local/"));
	assert_int_equal(2, serving(w));
}

/* ---- release processes ----------------------------------------------------
 */

#define MIGRATES "{\"web\":\"run\",\"release\":\"migrate\"}"

/* What the node says of the release process INDEX. */
static void
put_ran(struct world *w, int index, const char *state, const char *more)
{
	char key[64], text[256];

	snprintf(key, sizeof(key), "ran/hello/%08d", index);
	snprintf(text, sizeof(text),
	    "{\"state\":\"%s\",\"appnumber\":\"0000000000000007\"%s}", state,
	    more);
	fixture_put(w->fx, key, text);
}

#define WELL \
	",\"how\":\"exited\",\"status\":0,\"reason\":\"exited with status 0\""
#define BADLY \
	",\"how\":\"exited\",\"status\":3,\"reason\":\"exited with status 3\""

static void
assert_goal(struct world *w, int index, const char *goal)
{
	char key[64];
	json_t *run;

	snprintf(key, sizeof(key), "run/hello/%08d", index);
	run = store_get(w->fx->store, key, NULL);
	assert_string_equal(
	    goal, json_string_value(json_object_get(run, "goal")));
	json_decref(run);
}

/* Once, before anything else of the release; whoever starts anew when. */
static void
runs_the_release_process_first(void **state)
{
	struct world *w = &world;

	(void)state;
	w->restarts = 1;
	begin(w);
	put_release(w, 2, MIGRATES);
	put_app(w, 2, "");
	converge(w);
	assert_int_equal(1, count(w, "run/hello/"));
	assert_goal(w, 1, "run");
	assert_int_equal(2, count(w, "assign/local/"));
	put_ran(w, 1, "running", "");
	converge(w);
	assert_int_equal(2, count(w, "assign/local/"));
	assert_int_equal(1, rollout(w, "live"));
	put_ran(w, 1, "ended", WELL);
	watch_roll(w, 2, 3);
	assert_int_equal(2, rollout(w, "live"));
	assert_int_equal(1, count(w, "run/hello/"));
	assert_event(w, "the release process of v2 has ended well");

	/* Nor is one of it placed as a process of the app. */
	scale(w, "release", 1);
	converge(w);
	assert_int_equal(2, count(w, "assign/local/"));
}

static void
goes_on_after_a_bad_release_process(void **state)
{
	struct world *w = &world;

	(void)state;
	w->restarts = 1;
	begin(w);
	put_release(w, 2, MIGRATES);
	put_app(w, 2, "");
	converge(w);
	put_ran(w, 1, "ended", BADLY);
	watch_roll(w, 2, 2);
	assert_int_equal(1, rollout(w, "live"));
	assert_int_equal(2, rollout(w, "failed"));
	assert_event(w,
	    "release v2 failed: its release process exited with status 3; v1 "
	    "goes on");
	/* A restart is no second try. */
	put_app(w, 2, ",\"generation\":1");
	converge(w);
	assert_int_equal(1, count(w, "run/hello/"));

	/* Records that went say nothing good. */
	put_release(w, 3, MIGRATES);
	put_app(w, 3, ",\"generation\":1");
	converge(w);
	assert_int_equal(2, count(w, "run/hello/"));
	fixture_del(w->fx, "run/hello/00000002");
	put_ran(w, 2, "running", "");
	converge(w);
	assert_int_equal(3, rollout(w, "failed"));
	assert_int_equal(2, serving(w));
}

/* Two of them never run side by side. */
static void
waits_for_the_release_process_before(void **state)
{
	struct world *w = &world;

	(void)state;
	begin(w);
	put_release(w, 2, MIGRATES);
	put_app(w, 2, "");
	converge(w);
	put_ran(w, 1, "running", "");
	put_release(w, 3, MIGRATES);
	put_app(w, 3, "");
	converge(w);
	assert_goal(w, 1, "stop");
	assert_int_equal(1, count(w, "run/hello/"));
	put_ran(w, 1, "ended", WELL);
	converge(w);
	assert_int_equal(2, count(w, "run/hello/"));
	assert_goal(w, 2, "run");

	/* One that somebody aborts stops, too. */
	put_ran(w, 2, "running", "");
	put_app(w, 3, ",\"aborted\":3");
	converge(w);
	assert_goal(w, 2, "stop");
	assert_int_equal(3, rollout(w, "failed"));
	put_ran(w, 2, "ended", WELL);
	converge(w);
	assert_int_equal(3, rollout(w, "failed"));
	assert_int_equal(1, rollout(w, "live"));
	assert_int_equal(2, serving(w));
}

/* Every step of it may be the placer's last. */
static void
converges_through_restarts(void **state)
{
	struct world *w = &world;

	(void)state;
	w->restarts = 1;
	begin(w);
	put_release(w, 2, "{\"web\":\"run\"}");
	put_app(w, 2, ",\"generation\":1");
	scale(w, "web", 50);
	converge(w);
	assert_int_equal(2, rollout(w, "live"));
	assert_int_equal(50, count(w, "assign/local/"));
	fixture_del(w->fx, "app/hello");
	converge(w);
	assert_int_equal(0, count(w, "assign/local/"));
	assert_int_equal(0, count(w, "actual/local/"));
}

/* ---- kills --------------------------------------------------------------- */

#include "loop_kills.h"

int
main(int argc, char **argv)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
	    IN_WORLD(brings_up_the_first_release),
	    IN_WORLD(switches_in_one_commit),
	    IN_WORLD(keeps_the_old_one_if_the_new_one_fails),
	    IN_WORLD(has_nothing_to_go_back_to),
	    IN_WORLD(withdraws_what_crashed_at_once),
	    IN_WORLD(scales),
	    IN_WORLD(restarts_without_a_gap),
	    IN_WORLD(stops_starts_and_forgets),
	    IN_WORLD(tells_namesakes_apart),
	    IN_WORLD(converges_through_conflicts),
	    IN_WORLD(rolls_a_few_at_a_time),
	    IN_WORLD(goes_back_half_way),
	    IN_WORLD(tries_a_canary),
	    IN_WORLD(runs_the_release_process_first),
	    IN_WORLD(goes_on_after_a_bad_release_process),
	    IN_WORLD(waits_for_the_release_process_before),
	    IN_WORLD(converges_through_restarts),
	    cmocka_unit_test(killed_at_each_cell),
	};

	if (kills_parse(&kill_self, argc, argv))
		return kill_main();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
