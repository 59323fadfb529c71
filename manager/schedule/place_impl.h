/*
 * What the files of the decision share.
 *
 *   place.c        which releases there is something of, and what has to go
 *   place_judge.c  how a roll-out does: what its table is asked with
 *   place_slot.c   which assignment stands for which index
 *   place_roll.c   one release in the place of another, a few at a time
 */
#ifndef PAAS_PLACE_IMPL_H
#define PAAS_PLACE_IMPL_H

#include "schedule/place.h"

/* NULL for one that was not found. */
const struct place_release *place_find_release(
    const struct place_input *, uint32_t version);

/* An instance of this release and type, that is to run, of an index wanted. */
int place_is_of(const struct place_assignment *, const struct place_release *,
    const struct place_process *);

/* As it should be, or made before a restart or with another size? */
int place_is_current(
    const struct place_assignment *, const struct place_process *);

/*
 * Which assignment stands for each index of a process type: slots[0] is
 * index 1.  To be freed; NULL if there is no memory.
 */
const struct place_assignment **place_fill_slots(const struct place_input *,
    const struct place_release *, const struct place_process *);

/*
 * What is out of date goes on only while it serves and what follows it does
 * not: new first, then old.
 */
int place_has_to_stay(
    const struct place_assignment *, const struct place_assignment *successor);

/* Does it get requests, or its share of the work, once it is ready? */
int place_is_routed(const struct rollout *, const struct place_assignment *);

/* NULL if the commit is full: then the rest comes with the next one. */
struct place_change *place_add_change(struct place_plan *, enum place_kind);

/*
 * How many of a type of the target the roll-out needs, in the state that it is
 * in.
 */
uint32_t place_needed(const struct rollout *, const struct place_process *);

/* Takes the step of the roll-out, if there is one.  -1: no memory. */
int place_step(const struct place_input *, struct place_plan *);

/*
 * Brings instances of the target in, and takes old ones out, as far as surge
 * and unavailability let it; marks what stays in keep.  -1: no memory.
 */
int place_roll(const struct place_input *, const struct place_release *,
    const struct place_process *, struct place_plan *, char *keep);

#endif
