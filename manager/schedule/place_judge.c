#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schedule/place_impl.h"

/* So many restarts without a stable run, and a release has failed. */
#define CRASHES_MAX 3

#define SECOND 1000000LL

static const char *const state_text[] = {
    [PLACE_NONE] = "not begun",
    [PLACE_STARTING] = "starting",
    [PLACE_READY] = "ready",
    [PLACE_UNHEALTHY] = "not answering",
    [PLACE_DRAINING] = "draining",
    [PLACE_STOPPING] = "stopping",
    [PLACE_CRASHED] = "down after a crash",
    [PLACE_BACKOFF] = "waiting after crashes",
    [PLACE_FAILED] = "given up",
    [PLACE_GONE] = "gone",
};

/* What is known of the target after a look at all that it needs. */
struct judgement {
	const struct place_input *in;
	struct place_plan *plan;
	int ready;
	int broken;
	int released;
	const struct place_assignment *waits; /* the first that is not ready */
};

uint32_t
place_needed(const struct rollout *ro, const struct place_process *proc)
{
	switch (rollout_state(ro)) {
	case ROLLOUT_RAISING:
	case ROLLOUT_CANARY:
		return strcmp(proc->type, "web") == 0
			   ? strategy_canaries(&ro->how, proc->quantity)
			   : 0;
	case ROLLOUT_MOVING:
	case ROLLOUT_LIVE:
		return proc->quantity;
	default:
		return 0;
	}
}

static int
has_given_up(const struct place_assignment *as)
{
	return as->state == PLACE_FAILED || as->state == PLACE_BACKOFF ||
	       (as->restarts >= CRASHES_MAX && as->state != PLACE_READY);
}

static void
blame(struct judgement *j, const struct place_assignment *as)
{
	j->broken = 1;
	j->plan->blamed = as;
	snprintf(j->plan->why, sizeof(j->plan->why), "%s.%u: %s", as->type,
	    as->index, as->reason != NULL ? as->reason : "it does not stay up");
}

static int
judge_process(struct judgement *j, const struct place_release *rel,
    const struct place_process *proc)
{
	uint32_t i, needed = place_needed(&j->in->rollout, proc);
	const struct place_assignment **slots, *as;

	if ((slots = place_fill_slots(j->in, rel, proc)) == NULL)
		return -1;
	for (i = 0; i < needed; i++) {
		as = slots[i];
		if (as != NULL && as->state == PLACE_READY)
			continue;
		j->ready = 0;
		if (as != NULL && j->waits == NULL)
			j->waits = as;
		if (as != NULL && has_given_up(as) && !j->broken)
			blame(j, as);
	}
	free(slots);
	return 0;
}

/* Nothing came ready for a long time: then nothing will. */
static void
judge_time(struct judgement *j)
{
	const struct rollout *ro = &j->in->rollout;
	int64_t left = (int64_t)ro->how.deadline * SECOND -
		       moment_since(&ro->progress, &j->in->moment);
	const struct place_assignment *as = j->waits;

	if (j->broken || j->ready || ro->progress.us == 0)
		return;
	if (left > 0) {
		j->plan->again = left;
		return;
	}
	j->broken = 1;
	j->plan->blamed = as;
	if (as != NULL)
		snprintf(j->plan->why, sizeof(j->plan->why),
		    "nothing came ready for %u s: %s.%u is %s%s%s",
		    ro->how.deadline, as->type, as->index,
		    state_text[as->state], as->reason != NULL ? ": " : "",
		    as->reason != NULL ? as->reason : "");
	else
		snprintf(j->plan->why, sizeof(j->plan->why),
		    "nothing came ready for %u s: there is nothing of it yet",
		    ro->how.deadline);
}

/* One that left no trace may have done anything: it is not run again. */
static void
judge_run(struct judgement *j)
{
	const struct place_input *in = j->in;

	if (in->rollout.runs != in->rollout.target ||
	    in->run == PLACE_RUN_GOING)
		return;
	j->released = in->run == PLACE_RUN_ENDED && in->run_code == 0;
	if (j->released)
		return;
	j->broken = 1;
	snprintf(j->plan->why, sizeof(j->plan->why), "its release process %s",
	    in->run == PLACE_RUN_ENDED ? in->run_reason
				       : "was taken away while it ran");
}

/* What holds of a target that is on its way. */
static int
judge_target(
    const struct place_input *in, struct place_plan *plan, struct judgement *j)
{
	enum rollout_state state = rollout_state(&in->rollout);
	const struct place_release *rel;
	size_t i;

	memset(j, 0, sizeof(*j));
	j->in = in;
	j->plan = plan;
	if (state == ROLLOUT_RELEASING)
		judge_run(j);
	if (!rollout_under_way(state) || state == ROLLOUT_RELEASING ||
	    (rel = place_find_release(in, in->rollout.target)) == NULL)
		return 0;
	j->ready = 1;
	if (in->stopped)
		return 0;
	for (i = 0; i < rel->nprocesses; i++)
		if (judge_process(j, rel, &rel->processes[i]) == -1)
			return -1;
	/* A canary that serves has all the time that people need. */
	if (state != ROLLOUT_CANARY)
		judge_time(j);
	return 0;
}

static int
has_web(const struct place_release *rel)
{
	size_t i;

	for (i = 0; i < rel->nprocesses; i++)
		if (strcmp(rel->processes[i].type, "web") == 0)
			return rel->processes[i].quantity > 0;
	return 0;
}

/*
 * Two release processes never run side by side: one that is not wanted any
 * more is told to stop, and the next one waits for its end.
 */
static void
step_run(const struct place_input *in, struct place_plan *plan)
{
	const struct rollout *ro = &plan->rollout;
	int wanted = rollout_state(ro) == ROLLOUT_RELEASING;

	if (in->run == PLACE_RUN_GOING)
		plan->stop_run = plan->did != ROLLOUT_DID_NOTHING &&
				 (!wanted || ro->runs != ro->target);
	else
		plan->start_run = wanted && ro->runs != ro->target;
}

int
place_step(const struct place_input *in, struct place_plan *plan)
{
	const struct place_release *asked;
	struct rollout_input ro;
	struct judgement j;

	memset(&ro, 0, sizeof(ro));
	ro.stopped = in->stopped;
	ro.generation = in->generation;
	ro.how = in->how;
	ro.promoted = in->promoted;
	ro.aborted = in->aborted;
	ro.now = in->now;
	ro.moment = in->moment;
	/* A release that cannot be read is waited for, not rolled out. */
	if ((asked = place_find_release(in, in->version)) != NULL) {
		ro.version = in->version;
		ro.releases = asked->releases;
		ro.canary = has_web(asked);
	}
	if (judge_target(in, plan, &j) == -1)
		return -1;
	ro.ready = j.ready;
	ro.broken = j.broken;
	ro.released = j.released;
	if (in->aborted != 0 && in->aborted == in->rollout.target) {
		plan->blamed = NULL;
		snprintf(plan->why, sizeof(plan->why), "%s aborted it",
		    in->aborter[0] != '\0' ? in->aborter : "somebody");
	}
	ro.reason = plan->why;
	plan->did = rollout_step(&plan->rollout, &ro);
	if (plan->did != ROLLOUT_DID_NOTHING)
		plan->again = 0;
	step_run(in, plan);
	return 0;
}
