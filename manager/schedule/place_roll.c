/*
 * Surge and unavailability count what is to run: what ends its last requests
 * is neither.  An index has at most one instance of the target, and at most
 * one of what was before it; as soon as the former is ready it takes over from
 * the latter, in one commit.
 */
#include <stdlib.h>
#include <string.h>

#include "schedule/place_impl.h"

struct roll {
	const struct place_input *in;
	struct place_plan *plan;
	const struct rollout *ro; /* of the plan */
	const struct place_release *rel;
	const struct place_process *proc;
	const struct place_assignment **fresh; /* of the target, by index */
	const struct place_assignment **old;   /* what serves until then */
	uint32_t running;                      /* of both */
	uint32_t ready;                        /* of those that serve */
	uint32_t vacant; /* indices where nothing serves, nor is to */
};

static int
is_old(const struct roll *r, const struct place_assignment *as)
{
	return as->version != r->rel->version && place_is_routed(r->ro, as) &&
	       as->index >= 1 && as->index <= r->proc->quantity &&
	       strcmp(as->type, r->proc->type) == 0;
}

/* One of two that an earlier roll-out has left at an index. */
static int
is_better(const struct roll *r, const struct place_assignment *as,
    const struct place_assignment *than)
{
	if (than == NULL)
		return 1;
	if ((as->state == PLACE_READY) != (than->state == PLACE_READY))
		return as->state == PLACE_READY;
	if ((as->version == r->ro->live) != (than->version == r->ro->live))
		return as->version == r->ro->live;
	return as->generation > than->generation;
}

static int
find_both(struct roll *r)
{
	const struct place_assignment *as, **place;
	size_t i;

	r->fresh = place_fill_slots(r->in, r->rel, r->proc);
	r->old = calloc(r->proc->quantity + 1, sizeof(*r->old));
	if (r->fresh == NULL || r->old == NULL)
		return -1;
	for (i = 0; i < r->in->nassignments; i++) {
		as = &r->in->assignments[i];
		if (!is_old(r, as))
			continue;
		place = &r->old[as->index - 1];
		if (is_better(r, as, *place))
			*place = as;
	}
	return 0;
}

/* What is ready takes over.  Without room for that, the old one goes on. */
static void
take_over(struct roll *r, uint32_t i)
{
	const struct place_assignment *as = r->fresh[i];
	struct place_change *change;

	if (as == NULL || as->state != PLACE_READY)
		return;
	if (!as->routed) {
		change = place_add_change(r->plan, PLACE_ROUTE);
		if (change == NULL)
			return;
		change->old = as;
	}
	r->old[i] = NULL;
}

static void
count_both(struct roll *r)
{
	uint32_t i;

	for (i = 0; i < r->proc->quantity; i++) {
		const struct place_assignment *as = r->fresh[i];
		const struct place_assignment *old = r->old[i];
		int serves = as != NULL && as->state == PLACE_READY;

		r->running += (as != NULL) + (old != NULL);
		if (old != NULL)
			serves = old->state == PLACE_READY;
		else if (!serves)
			r->vacant++;
		r->ready += (uint32_t)serves;
	}
}

/*
 * Old ones that may go before anything has taken over: first those that do not
 * serve anyway, which take nothing away but the hope that they will.
 */
static void
make_room(struct roll *r, int ready)
{
	uint32_t quantity = r->proc->quantity, i;
	uint32_t most = strategy_unavailable(&r->ro->how, quantity);

	for (i = 0; i < quantity && r->vacant < most; i++) {
		if (r->old[i] == NULL ||
		    (r->old[i]->state == PLACE_READY) != ready)
			continue;
		/* Without it, quantity - ready + 1 are missing. */
		if (ready && quantity - r->ready >= most)
			break;
		r->old[i] = NULL;
		r->vacant++;
		r->running--;
		r->ready -= (uint32_t)ready;
	}
}

static void
bring_in(struct roll *r)
{
	uint32_t quantity = r->proc->quantity, i;
	uint32_t most = quantity + strategy_surge(&r->ro->how, quantity);
	struct place_change *change;

	for (i = 0; i < quantity && r->running < most; i++) {
		if (r->fresh[i] != NULL)
			continue;
		change = place_add_change(r->plan, PLACE_CREATE);
		if (change == NULL)
			return;
		change->release = r->rel;
		change->process = r->proc;
		change->index = i + 1;
		r->running++;
	}
}

static void
mark_kept(const struct roll *r, char *keep)
{
	const struct place_assignment *as;
	size_t i;

	for (i = 0; i < r->in->nassignments; i++) {
		as = &r->in->assignments[i];
		if (place_is_of(as, r->rel, r->proc)) {
			if (as == r->fresh[as->index - 1] ||
			    (!place_is_current(as, r->proc) &&
				place_has_to_stay(as, r->fresh[as->index - 1])))
				keep[i] = 1;
		} else if (is_old(r, as) && as == r->old[as->index - 1])
			keep[i] = 1;
	}
}

int
place_roll(const struct place_input *in, const struct place_release *rel,
    const struct place_process *proc, struct place_plan *plan, char *keep)
{
	struct roll r = {.in = in,
	    .plan = plan,
	    .ro = &plan->rollout,
	    .rel = rel,
	    .proc = proc};
	int rc = find_both(&r);
	uint32_t i;

	if (rc == 0) {
		for (i = 0; i < proc->quantity; i++)
			take_over(&r, i);
		count_both(&r);
		make_room(&r, 0);
		make_room(&r, 1);
		bring_in(&r);
		mark_kept(&r, keep);
	}
	free(r.fresh);
	free(r.old);
	return rc;
}
