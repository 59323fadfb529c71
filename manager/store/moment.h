/*
 * A moment that nobody can move by setting the clock, for records that outlive
 * the program: CLOCK_BOOTTIME, and which boot that was of.  For how long
 * something has gone on, not for people.
 */
#ifndef PAAS_MOMENT_H
#define PAAS_MOMENT_H

#include <jansson.h>
#include <stdint.h>

struct moment {
	int64_t us;    /* since the boot; 0: it was never noted */
	uint64_t boot; /* a part of its id; 0: not known */
};

struct moment moment_now(void);

/*
 * Microseconds from then to now, not less than 0.  After another boot, those
 * since that: whatever was going on has had no time before it.
 */
int64_t moment_since(const struct moment *then, const struct moment *now);

/* Of no record, or another one, it was never noted. */
struct moment moment_decode(const json_t *);
/*
 * Of records that programs before this one made, too: they have noted day, a
 * time in microseconds since the epoch, 0 for none.  As long ago as the clock
 * of the day says, which is the best that is known, and no longer than this
 * boot.
 */
struct moment moment_recall(const json_t *, int64_t day);
json_t *moment_encode(const struct moment *); /* NULL: no memory */

#endif
