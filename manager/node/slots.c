#include <sys/queue.h>

#include <errno.h>
#include <stdlib.h>

#include "node/slots.h"

struct rest {
	STAILQ_ENTRY(rest) entry;
	uint32_t index;
	uint64_t until;
};

struct slots {
	uint32_t first;
	uint32_t range;
	uint8_t *taken;                   /* a bit each: in use, or at rest */
	uint8_t *used;                    /* a bit each: in use */
	STAILQ_HEAD(rests, rest) resting; /* the first to be free, first */
};

static int
bit_get(const uint8_t *bits, uint32_t i)
{
	return (bits[i / 8] >> (i % 8)) & 1;
}

static void
bit_set(uint8_t *bits, uint32_t i)
{
	bits[i / 8] |= (uint8_t)(1U << (i % 8));
}

static void
bit_clear(uint8_t *bits, uint32_t i)
{
	bits[i / 8] &= (uint8_t) ~(1U << (i % 8));
}

struct slots *
slots_new(uint32_t first, uint32_t last)
{
	struct slots *s;

	if (last < first || (s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->first = first;
	s->range = last - first + 1;
	STAILQ_INIT(&s->resting);
	s->taken = calloc(s->range / 8 + 1, 1);
	s->used = calloc(s->range / 8 + 1, 1);
	if (s->taken == NULL || s->used == NULL) {
		slots_delete(s);
		return NULL;
	}
	return s;
}

void
slots_delete(struct slots *s)
{
	struct rest *rest;

	if (s == NULL)
		return;
	while ((rest = STAILQ_FIRST(&s->resting)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->resting, entry);
		free(rest);
	}
	free(s->taken);
	free(s->used);
	free(s);
}

static void
rested_release(struct slots *s, uint64_t now)
{
	struct rest *rest;

	while (
	    (rest = STAILQ_FIRST(&s->resting)) != NULL && rest->until <= now) {
		STAILQ_REMOVE_HEAD(&s->resting, entry);
		if (!bit_get(s->used, rest->index))
			bit_clear(s->taken, rest->index);
		free(rest);
	}
}

int
slots_take(struct slots *s, uint64_t id, uint64_t now, uint32_t *slot)
{
	uint32_t at, i;

	rested_release(s, now);
	at = (uint32_t)(id % s->range);
	for (i = 0; i < s->range; i++) {
		if (!bit_get(s->taken, at)) {
			bit_set(s->taken, at);
			bit_set(s->used, at);
			*slot = s->first + at;
			return 0;
		}
		if (++at == s->range)
			at = 0;
	}
	return -EAGAIN;
}

int
slots_mark(struct slots *s, uint32_t slot)
{
	if (slot < s->first || slot - s->first >= s->range)
		return -ERANGE;
	if (bit_get(s->used, slot - s->first))
		return -EBUSY;
	bit_set(s->taken, slot - s->first);
	bit_set(s->used, slot - s->first);
	return 0;
}

void
slots_free(struct slots *s, uint32_t slot, uint64_t now)
{
	struct rest *rest;
	uint32_t i = slot - s->first;

	if (slot < s->first || i >= s->range || !bit_get(s->used, i))
		return;
	bit_clear(s->used, i);

	/* Without memory it stays taken: the safe side. */
	if ((rest = calloc(1, sizeof(*rest))) == NULL)
		return;
	rest->index = i;
	rest->until = now + SLOTS_REST_US;
	STAILQ_INSERT_TAIL(&s->resting, rest, entry);
}

void
slots_return(struct slots *s, uint32_t slot)
{
	uint32_t i = slot - s->first;

	if (slot < s->first || i >= s->range || !bit_get(s->used, i))
		return;
	bit_clear(s->used, i);
	bit_clear(s->taken, i);
}
