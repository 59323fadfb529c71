/*
 * Slots are places in the instance subnet: address and uid are derived from
 * them.  One that was freed rests for ten minutes, since TCP carries no
 * instance id and someone may still hold its address.
 *
 * Slots are searched from first + id % range on, so that ids that count up
 * go round the subnet, also across a start of the manager, which forgets
 * what rests.
 */
#ifndef PAAS_SLOTS_H
#define PAAS_SLOTS_H

#include <stdint.h>

#define SLOTS_REST_US (600 * 1000000ULL)

struct slots;

/* NULL if out of memory or last < first. */
struct slots *slots_new(uint32_t first, uint32_t last);
void slots_delete(struct slots *);

/* now: microseconds of a clock that does not jump.  0 or -EAGAIN. */
int slots_take(struct slots *, uint64_t id, uint64_t now, uint32_t *slot);

/* This one is in use.  0, -EBUSY if it was so already, -ERANGE. */
int slots_mark(struct slots *, uint32_t slot);

/* Lets it rest.  Harmless for one that is not in use. */
void slots_free(struct slots *, uint32_t slot, uint64_t now);

/* It was never used after all: free at once. */
void slots_return(struct slots *, uint32_t slot);

#endif
