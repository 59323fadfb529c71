/* sources: manager/schedule/place*.c manager/schedule/rollout.c manager/schedule/strategy.c manager/store/moment.c; libs: -ljansson */
#include "place_fixture.h"

struct scene {
	const char *name;
	int deleted;
	uint32_t version;
	int stopped;
	uint64_t generation;
	uint32_t live, target, failed;
	const char *releases;
	const char *assignments;
	const char *plan;
	uint32_t then_live, then_target, then_failed;
};

/* What a scene of a roll-out has, too. */
struct turn {
	const char *how;
	enum rollout_phase phase, then_phase;
	uint32_t promoted, aborted;
	unsigned int idle; /* seconds since the last step forward */
};

static const struct turn at_once = {"blue-green 1 0", 0, 0, 0, 0, 0};

/* At a time of the day that has nothing to do with what has passed. */
static void
play_at(const struct scene *scene, const struct turn *turn, int64_t now)
{
	struct place_input in;
	struct place_plan plan;
	char text[2048];

	memset(&in, 0, sizeof(in));
	in.exists = !scene->deleted;
	in.version = scene->version;
	in.stopped = scene->stopped;
	in.generation = scene->generation;
	in.rollout.live = scene->live;
	in.rollout.target = scene->target;
	in.rollout.failed = scene->failed;
	set_how(&in.how, turn->how);
	in.rollout.how = in.how;
	in.rollout.phase = turn->phase;
	in.promoted = turn->promoted;
	in.aborted = turn->aborted;
	in.now = now;
	in.moment.us = INT64_C(10000000000);
	in.rollout.progress.us = in.moment.us - turn->idle * INT64_C(1000000);
	add_releases(&in, scene->releases);
	add_assignments(&in, scene->assignments);
	assert_int_equal(0, place_decide(&in, &plan));
	write_plan(&plan, text, sizeof(text));
	if (strcmp(text, scene->plan) != 0)
		fail_msg("%s: planned \"%s\", expected \"%s\"", scene->name,
		    text, scene->plan);
	if (plan.rollout.live != scene->then_live ||
	    plan.rollout.target != scene->then_target ||
	    plan.rollout.failed != scene->then_failed ||
	    plan.rollout.phase != turn->then_phase)
		fail_msg("%s: roll-out is %u/%u/%u, phase %d", scene->name,
		    plan.rollout.live, plan.rollout.target, plan.rollout.failed,
		    (int)plan.rollout.phase);
	free_input(&in);
}

static void
play(const struct scene *scene, const struct turn *turn)
{
	static const int64_t year = INT64_C(31557600000000);
	int64_t now;

	for (now = -year; now <= year; now += year)
		play_at(scene, turn, INT64_C(1795350000000000) + now);
}

/* ---- scenes ------------------------------------------------------------ */

static const struct scene scenes[] = {
    {"no release", 0, 0, 0, 0, 0, 0, 0, "", "", "", 0, 0, 0},
    {"the first release", 0, 1, 0, 0, 0, 0, 0, "1: web=2 worker=1", "",
	"+web.1/1 +web.2/1 +worker.1/1", 0, 1, 0},
    {"the first release, partly placed", 0, 1, 0, 0, 0, 1, 0, "1: web=2",
	"web.1/1 starting", "+web.2/1", 0, 1, 0},
    {"the first release, not all ready", 0, 1, 0, 0, 0, 1, 0, "1: web=2",
	"web.1/1 ready, web.2/1 starting", "", 0, 1, 0},
    {"the first release is ready", 0, 1, 0, 0, 0, 1, 0, "1: web=2",
	"web.1/1 ready, web.2/1 ready", "", 1, 1, 0},
    {"the first release waits for its worker", 0, 1, 0, 0, 0, 1, 0,
	"1: web=1 worker=1", "web.1/1 ready, worker.1/1 starting", "", 0, 1, 0},
    {"the first release fails", 0, 1, 0, 0, 0, 1, 0, "1: web=2",
	"web.1/1 ready, web.2/1 failed", "-web.2/1(failed) -web.1/1(failed)", 0,
	1, 1},
    {"a release that failed is not tried again", 0, 1, 0, 0, 0, 1, 1,
	"1: web=1", "", "", 0, 1, 1},
    {"but after a restart it is", 0, 1, 0, 1, 0, 1, 1, "1: web=1", "",
	"+web.1/1", 0, 1, 0},
    {"a few crashes are no failure", 0, 1, 0, 0, 0, 1, 0, "1: web=1",
	"web.1/1 crashed restarts=2", "", 0, 1, 0},
    {"three are one", 0, 1, 0, 0, 0, 1, 0, "1: web=1",
	"web.1/1 crashed restarts=3", "-web.1/1(failed)", 0, 1, 1},
    {"waiting after crashes is one", 0, 1, 0, 0, 0, 1, 0, "1: web=1",
	"web.1/1 backoff", "-web.1/1(failed)", 0, 1, 1},
    {"a release without anything to run", 0, 1, 0, 0, 0, 1, 0, "1:", "", "", 1,
	1, 0},
    {"a release that can't be read is waited for", 0, 2, 0, 0, 1, 1, 0,
	"1: web=1", "web.1/1 ready", "", 1, 1, 0},

    {"all as it should be", 0, 1, 0, 0, 1, 1, 0, "1: web=2",
	"web.1/1 ready, web.2/1 ready", "", 1, 1, 0},
    {"scaled up", 0, 1, 0, 0, 1, 1, 0, "1: web=4",
	"web.1/1 ready, web.2/1 ready", "+web.3/1 +web.4/1", 1, 1, 0},
    {"scaled down, the highest first", 0, 1, 0, 0, 1, 1, 0, "1: web=1",
	"web.1/1 ready, web.2/1 ready, web.3/1 starting",
	"-web.3/1(scale) -web.2/1(scale)", 1, 1, 0},
    {"scaled to nothing", 0, 1, 0, 0, 1, 1, 0, "1: web=0 worker=1",
	"web.1/1 ready, worker.1/1 ready", "-web.1/1(scale)", 1, 1, 0},
    {"a hole is filled", 0, 1, 0, 0, 1, 1, 0, "1: web=3",
	"web.1/1 ready, web.3/1 ready", "+web.2/1", 1, 1, 0},
    {"one that stops still leaves a hole", 0, 1, 0, 0, 1, 1, 0, "1: web=2",
	"web.1/1 ready, web.2/1 stop draining", "+web.2/1", 1, 1, 0},
    {"twice the same: the later one goes", 0, 1, 0, 0, 1, 1, 0, "1: web=1",
	"web.1/1 ready, web.1/1 ready", "-web.1/1(restart)", 1, 1, 0},
    {"a crashed one of a live release is its agent's", 0, 1, 0, 0, 1, 1, 0,
	"1: web=1", "web.1/1 backoff restarts=9", "", 1, 1, 0},
    {"what is gone is removed", 0, 1, 0, 0, 1, 1, 0, "1: web=1",
	"web.1/1 ready, web.2/1 stop gone, web.3/1 stop none, "
	"web.4/1 stop stopping",
	"xweb.3/1 xweb.2/1", 1, 1, 0},

    {"a new release comes up beside the old one", 0, 2, 0, 0, 1, 1, 0,
	"1: web=2; 2: web=2", "web.1/1 ready, web.2/1 ready",
	"+web.1/2 +web.2/2", 1, 2, 0},
    {"it is not ready", 0, 2, 0, 0, 1, 2, 0, "1: web=1; 2: web=1",
	"web.1/1 ready, web.1/2 starting", "", 1, 2, 0},
    {"it is ready: switch, and the old ones go", 0, 2, 0, 0, 1, 2, 0,
	"1: web=2; 2: web=2",
	"web.1/1 ready, web.2/1 ready, web.1/2 ready, web.2/2 ready",
	"-web.2/1(release) -web.1/1(release)", 2, 2, 0},
    {"it fails: the old one goes on", 0, 2, 0, 0, 1, 2, 0, "1: web=1; 2: web=1",
	"web.1/1 ready, web.1/2 failed", "-web.1/2(failed)", 1, 2, 2},
    {"the old one goes on, and scales", 0, 2, 0, 0, 1, 2, 2,
	"1: web=2; 2: web=2", "web.1/1 ready, web.1/2 stop stopping",
	"+web.2/1", 1, 2, 2},
    {"a restart does not try a failed one beside a live one", 0, 2, 0, 1, 1, 2,
	2, "1: web=1; 2: web=1", "web.1/1 ready", "+web.1/1", 1, 2, 2},
    {"the next release after a failed one", 0, 3, 0, 0, 1, 2, 2,
	"1: web=1; 2: web=1; 3: web=1", "web.1/1 ready", "+web.1/3", 1, 3, 0},
    {"a newer one before the last one is ready", 0, 3, 0, 0, 1, 2, 0,
	"1: web=1; 2: web=1; 3: web=1", "web.1/1 ready, web.1/2 starting",
	"+web.1/3 -web.1/2(release)", 1, 3, 0},
    {"scaled up while it comes up: both", 0, 2, 0, 0, 1, 2, 0,
	"1: web=2; 2: web=2", "web.1/1 ready, web.1/2 ready",
	"+web.2/1 +web.2/2", 1, 2, 0},
    {"a type is not in the new release", 0, 2, 0, 0, 1, 2, 0,
	"1: web=1 worker=1; 2: web=1",
	"web.1/1 ready, worker.1/1 ready, web.1/2 ready",
	"-worker.1/1(release) -web.1/1(release)", 2, 2, 0},
    {"a type vanished, and has to stay until the switch", 0, 2, 0, 0, 1, 2, 0,
	"1: web=1 worker=1; 2: web=1",
	"web.1/1 ready, worker.1/1 ready, web.1/2 starting", "", 1, 2, 0},
    {"a type is new", 0, 2, 0, 0, 1, 1, 0, "1: web=1; 2: web=1 clock=1",
	"web.1/1 ready", "+web.1/2 +clock.1/2", 1, 2, 0},
    {"the live release can't be read: it goes on", 0, 2, 0, 0, 1, 2, 0,
	"2: web=1", "web.1/1 ready, web.1/2 starting", "", 1, 2, 0},
    {"nor is it given up because the app's own record is old", 0, 1, 0, 0, 1, 2,
	0, "1: web=1; 2: web=1", "web.1/1 ready, web.1/2 starting",
	"-web.1/2(release)", 1, 1, 0},

    {"stopped", 0, 1, 1, 0, 1, 1, 0, "1: web=2",
	"web.1/1 ready, web.2/1 starting",
	"-web.2/1(stopped) -web.1/1(stopped)", 1, 1, 0},
    {"stopped, and all is gone", 0, 1, 1, 0, 1, 1, 0, "1: web=2",
	"web.1/1 stop gone, web.2/1 stop gone", "xweb.2/1 xweb.1/1", 1, 1, 0},
    {"started again", 0, 1, 0, 0, 1, 1, 0, "1: web=1", "web.1/1 stop stopping",
	"+web.1/1", 1, 1, 0},
    {"a release of a stopped app is live at once", 0, 2, 1, 0, 1, 2, 0,
	"1: web=1; 2: web=1", "", "", 2, 2, 0},
    {"a stop in the middle of a roll-out", 0, 2, 1, 0, 1, 2, 0,
	"1: web=1; 2: web=1", "web.1/1 ready, web.1/2 starting",
	"-web.1/2(stopped) -web.1/1(stopped)", 2, 2, 0},

    {"restarted: new first", 0, 1, 0, 1, 1, 1, 0, "1: web=2",
	"web.1/1 ready, web.2/1 ready", "+web.1/1 +web.2/1", 1, 1, 0},
    {"restarted: the new one is not ready", 0, 1, 0, 1, 1, 1, 0, "1: web=1",
	"web.1/1 ready, web.1/1^1 starting", "", 1, 1, 0},
    {"restarted: then old", 0, 1, 0, 1, 1, 1, 0, "1: web=2",
	"web.1/1 ready, web.1/1^1 ready, web.2/1 ready, web.2/1^1 starting",
	"-web.1/1(restart)", 1, 1, 0},
    {"restarted: one that does not serve goes at once", 0, 1, 0, 1, 1, 1, 0,
	"1: web=1", "web.1/1 backoff", "+web.1/1 -web.1/1(restart)", 1, 1, 0},
    {"restarted: the new one fails, the old one serves", 0, 1, 0, 1, 1, 1, 0,
	"1: web=1", "web.1/1 ready, web.1/1^1 backoff", "", 1, 1, 0},
    {"one of them is restarted", 0, 1, 0, 0, 1, 1, 0, "1: web=2 web.2^1",
	"web.1/1 ready, web.2/1 ready", "+web.2/1", 1, 1, 0},
    {"restarted twice in a row", 0, 1, 0, 2, 1, 1, 0, "1: web=1",
	"web.1/1 ready, web.1/1^1 starting", "+web.1/1 -web.1/1(restart)", 1, 1,
	0},
    {"restarted while a release comes up", 0, 2, 0, 1, 1, 2, 0,
	"1: web=1; 2: web=1", "web.1/1 ready, web.1/2 starting",
	"+web.1/1 +web.1/2 -web.1/2(restart)", 1, 2, 0},
    {"an old generation being ready is not enough", 0, 2, 0, 1, 1, 2, 0,
	"1: web=1; 2: web=1",
	"web.1/1^1 ready, web.1/2 ready, web.1/2^1 starting", "", 1, 2, 0},

    {"deleted", 1, 0, 0, 0, 0, 0, 0, "", "web.1/1 ready, worker.1/1 starting",
	"-worker.1/1(deleted) -web.1/1(deleted)", 0, 0, 0},
    {"deleted, and going", 1, 0, 0, 0, 0, 0, 0, "",
	"web.1/1 stop draining, web.2/1 stop gone", "xweb.2/1", 0, 0, 0},
};

/* Version 2 in the place of version 1, three of each. */
#define ROLL  0, 2, 0, 0, 1, 2, 0, "1: web=3; 2: web=3"
#define AGAIN 1, 2, 0
#define OLD   "web.1/1 ready, web.2/1 ready, web.3/1 ready"

static const struct {
	struct scene scene;
	struct turn turn;
} rolling[] = {
    {{"one more at a time", 0, 2, 0, 0, 1, 1, 0, "1: web=3; 2: web=3", OLD,
	 "+web.1/2", AGAIN},
	{"rolling 1 0", 0, 0, 0, 0, 0}},
    {{"it is not ready", ROLL, OLD ", web.1/2 starting", "", AGAIN},
	{"rolling 1 0", 0, 0, 0, 0, 0}},
    {{"it takes over, and in the place of the old one comes the next", ROLL,
	 OLD ", web.1/2 ready", ">web.1/2 +web.2/2 -web.1/1(restart)", AGAIN},
	{"rolling 1 0", 0, 0, 0, 0, 0}},
    {{"what ends its requests is not counted", ROLL,
	 "web.1/1 stop draining, web.2/1 ready, web.3/1 ready, "
	 "web.1/2 routed ready, web.2/2 starting",
	 "", AGAIN},
	{"rolling 1 0", 0, 0, 0, 0, 0}},
    {{"the last one ends it", ROLL,
	 "web.3/1 ready, web.1/2 routed ready, web.2/2 routed ready, "
	 "web.3/2 ready",
	 "-web.3/1(release)", 2, 2, 0},
	{"rolling 1 0", 0, 0, 0, 0, 0}},
    {{"one that was in service is down: not yet", ROLL,
	 "web.3/1 ready, web.1/2 routed crashed, web.2/2 routed ready, "
	 "web.3/2 ready",
	 ">web.3/2 -web.3/1(restart)", AGAIN},
	{"rolling 1 0", 0, 0, 0, 0, 0}},
    {{"two more at a time", ROLL, OLD, "+web.1/2 +web.2/2", AGAIN},
	{"rolling 2 0", 0, 0, 0, 0, 0}},
    {{"as many more as there are", ROLL, OLD, "+web.1/2 +web.2/2 +web.3/2",
	 AGAIN},
	{"rolling 100% 0", 0, 0, 0, 0, 0}},
    {{"several steps in one", ROLL, OLD ", web.1/2 ready, web.2/2 ready",
	 ">web.1/2 >web.2/2 +web.3/2 -web.2/1(restart) -web.1/1(restart)",
	 AGAIN},
	{"rolling 2 0", 0, 0, 0, 0, 0}},
    {{"the second is ready before the first", ROLL,
	 OLD ", web.1/2 starting, web.2/2 ready",
	 ">web.2/2 +web.3/2 -web.2/1(restart)", AGAIN},
	{"rolling 2 0", 0, 0, 0, 0, 0}},

    {{"one fewer at a time", ROLL, OLD, "+web.1/2 -web.1/1(restart)", AGAIN},
	{"rolling 0 1", 0, 0, 0, 0, 0}},
    {{"not the next one before it is ready", ROLL,
	 "web.2/1 ready, web.3/1 ready, web.1/2 starting", "", AGAIN},
	{"rolling 0 1", 0, 0, 0, 0, 0}},
    {{"it is ready: the next one", ROLL,
	 "web.2/1 ready, web.3/1 ready, web.1/2 ready",
	 ">web.1/2 +web.2/2 -web.2/1(restart)", AGAIN},
	{"rolling 0 1", 0, 0, 0, 0, 0}},
    {{"one that is down anyway goes first", ROLL,
	 "web.1/1 ready, web.2/1 ready, web.3/1 backoff",
	 "+web.1/2 -web.3/1(restart)", AGAIN},
	{"rolling 0 1", 0, 0, 0, 0, 0}},
    {{"and none that serves beside it", ROLL,
	 "web.1/1 ready, web.2/1 ready, web.1/2 starting", "", AGAIN},
	{"rolling 0 1", 0, 0, 0, 0, 0}},
    {{"one more and one fewer", ROLL, OLD,
	 "+web.1/2 +web.2/2 -web.1/1(restart)", AGAIN},
	{"rolling 1 1", 0, 0, 0, 0, 0}},
    {{"all that there was is down: still one by one", ROLL,
	 "web.1/1 backoff, web.2/1 backoff, web.3/1 backoff", "+web.1/2",
	 AGAIN},
	{"rolling 1 0", 0, 0, 0, 0, 0}},
    {{"it has scaled up meanwhile", 0, 2, 0, 0, 1, 2, 0, "1: web=5; 2: web=5",
	 OLD ", web.1/2 starting", "+web.2/2 +web.3/2", AGAIN},
	{"rolling 1 0", 0, 0, 0, 0, 0}},
    {{"it has scaled down meanwhile", 0, 2, 0, 0, 1, 2, 0, "1: web=1; 2: web=1",
	 OLD ", web.1/2 starting", "-web.3/1(scale) -web.2/1(scale)", AGAIN},
	{"rolling 1 0", 0, 0, 0, 0, 0}},
    {{"workers by themselves", 0, 2, 0, 0, 1, 2, 0,
	 "1: web=2 worker=2; 2: web=2 worker=2",
	 "web.1/1 ready, web.2/1 ready, worker.1/1 ready, worker.2/1 ready, "
	 "web.1/2 starting, worker.1/2 ready",
	 ">worker.1/2 +worker.2/2 -worker.1/1(restart)", AGAIN},
	{"rolling 1 0", 0, 0, 0, 0, 0}},
    {{"a type that is not in it stays to the end", 0, 2, 0, 0, 1, 2, 0,
	 "1: web=1 clock=1; 2: web=1",
	 "web.1/1 ready, clock.1/1 ready, web.1/2 starting", "", AGAIN},
	{"rolling 1 0", 0, 0, 0, 0, 0}},
    {{"a type that is new comes at once", 0, 2, 0, 0, 1, 2, 0,
	 "1: web=1; 2: web=1 clock=2", "web.1/1 ready",
	 "+web.1/2 +clock.1/2 +clock.2/2", AGAIN},
	{"rolling 1 0", 0, 0, 0, 0, 0}},
    {{"the first release has nothing to be careful with", 0, 1, 0, 0, 0, 0, 0,
	 "1: web=3", "", "+web.1/1 +web.2/1 +web.3/1", 0, 1, 0},
	{"rolling 1 0", 0, 0, 0, 0, 0}},
    {{"what was live can't be read: it goes on, where it still has to", 0, 2, 0,
	 0, 1, 2, 0, "2: web=2",
	 "web.1/1 ready, web.2/1 ready, web.1/2 "
	 "starting",
	 "", AGAIN},
	{"rolling 1 0", 0, 0, 0, 0, 0}},

    {{"it fails half-way: what served stays until the old ones are back", ROLL,
	 "web.2/1 ready, web.3/1 ready, web.1/2 routed ready, web.2/2 failed",
	 "+web.1/1 -web.2/2(failed)", 1, 2, 2},
	{"rolling 1 0", 0, 0, 0, 0, 0}},
    {{"they are not back", 0, 2, 0, 0, 1, 2, 2, "1: web=2; 2: web=2",
	 "web.1/1 starting, web.2/1 ready, web.1/2 routed ready", "", 1, 2, 2},
	{"rolling 1 0", 0, 0, 0, 0, 0}},
    {{"they are", 0, 2, 0, 0, 1, 2, 2, "1: web=2; 2: web=2",
	 "web.1/1 ready, web.2/1 ready, web.1/2 routed ready",
	 "-web.1/2(failed)", 1, 2, 2},
	{"rolling 1 0", 0, 0, 0, 0, 0}},
    {{"one that served is down: it goes", 0, 2, 0, 0, 1, 2, 2,
	 "1: web=2; 2: web=2",
	 "web.1/1 starting, web.2/1 ready, web.1/2 routed crashed",
	 "-web.1/2(failed)", 1, 2, 2},
	{"rolling 1 0", 0, 0, 0, 0, 0}},
    {{"somebody aborts it", ROLL,
	 "web.2/1 ready, web.3/1 ready, web.1/2 routed ready, web.2/2 starting",
	 "+web.1/1 -web.2/2(failed)", 1, 2, 2},
	{"rolling 1 0", 0, 0, 0, 2, 0}},
    {{"an abort of another release is none", ROLL, OLD ", web.1/2 starting", "",
	 AGAIN},
	{"rolling 1 0", 0, 0, 0, 1, 0}},
    {{"nothing comes ready for too long", ROLL, OLD ", web.1/2 starting",
	 "-web.1/2(failed)", 1, 2, 2},
	{"rolling 1 0", 0, 0, 0, 0, 600}},
    {{"for nearly too long", ROLL, OLD ", web.1/2 starting", "", AGAIN},
	{"rolling 1 0", 0, 0, 0, 0, 599}},
    {{"another one half-way: that takes over from both", 0, 3, 0, 0, 1, 2, 0,
	 "1: web=3; 2: web=3; 3: web=3",
	 "web.2/1 ready, web.3/1 ready, web.1/2 routed ready, web.2/2 starting",
	 "+web.1/3 -web.2/2(release)", 1, 3, 0},
	{"rolling 1 0", 0, 0, 0, 0, 0}},
    {{"of two at an index the one of the live release stays", 0, 3, 0, 0, 1, 3,
	 0, "1: web=2; 2: web=2; 3: web=2",
	 "web.1/1 ready, web.2/1 ready, web.1/2 routed ready",
	 "+web.1/3 -web.1/2(release)", 1, 3, 0},
	{"rolling 1 0", 0, 0, 0, 0, 0}},

    {{"a canary comes up beside all", 0, 2, 0, 0, 1, 1, 0,
	 "1: web=3 worker=1; 2: web=3 worker=1", OLD ", worker.1/1 ready",
	 "+web.1/2", AGAIN},
	{"canary 1 0", 0, ROLLOUT_PHASE_RAISE, 0, 0, 0}},
    {{"it is not ready", ROLL, OLD ", web.1/2 starting", "", AGAIN},
	{"canary 1 0", ROLLOUT_PHASE_RAISE, ROLLOUT_PHASE_RAISE, 0, 0, 0}},
    {{"it is", ROLL, OLD ", web.1/2 ready", ">web.1/2", AGAIN},
	{"canary 1 0", ROLLOUT_PHASE_RAISE, ROLLOUT_PHASE_CANARY, 0, 0, 0}},
    {{"it has all the time", ROLL, OLD ", web.1/2 routed ready", "", AGAIN},
	{"canary 1 0", ROLLOUT_PHASE_CANARY, ROLLOUT_PHASE_CANARY, 0, 0,
	    100000}},
    {{"it is promoted", ROLL, OLD ", web.1/2 routed ready",
	 "+web.2/2 -web.1/1(restart)", AGAIN},
	{"canary 1 0", ROLLOUT_PHASE_CANARY, 0, 2, 0, 0}},
    {{"it is aborted", ROLL, OLD ", web.1/2 routed ready", "-web.1/2(failed)",
	 1, 2, 2},
	{"canary 1 0", ROLLOUT_PHASE_CANARY, 0, 0, 2, 0}},
    {{"it breaks", ROLL, OLD ", web.1/2 routed backoff", "-web.1/2(failed)", 1,
	 2, 2},
	{"canary 1 0", ROLLOUT_PHASE_CANARY, 0, 0, 0, 0}},
    {{"it never comes ready", ROLL, OLD ", web.1/2 starting",
	 "-web.1/2(failed)", 1, 2, 2},
	{"canary 1 0", ROLLOUT_PHASE_RAISE, 0, 0, 0, 600}},
    {{"it is restarted", 0, 2, 0, 1, 1, 2, 0, "1: web=1; 2: web=1",
	 "web.1/1^1 ready, web.1/2 routed ready", "+web.1/2", AGAIN},
	{"canary 1 0", ROLLOUT_PHASE_CANARY, ROLLOUT_PHASE_CANARY, 0, 0, 0}},
    {{"without web there is none", 0, 2, 0, 0, 1, 1, 0,
	 "1: worker=1; 2: worker=1", "worker.1/1 ready", "+worker.1/2", AGAIN},
	{"canary 1 0", 0, 0, 0, 0, 0}},
    {{"a canary of a stopped app", 0, 2, 1, 0, 1, 2, 0, "1: web=3; 2: web=3",
	 "", "", AGAIN},
	{"canary 1 0", ROLLOUT_PHASE_RAISE, ROLLOUT_PHASE_CANARY, 0, 0, 0}},
    {{"another release in place of a canary", 0, 3, 0, 0, 1, 2, 0,
	 "1: web=2; 2: web=2; 3: web=2",
	 "web.1/1 ready, web.2/1 ready, web.1/2 routed ready",
	 "+web.1/3 -web.1/2(release)", 1, 3, 0},
	{"rolling 1 0", ROLLOUT_PHASE_CANARY, 0, 0, 0, 0}},
};

static void
decides(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		play(&scenes[i], &at_once);
}

static void
rolls(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rolling) / sizeof(rolling[0]); i++)
		play(&rolling[i].scene, &rolling[i].turn);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(decides),
	    cmocka_unit_test(rolls),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
