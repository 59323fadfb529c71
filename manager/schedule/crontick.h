/*
 * Which minutes a look at the clock is about.  The clock may be set either
 * way while nobody looks, so that neither "everything since the last look" nor
 * "what is due now" is right by itself.
 */
#ifndef PAAS_CRONTICK_H
#define PAAS_CRONTICK_H

#include <stdint.h>

/*
 * Minutes that a look may be late by, as long as it is by as much on a clock
 * that goes steadily: those in between are seen to.
 */
#define CRONTICK_LATE 5

/* All zeros before the first look. */
struct crontick {
	int looked;
	int64_t minute;  /* of the last look, since the epoch */
	uint64_t steady; /* us, likewise */
};

/*
 * The minutes from *first to *last are looked at for what is due; none if
 * *first is over *last.  At first, and after the clock was set, that is the
 * present one alone: what was missed is not made up for.
 */
void crontick_look(struct crontick *, int64_t minute, uint64_t steady,
    int64_t *first, int64_t *last);

/*
 * Is what is due at `minute` to be seen to, if what was due at `before` has
 * been (0: nothing)?  Each time once; but what lies over three hours ahead is
 * of a clock that was wrong.
 */
int crontick_is_new(int64_t minute, int64_t before);

#endif
