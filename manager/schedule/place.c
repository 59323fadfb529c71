#include "schedule/place.h"

#include <stdlib.h>
#include <string.h>

/* So many restarts without a stable run, and a release has failed. */
#define CRASHES_MAX 3

static const struct place_release *
find_release(const struct place_input *in, uint32_t version)
{
	size_t i;

	for (i = 0; i < in->nreleases; i++)
		if (in->releases[i].version == version)
			return &in->releases[i];
	return NULL;
}

static int
is_of(const struct place_assignment *as, const struct place_release *rel,
    const struct place_process *proc)
{
	return !as->stop && as->version == rel->version && as->index >= 1 &&
	       as->index <= proc->quantity && strcmp(as->type, proc->type) == 0;
}

/* As it should be, or made before a restart or with another size? */
static int
is_current(const struct place_assignment *as, const struct place_process *proc)
{
	return as->generation >= proc->generations[as->index - 1] &&
	       (proc->memory == 0 || as->memory == proc->memory);
}

/*
 * Which assignment stands for each index of a process type: slots[0] is
 * index 1.  To be freed; NULL if there is no memory.
 */
static const struct place_assignment **
fill_slots(const struct place_input *in, const struct place_release *rel,
    const struct place_process *proc)
{
	const struct place_assignment **slots, *as;
	size_t i;

	if ((slots = calloc(proc->quantity + 1, sizeof(*slots))) == NULL)
		return NULL;
	for (i = 0; i < in->nassignments; i++) {
		as = &in->assignments[i];
		if (!is_of(as, rel, proc) || !is_current(as, proc))
			continue;
		if (slots[as->index - 1] == NULL ||
		    slots[as->index - 1]->generation < as->generation)
			slots[as->index - 1] = as;
	}
	return slots;
}

/* ---- how the target does ----------------------------------------------- */

static int
has_given_up(const struct place_assignment *as)
{
	return as->state == PLACE_FAILED || as->state == PLACE_BACKOFF ||
	       (as->restarts >= CRASHES_MAX && as->state != PLACE_READY);
}

static int
judge_process(const struct place_input *in, const struct place_release *rel,
    const struct place_process *proc, struct rollout_input *ro)
{
	const struct place_assignment **slots, *as;
	uint32_t i;

	if ((slots = fill_slots(in, rel, proc)) == NULL)
		return -1;
	for (i = 0; i < proc->quantity; i++) {
		if ((as = slots[i]) == NULL || as->state != PLACE_READY)
			ro->ready = 0;
		if (as == NULL || !has_given_up(as) || ro->broken)
			continue;
		ro->broken = 1;
		ro->reason =
		    as->reason != NULL ? as->reason : "it does not stay up";
	}
	free(slots);
	return 0;
}

/* ready and broken of a target that moves. */
static int
judge_target(const struct place_input *in, struct rollout_input *ro)
{
	const struct place_release *rel;
	size_t i;

	if (rollout_state(&in->rollout) != ROLLOUT_MOVING)
		return 0;
	if ((rel = find_release(in, in->rollout.target)) == NULL)
		return 0;
	ro->ready = 1;
	if (in->stopped)
		return 0;
	for (i = 0; i < rel->nprocesses; i++)
		if (judge_process(in, rel, &rel->processes[i], ro) == -1)
			return -1;
	return 0;
}

static int
step_rollout(const struct place_input *in, struct place_plan *plan)
{
	struct rollout_input ro;

	memset(&ro, 0, sizeof(ro));
	ro.version = in->version;
	ro.stopped = in->stopped;
	ro.generation = in->generation;
	ro.now = in->now;
	/* A release that cannot be read is waited for, not rolled out. */
	if (find_release(in, in->version) == NULL)
		ro.version = 0;
	if (judge_target(in, &ro) == -1)
		return -1;
	plan->did = rollout_step(&plan->rollout, &ro);
	return 0;
}

/* ---- changes ----------------------------------------------------------- */

static struct place_change *
add_change(struct place_plan *plan, enum place_kind kind)
{
	static const size_t checks[] = {
	    [PLACE_CREATE] = 0,
	    [PLACE_STOP] = 1,
	    [PLACE_REMOVE] = 2,
	};
	struct place_change *change;

	if (plan->nchanges == PLACE_CHANGES_MAX ||
	    plan->nchecks + checks[kind] > PLACE_CHECKS_MAX) {
		plan->more = 1;
		return NULL;
	}
	plan->nchecks += checks[kind];
	change = &plan->changes[plan->nchanges++];
	memset(change, 0, sizeof(*change));
	change->kind = kind;
	return change;
}

/*
 * What is out of date goes on only while it serves and what follows it does
 * not: new first, then old.
 */
static int
has_to_stay(
    const struct place_assignment *as, const struct place_assignment *successor)
{
	return as->state == PLACE_READY &&
	       (successor == NULL || successor->state != PLACE_READY);
}

/* Marks what stays in keep, and creates what is missing. */
static int
place_process(const struct place_input *in, const struct place_release *rel,
    const struct place_process *proc, struct place_plan *plan, char *keep)
{
	const struct place_assignment **slots, *as;
	struct place_change *change;
	size_t i;

	if ((slots = fill_slots(in, rel, proc)) == NULL)
		return -1;
	for (i = 0; i < in->nassignments; i++) {
		as = &in->assignments[i];
		if (!is_of(as, rel, proc))
			continue;
		if (as == slots[as->index - 1] ||
		    (!is_current(as, proc) &&
			has_to_stay(as, slots[as->index - 1])))
			keep[i] = 1;
	}
	for (i = 0; i < proc->quantity; i++) {
		if (slots[i] != NULL)
			continue;
		if ((change = add_change(plan, PLACE_CREATE)) == NULL)
			break;
		change->release = rel;
		change->process = proc;
		change->index = (uint32_t)i + 1;
	}
	free(slots);
	return 0;
}

static int
place_version(const struct place_input *in, uint32_t version,
    struct place_plan *plan, char *keep)
{
	const struct place_release *rel;
	size_t i;

	if (version == 0)
		return 0;
	if ((rel = find_release(in, version)) == NULL) {
		/* Not found is no order to stop what runs of it. */
		for (i = 0; i < in->nassignments; i++)
			if (in->assignments[i].version == version)
				keep[i] = 1;
		return 0;
	}
	for (i = 0; i < rel->nprocesses; i++)
		if (place_process(in, rel, &rel->processes[i], plan, keep) ==
		    -1)
			return -1;
	return 0;
}

static enum place_why
why_stop(const struct place_input *in, const struct place_plan *plan,
    const struct place_assignment *as)
{
	const struct place_release *rel;
	size_t i;

	if (!in->exists)
		return PLACE_WHY_DELETED;
	if (in->stopped)
		return PLACE_WHY_STOPPED;
	if (as->version == plan->rollout.failed)
		return PLACE_WHY_FAILED;
	if ((rel = find_release(in, as->version)) == NULL ||
	    (as->version != plan->rollout.live &&
		as->version != plan->rollout.target))
		return PLACE_WHY_RELEASE;
	for (i = 0; i < rel->nprocesses; i++)
		if (is_of(as, rel, &rel->processes[i]))
			return PLACE_WHY_RESTART;
	return PLACE_WHY_SCALE;
}

/* The highest index first, whatever its type. */
static int
compare_index(const void *a, const void *b)
{
	const struct place_assignment *x, *y;

	x = *(const struct place_assignment *const *)a;
	y = *(const struct place_assignment *const *)b;
	if (x->index != y->index)
		return x->index < y->index ? 1 : -1;
	return x->id < y->id ? 1 : x->id > y->id ? -1 : 0;
}

static int
end_others(
    const struct place_input *in, struct place_plan *plan, const char *keep)
{
	const struct place_assignment **out, *as;
	struct place_change *change = NULL;
	size_t i, n = 0;

	if ((out = calloc(in->nassignments + 1, sizeof(*out))) == NULL)
		return -1;
	for (i = 0; i < in->nassignments; i++) {
		as = &in->assignments[i];
		if (as->stop
			? as->state == PLACE_NONE || as->state == PLACE_GONE
			: !keep[i])
			out[n++] = as;
	}
	qsort(out, n, sizeof(*out), compare_index);
	for (i = 0; i < n; i++) {
		change =
		    add_change(plan, out[i]->stop ? PLACE_REMOVE : PLACE_STOP);
		if (change == NULL)
			break;
		change->old = out[i];
		if (!out[i]->stop)
			change->why = why_stop(in, plan, out[i]);
	}
	free(out);
	return 0;
}

int
place_decide(const struct place_input *in, struct place_plan *plan)
{
	const struct rollout *ro = &plan->rollout;
	char *keep;
	int rc = 0;

	memset(plan, 0, sizeof(*plan));
	plan->rollout = in->rollout;
	if (in->exists && step_rollout(in, plan) == -1)
		return -1;
	if ((keep = calloc(in->nassignments + 1, 1)) == NULL)
		return -1;
	if (in->exists && !in->stopped) {
		rc = place_version(in, ro->live, plan, keep);
		if (rc == 0 && rollout_state(ro) == ROLLOUT_MOVING)
			rc = place_version(in, ro->target, plan, keep);
	}
	if (rc == 0)
		rc = end_others(in, plan, keep);
	free(keep);
	return rc;
}
