/*
 * How many instances the load of an app asks for.  A function of what it is
 * given: it reads no clock and no store, so that every load can be played to
 * it.
 *
 * By concurrency: requests in flight over those that an instance should have,
 * as Kubernetes' autoscaler does it, with its tolerance of 10 %.  By p95: in
 * proportion to how far it is over the limit, at most twice as many at once.
 * More come at the second sample that asks for them; fewer when, for a whole
 * window, never more were asked for, and at no rate of requests an instance
 * that has been too much before: so that a load that goes to and fro
 * within a window changes nothing, and neither does one that stays.  Without
 * samples nothing changes, and a window begins anew.
 */
#ifndef PAAS_AUTOSCALE_H
#define PAAS_AUTOSCALE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "schedule/load.h"

struct autoscale_how {
	uint32_t min, max;
	uint32_t concurrency; /* 0: not by that */
	uint32_t p95;         /* ms; 0: likewise */
	uint32_t window;      /* seconds */
};

/* All zeros for none. */
void autoscale_decode(struct autoscale_how *, const json_t *set);

struct autoscale_sample {
	uint64_t now;      /* us of a clock that goes steadily */
	uint32_t quantity; /* that there are to be */
	uint32_t ready;    /* of them */
	uint64_t in_flight;
	int counted; /* the following is known: since the sample before */
	uint64_t latency[LOAD_BUCKETS];
	uint64_t span; /* us since that; filled in here */
};

#define AUTOSCALE_SAMPLES 16
#define AUTOSCALE_PARTS   16 /* of a window */

/* What it remembers; all zeros to begin with. */
struct autoscale {
	size_t n;
	struct autoscale_sample samples[AUTOSCALE_SAMPLES]; /* newest first */
	uint64_t changed; /* us: when it last said something new; 0: never */
	uint64_t began;   /* us: of the part of the window that is filled */
	uint32_t parts[AUTOSCALE_PARTS + 1]; /* most asked for; newest first */
	size_t nparts;                       /* whole ones */
	double hot; /* requests a second and instance that were too many */
	uint64_t hot_at;
};

#define AUTOSCALE_WHY_MAX 128

/*
 * How many there should be after this sample, and why if that is another
 * number than sample->quantity.
 */
uint32_t autoscale_decide(struct autoscale *, const struct autoscale_how *,
    const struct autoscale_sample *, char why[AUTOSCALE_WHY_MAX]);

/* There is no sample: nothing changes, and a window begins anew. */
void autoscale_lost(struct autoscale *);

/* In ms, of a histogram; 0 of none.  Interpolated as Prometheus does it. */
double autoscale_p95(const uint64_t latency[LOAD_BUCKETS], uint64_t *count);

#endif
