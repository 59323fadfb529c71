/*
 * When a crashed instance starts again, as Cloud Foundry has it: three times
 * at once, then after 30 s, doubling to 16 minutes, and after 200 crashes in
 * a row no more.
 */
#ifndef PAAS_BACKOFF_H
#define PAAS_BACKOFF_H

#include <stdint.h>

#define BACKOFF_IMMEDIATE 3
#define BACKOFF_MIN       30  /* seconds */
#define BACKOFF_MAX       960 /* seconds */
#define BACKOFF_LAST      200
#define BACKOFF_STABLE    300 /* seconds: the crashes before don't count */

/*
 * The crashes in a row, this one included; uptime is the time for which the
 * instance was ready, in seconds.
 */
uint32_t backoff_count(uint32_t crashes_before, uint64_t uptime);

/* Seconds to wait after that many crashes in a row; -1: not again. */
int64_t backoff_delay(uint32_t crashes);

#endif
