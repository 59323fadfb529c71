#include <stdlib.h>
#include <string.h>

#include "schedule/place_impl.h"

const struct place_release *
place_find_release(const struct place_input *in, uint32_t version)
{
	size_t i;

	for (i = 0; i < in->nreleases; i++)
		if (in->releases[i].version == version)
			return &in->releases[i];
	return NULL;
}

int
place_is_of(const struct place_assignment *as, const struct place_release *rel,
    const struct place_process *proc)
{
	return !as->stop && as->version == rel->version && as->index >= 1 &&
	       as->index <= proc->quantity && strcmp(as->type, proc->type) == 0;
}

int
place_is_current(
    const struct place_assignment *as, const struct place_process *proc)
{
	return as->generation >= proc->generations[as->index - 1] &&
	       (proc->memory == 0 || as->memory == proc->memory) &&
	       (proc->limits == NULL || as->limits == NULL ||
		   json_equal(as->limits, proc->limits));
}

const struct place_assignment **
place_fill_slots(const struct place_input *in, const struct place_release *rel,
    const struct place_process *proc)
{
	const struct place_assignment **slots, *as;
	size_t i;

	if ((slots = calloc(proc->quantity + 1, sizeof(*slots))) == NULL)
		return NULL;
	for (i = 0; i < in->nassignments; i++) {
		as = &in->assignments[i];
		if (!place_is_of(as, rel, proc) || !place_is_current(as, proc))
			continue;
		if (slots[as->index - 1] == NULL ||
		    slots[as->index - 1]->generation < as->generation)
			slots[as->index - 1] = as;
	}
	return slots;
}

int
place_has_to_stay(
    const struct place_assignment *as, const struct place_assignment *successor)
{
	return as->state == PLACE_READY &&
	       (successor == NULL || successor->state != PLACE_READY);
}

int
place_is_routed(const struct rollout *ro, const struct place_assignment *as)
{
	return !as->stop && (as->version == ro->live || as->routed);
}

struct place_change *
place_add_change(struct place_plan *plan, enum place_kind kind)
{
	static const size_t checks[] = {
	    [PLACE_CREATE] = 0,
	    [PLACE_ROUTE] = 1,
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
