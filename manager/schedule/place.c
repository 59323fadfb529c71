#include "schedule/place.h"

#include <stdlib.h>
#include <string.h>

#include "schedule/place_impl.h"

/* ---- what there is to be ------------------------------------------------ */

/*
 * Marks what stays in keep, and creates what is missing of the first `needed`.
 * An instance of another release that gets requests stays until this one's is
 * ready: that is how a roll-out that failed half-way goes back.
 */
static int
place_process(const struct place_input *in, const struct place_release *rel,
    const struct place_process *proc, uint32_t needed, struct place_plan *plan,
    char *keep)
{
	const struct place_assignment **slots, *as;
	int mixed = plan->rollout.live != plan->rollout.target &&
		    rel->version == plan->rollout.live;
	struct place_change *change;
	size_t i;

	if ((slots = place_fill_slots(in, rel, proc)) == NULL)
		return -1;
	for (i = 0; i < in->nassignments; i++) {
		as = &in->assignments[i];
		if (as->stop || as->index < 1 || as->index > needed ||
		    strcmp(as->type, proc->type) != 0)
			continue;
		if (as == slots[as->index - 1])
			keep[i] = 1;
		else if (as->version == rel->version
			     ? !place_is_current(as, proc)
			     : mixed && as->routed)
			keep[i] |=
			    (char)place_has_to_stay(as, slots[as->index - 1]);
	}
	for (i = 0; i < needed; i++) {
		if (slots[i] != NULL)
			continue;
		change = place_add_change(plan, PLACE_CREATE);
		if (change == NULL)
			break;
		change->release = rel;
		change->process = proc;
		change->index = (uint32_t)i + 1;
	}
	free(slots);
	return 0;
}

/* Not found is no order to stop what runs of it. */
static void
keep_version(const struct place_input *in, uint32_t version, char *keep)
{
	size_t i;

	for (i = 0; i < in->nassignments; i++)
		if (in->assignments[i].version == version)
			keep[i] = 1;
}

static int
place_version(const struct place_input *in, uint32_t version,
    struct place_plan *plan, char *keep)
{
	const struct place_release *rel;
	size_t i;

	if (version == 0)
		return 0;
	if ((rel = place_find_release(in, version)) == NULL) {
		keep_version(in, version, keep);
		return 0;
	}
	for (i = 0; i < rel->nprocesses; i++)
		if (place_process(in, rel, &rel->processes[i],
			rel->processes[i].quantity, plan, keep) == -1)
			return -1;
	return 0;
}

/* A part of the target's web processes, beside all that is live. */
static int
place_canary(const struct place_input *in, struct place_plan *plan, char *keep)
{
	const struct rollout *ro = &plan->rollout;
	const struct place_release *rel = place_find_release(in, ro->target);
	const struct place_assignment *as;
	const struct place_process *proc;
	struct place_change *change;
	size_t i, k;

	if (rel == NULL) {
		keep_version(in, ro->target, keep);
		return 0;
	}
	for (i = 0; i < rel->nprocesses; i++) {
		proc = &rel->processes[i];
		if (place_process(in, rel, proc, place_needed(ro, proc), plan,
			keep) == -1)
			return -1;
	}
	if (rollout_state(ro) != ROLLOUT_CANARY)
		return 0;
	for (k = 0; k < in->nassignments; k++) {
		as = &in->assignments[k];
		if (!keep[k] || as->version != ro->target || as->routed ||
		    as->state != PLACE_READY)
			continue;
		if ((change = place_add_change(plan, PLACE_ROUTE)) == NULL)
			break;
		change->old = as;
	}
	return 0;
}

/* The types that the target does not have go with the last step. */
static int
place_leaving(const struct place_input *in, const struct place_release *target,
    struct place_plan *plan, char *keep)
{
	const struct place_release *live =
	    place_find_release(in, plan->rollout.live);
	const struct place_process *proc;
	size_t i, k;

	for (i = 0; live != NULL && i < live->nprocesses; i++) {
		proc = &live->processes[i];
		for (k = 0; k < target->nprocesses; k++)
			if (strcmp(target->processes[k].type, proc->type) == 0)
				break;
		if (k == target->nprocesses &&
		    place_process(in, live, proc, proc->quantity, plan, keep) ==
			-1)
			return -1;
	}
	return 0;
}

static int
place_moving(const struct place_input *in, struct place_plan *plan, char *keep)
{
	const struct rollout *ro = &plan->rollout;
	const struct place_release *rel = place_find_release(in, ro->target);
	size_t i;

	/* Who serves nobody yet has nothing to be careful with. */
	if (rel == NULL || ro->live == 0 ||
	    ro->how.kind == STRATEGY_BLUE_GREEN) {
		if (place_version(in, ro->live, plan, keep) == -1)
			return -1;
		return place_version(in, ro->target, plan, keep);
	}
	if (place_find_release(in, ro->live) == NULL)
		keep_version(in, ro->live, keep);
	for (i = 0; i < rel->nprocesses; i++)
		if (place_roll(in, rel, &rel->processes[i], plan, keep) == -1)
			return -1;
	return place_leaving(in, rel, plan, keep);
}

static int
place_all(const struct place_input *in, struct place_plan *plan, char *keep)
{
	const struct rollout *ro = &plan->rollout;

	switch (rollout_state(ro)) {
	case ROLLOUT_MOVING:
		return place_moving(in, plan, keep);
	case ROLLOUT_RAISING:
	case ROLLOUT_CANARY:
		if (place_version(in, ro->live, plan, keep) == -1)
			return -1;
		return place_canary(in, plan, keep);
	default:
		return place_version(in, ro->live, plan, keep);
	}
}

/* ---- what has to go ------------------------------------------------------ */

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
	if ((rel = place_find_release(in, as->version)) == NULL ||
	    (as->version != plan->rollout.live &&
		as->version != plan->rollout.target))
		return PLACE_WHY_RELEASE;
	for (i = 0; i < rel->nprocesses; i++)
		if (place_is_of(as, rel, &rel->processes[i]))
			return PLACE_WHY_RESTART;
	return in->asleep ? PLACE_WHY_ASLEEP : PLACE_WHY_SCALE;
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
		change = place_add_change(
		    plan, out[i]->stop ? PLACE_REMOVE : PLACE_STOP);
		if (change == NULL)
			break;
		change->old = out[i];
		if (!out[i]->stop)
			change->why = why_stop(in, plan, out[i]);
	}
	free(out);
	return 0;
}

static void
note_progress(const struct place_input *in, struct place_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->nchanges; i++)
		if (plan->changes[i].kind == PLACE_ROUTE)
			plan->rollout.progress = in->moment;
}

int
place_decide(const struct place_input *in, struct place_plan *plan)
{
	char *keep;
	int rc = 0;

	memset(plan, 0, sizeof(*plan));
	plan->rollout = in->rollout;
	if (in->exists && place_step(in, plan) == -1)
		return -1;
	if ((keep = calloc(in->nassignments + 1, 1)) == NULL)
		return -1;
	if (in->exists && !in->stopped)
		rc = place_all(in, plan, keep);
	if (rc == 0)
		rc = end_others(in, plan, keep);
	free(keep);
	note_progress(in, plan);
	return rc;
}
