/*
 * For how long an app has had nothing to do, by what the router counts: time
 * stamps of requests say nothing of a websocket that is open.
 */
#ifndef PAAS_IDLE_H
#define PAAS_IDLE_H

#include <stdint.h>

#include "schedule/load.h"

struct idle {
	int known;
	uint64_t requests;
	uint64_t since; /* us; of any clock that goes steadily */
};

/*
 * The next look at it, at `now`: microseconds that it has been idle for, at
 * least.  load NULL: the router did not say, and it begins anew.
 */
uint64_t idle_look(struct idle *, const struct load *, uint64_t now);

#endif
