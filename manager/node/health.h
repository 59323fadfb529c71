/*
 * Is an instance well?  Looks (probe.h) often until it is: that is readiness.
 * Then at an interval: after some failures in a row it is sick, and after
 * more of them, where that is asked for, dead.
 */
#ifndef PAAS_HEALTH_H
#define PAAS_HEALTH_H

#include <stdint.h>

#include "node/probe.h"

struct health;

struct health_what {
	struct probe_what probe;
	uint32_t interval; /* seconds between looks, once it is well; 0: 10 */
	uint32_t failures; /* in a row, before it is sick; 0: 3 */
	uint32_t restart;  /* and before it is dead; 0: never */
	int live;          /* it has been well before */
	int good;          /* if live: what it was at the last look */
};

/* Called when what was found changes.  health_close is fine within. */
typedef void (*health_cb)(void *arg);

/*
 * The first look is taken at once, or, of one that is live and good, within
 * the interval: instances that are adopted together are not all looked at
 * together.  what is copied.  NULL with errno.
 */
struct health *health_open(
    sd_event *, struct fetch *, const struct health_what *, health_cb, void *);
void health_close(struct health *); /* NULL is fine */

/* What was found; not good as long as nothing was. */
int health_good(const struct health *);
int health_dead(const struct health *);

/*
 * The end of a sentence, as in "web.1 does not answer: connection refused",
 * of the last look that failed.  Never NULL.
 */
const char *health_why(const struct health *);

#endif
