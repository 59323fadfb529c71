/* sources: manager/schedule/place*.c manager/schedule/rollout.c manager/schedule/strategy.c manager/store/moment.c; libs: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#include "schedule/place.h"

/*
 * Both sides of a decision as text.
 *
 *   releases     "1: web=2 worker=1; 2: web=2 web.2^1"
 *                web.2^1: that index was restarted once
 *   assignments  "web.1/1 ready, web.2/1^0 starting, web.3/1 stop gone"
 *                TYPE.INDEX/VERSION^GENERATION [stop] [routed] STATE
 *                [restarts=N]
 *   plan         "+web.3/1 >web.2/2 -web.2/1(scale) xweb.1/1", in order
 *   how          "rolling 1 0": strategy, surge and unavailable
 */
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

static const char *const state_names[] = {"none", "starting", "ready",
    "unhealthy", "draining", "stopping", "crashed", "backoff", "failed",
    "gone"};

static const char *const why_names[] = {
    "scale", "release", "failed", "restart", "stopped", "asleep", "deleted"};

/* ---- text to input ----------------------------------------------------- */

static void
add_process(struct place_release *rel, const char *word, uint64_t generation)
{
	struct place_process *proc;
	char type[KEY_NAME_MAX + 1];
	unsigned int index, raise, quantity, i;

	if (sscanf(word, "%30[a-z].%u^%u", type, &index, &raise) == 3) {
		proc = &rel->processes[rel->nprocesses - 1];
		assert_string_equal(type, proc->type);
		proc->generations[index - 1] += raise;
		return;
	}
	assert_int_equal(2, sscanf(word, "%30[a-z]=%u", type, &quantity));
	proc = &rel->processes[rel->nprocesses++];
	strlcpy(proc->type, type, sizeof(proc->type));
	proc->quantity = quantity;
	proc->generations = calloc(quantity + 1, sizeof(*proc->generations));
	for (i = 0; i < quantity; i++)
		proc->generations[i] = generation;
}

static void
add_releases(struct place_input *in, const char *text)
{
	char *copy = strdup(text), *part, *word, *rest = copy, *words;
	struct place_release *rel;

	while ((part = strsep(&rest, ";")) != NULL) {
		if (*part == '\0')
			continue;
		rel = &in->releases[in->nreleases++];
		rel->version = (uint32_t)strtoul(part, &words, 10);
		rel->processes = calloc(8, sizeof(*rel->processes));
		words++;
		while ((word = strsep(&words, " ")) != NULL)
			if (*word != '\0')
				add_process(rel, word, in->generation);
	}
	free(copy);
}

static void
add_word(struct place_assignment *as, const char *word)
{
	unsigned int i, n;

	if (strcmp(word, "stop") == 0) {
		as->stop = 1;
		return;
	}
	if (strcmp(word, "routed") == 0) {
		as->routed = 1;
		return;
	}
	if (sscanf(word, "restarts=%u", &n) == 1) {
		as->restarts = n;
		return;
	}
	for (i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++) {
		if (strcmp(word, state_names[i]) == 0) {
			as->state = (enum place_actual)i;
			return;
		}
	}
	fail_msg("what is \"%s\"?", word);
}

static void
add_assignments(struct place_input *in, const char *text)
{
	char *copy = strdup(text), *rest = copy, *part, *word;
	struct place_assignment *as;
	unsigned int index, version;
	unsigned long long generation;

	in->assignments = calloc(64, sizeof(*in->assignments));
	while ((part = strsep(&rest, ",")) != NULL) {
		part += strspn(part, " ");
		if (*part == '\0')
			continue;
		as = &in->assignments[in->nassignments++];
		as->id = in->nassignments;
		word = strsep(&part, " ");
		generation = 0;
		assert_in_range(sscanf(word, "%30[a-z].%u/%u^%llu", as->type,
				    &index, &version, &generation),
		    3, 4);
		as->index = index;
		as->version = version;
		as->generation = generation;
		while ((word = strsep(&part, " ")) != NULL)
			add_word(as, word);
	}
	free(copy);
}

static void
free_input(struct place_input *in)
{
	size_t i, k;

	for (i = 0; i < in->nreleases; i++) {
		for (k = 0; k < in->releases[i].nprocesses; k++)
			free(in->releases[i].processes[k].generations);
		free(in->releases[i].processes);
	}
	free(in->assignments);
}

/* ---- plan to text ------------------------------------------------------ */

static void
write_plan(const struct place_plan *plan, char *text, size_t size)
{
	const struct place_change *change;
	char word[96];
	size_t i;

	*text = '\0';
	for (i = 0; i < plan->nchanges; i++) {
		change = &plan->changes[i];
		if (change->kind == PLACE_CREATE)
			snprintf(word, sizeof(word), "+%s.%u/%u",
			    change->process->type, change->index,
			    change->release->version);
		else if (change->kind == PLACE_ROUTE)
			snprintf(word, sizeof(word), ">%s.%u/%u",
			    change->old->type, change->old->index,
			    change->old->version);
		else if (change->kind == PLACE_STOP)
			snprintf(word, sizeof(word), "-%s.%u/%u(%s)",
			    change->old->type, change->old->index,
			    change->old->version, why_names[change->why]);
		else
			snprintf(word, sizeof(word), "x%s.%u/%u",
			    change->old->type, change->old->index,
			    change->old->version);
		if (i > 0)
			strlcat(text, " ", size);
		strlcat(text, word, size);
	}
}

static void
set_how(struct strategy *how, const char *text)
{
	char kind[16], surge[16], unavailable[16], err[PAAS_ERRLEN];
	json_t *set;

	assert_int_equal(
	    3, sscanf(text, "%15s %15s %15s", kind, surge, unavailable));
	set = json_pack("{s:s, s:s, s:s}", "strategy", kind, "max_surge", surge,
	    "max_unavailable", unavailable);
	assert_int_equal(0, strategy_check(set, err));
	strategy_decode(how, set);
	json_decref(set);
}

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

/* ---- from beginning to end ------------------------------------------------
 */

/* What the agents do of their own: one step of what is in hand. */
static void
work(struct place_input *in, size_t which)
{
	struct place_assignment *as = &in->assignments[which];

	if (as->stop)
		as->state =
		    as->state == PLACE_READY ? PLACE_DRAINING : PLACE_GONE;
	else if (as->state != PLACE_READY)
		as->state = PLACE_READY;
}

static void
obey(struct place_input *in, const struct place_plan *plan)
{
	const struct place_change *change;
	struct place_assignment *as;
	size_t i, gone[PLACE_CHANGES_MAX], ngone = 0;

	in->rollout = plan->rollout;
	for (i = 0; i < plan->nchanges; i++) {
		change = &plan->changes[i];
		as = change->kind == PLACE_CREATE
			 ? &in->assignments[in->nassignments]
			 : &in->assignments[change->old - in->assignments];
		switch (change->kind) {
		case PLACE_CREATE:
			memset(as, 0, sizeof(*as));
			as->id = ++in->rollout.next;
			as->version = change->release->version;
			as->index = change->index;
			strlcpy(
			    as->type, change->process->type, sizeof(as->type));
			in->nassignments++;
			break;
		case PLACE_ROUTE:
			as->routed = 1;
			break;
		case PLACE_STOP:
			as->stop = 1;
			break;
		case PLACE_REMOVE:
			gone[ngone++] = (size_t)(as - in->assignments);
			break;
		}
	}
	for (i = 0; i < ngone; i++)
		in->assignments[gone[i]].index = 0; /* nobody's */
	for (i = in->nassignments; i-- > 0;)
		if (in->assignments[i].index == 0)
			in->assignments[i] =
			    in->assignments[--in->nassignments];
}

/* Never more to run than quantity and surge, never fewer that serve. */
static void
check_bounds(const struct place_input *in, uint32_t most, uint32_t least)
{
	const struct place_assignment *as;
	uint32_t run = 0, serve = 0;
	size_t i;

	for (i = 0; i < in->nassignments; i++) {
		as = &in->assignments[i];
		if (as->stop)
			continue;
		run++;
		serve +=
		    as->state == PLACE_READY &&
		    (as->version == in->rollout.live ||
			(in->rollout.live != in->rollout.target && as->routed));
	}
	if (run > most || serve < least)
		fail_msg(
		    "%u to run of %u, %u serve of %u", run, most, serve, least);
}

/* However the agents take turns, and whatever the numbers are. */
static void
rolls_within_its_bounds(void **state)
{
	struct place_input in;
	struct place_plan plan;
	unsigned int quantity, surge, unavailable, seed = 1, turns;
	char text[64];

	(void)state;
	for (quantity = 1; quantity <= 12; quantity++)
		for (surge = 0; surge <= 4; surge++)
			for (unavailable = surge == 0; unavailable <= 3;
			     unavailable++) {
				memset(&in, 0, sizeof(in));
				in.exists = 1;
				in.version = 2;
				in.now = INT64_C(1795350000000000);
				in.rollout.live = in.rollout.target = 1;
				snprintf(text, sizeof(text), "rolling %u %u",
				    surge, unavailable);
				set_how(&in.how, text);
				snprintf(text, sizeof(text),
				    "1: web=%u; 2: web=%u", quantity, quantity);
				add_releases(&in, text);
				in.assignments =
				    calloc(256, sizeof(*in.assignments));
				for (; in.nassignments < quantity;
				     in.nassignments++) {
					struct place_assignment *as =
					    &in.assignments[in.nassignments];
					as->id = ++in.rollout.next;
					as->index =
					    (uint32_t)in.nassignments + 1;
					as->version = 1;
					as->state = PLACE_READY;
					strlcpy(
					    as->type, "web", sizeof(as->type));
				}
				for (turns = 0; in.rollout.live != 2; turns++) {
					assert_true(turns < 10000);
					assert_int_equal(
					    0, place_decide(&in, &plan));
					obey(&in, &plan);
					check_bounds(&in, quantity + surge,
					    quantity > unavailable
						? quantity - unavailable
						: 0);
					seed = seed * 1103515245 + 12345;
					if (in.nassignments > 0 &&
					    in.rollout.live != 2)
						work(&in, seed / 65536 %
							      in.nassignments);
				}
				free_input(&in);
			}
}

/* ---- more than fits into one commit ------------------------------------ */

static void
works_in_slices(void **state)
{
	struct place_input in;
	struct place_plan plan;
	struct place_assignment *as;
	size_t i, rounds;

	(void)state;
	memset(&in, 0, sizeof(in));
	in.exists = 1;
	in.version = in.rollout.live = in.rollout.target = 1;
	add_releases(&in, "1: web=1000");
	in.assignments = calloc(1000, sizeof(*in.assignments));
	for (rounds = 0; in.nassignments < 1000; rounds++) {
		assert_int_equal(0, place_decide(&in, &plan));
		assert_int_equal(
		    in.nassignments + plan.nchanges < 1000, plan.more);
		for (i = 0; i < plan.nchanges; i++) {
			as = &in.assignments[in.nassignments++];
			assert_int_equal(PLACE_CREATE, plan.changes[i].kind);
			assert_int_equal(
			    in.nassignments, plan.changes[i].index);
			as->id = in.nassignments;
			as->index = plan.changes[i].index;
			as->version = 1;
			strlcpy(as->type, "web", sizeof(as->type));
		}
	}
	assert_int_equal(1000 / PLACE_CHANGES_MAX, rounds);
	assert_int_equal(0, place_decide(&in, &plan));
	assert_int_equal(0, plan.nchanges);

	/* All of them go again: a comparison each, then two each. */
	in.exists = 0;
	assert_int_equal(0, place_decide(&in, &plan));
	assert_int_equal(PLACE_CHANGES_MAX, plan.nchanges);
	for (i = 0; i < 1000; i++)
		in.assignments[i].stop = 1;
	assert_int_equal(0, place_decide(&in, &plan));
	assert_int_equal(PLACE_CHECKS_MAX / 2, plan.nchanges);
	assert_true(plan.more);
	free_input(&in);
}

static void
resizes_new_first(void **state)
{
	struct place_input in;
	struct place_plan plan;
	char text[256];

	(void)state;
	memset(&in, 0, sizeof(in));
	in.exists = 1;
	in.version = in.rollout.live = in.rollout.target = 1;
	add_releases(&in, "1: web=1");
	add_assignments(&in, "web.1/1 ready");
	in.assignments[0].memory = 100;
	assert_int_equal(0, place_decide(&in, &plan));
	assert_int_equal(0, plan.nchanges);
	in.releases[0].processes[0].memory = 200;
	assert_int_equal(0, place_decide(&in, &plan));
	write_plan(&plan, text, sizeof(text));
	assert_string_equal("+web.1/1", text);
	free_input(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(decides),
	    cmocka_unit_test(rolls),
	    cmocka_unit_test(rolls_within_its_bounds),
	    cmocka_unit_test(works_in_slices),
	    cmocka_unit_test(resizes_new_first),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
