/* sources: manager/schedule/place.c manager/schedule/rollout.c; libs: -ljansson */
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
 *                TYPE.INDEX/VERSION^GENERATION [stop] STATE [restarts=N]
 *   plan         "+web.3/1 -web.2/1(scale) xweb.1/1", in order
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

static const char *const state_names[] = {"none", "starting", "ready",
    "unhealthy", "draining", "stopping", "crashed", "backoff", "failed",
    "gone"};

static const char *const why_names[] = {
    "scale", "release", "failed", "restart", "stopped", "deleted"};

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
play(const struct scene *scene)
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
	add_releases(&in, scene->releases);
	add_assignments(&in, scene->assignments);
	assert_int_equal(0, place_decide(&in, &plan));
	write_plan(&plan, text, sizeof(text));
	if (strcmp(text, scene->plan) != 0)
		fail_msg("%s: planned \"%s\", expected \"%s\"", scene->name,
		    text, scene->plan);
	if (plan.rollout.live != scene->then_live ||
	    plan.rollout.target != scene->then_target ||
	    plan.rollout.failed != scene->then_failed)
		fail_msg("%s: roll-out is %u/%u/%u", scene->name,
		    plan.rollout.live, plan.rollout.target,
		    plan.rollout.failed);
	free_input(&in);
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

static void
decides(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		play(&scenes[i]);
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
	    cmocka_unit_test(works_in_slices),
	    cmocka_unit_test(resizes_new_first),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
