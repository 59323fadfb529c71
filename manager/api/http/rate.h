/*
 * How many requests an account may make: as many as the setting api_rate says
 * at once, and as many again in each hour, one after the other.  Kept in
 * memory, in a table (gcra.h): who has waited longest is forgotten first.
 */
#ifndef PAAS_API_RATE_H
#define PAAS_API_RATE_H

#include <stddef.h>
#include <stdint.h>

struct rate;

/* hourly of 0: no limit.  NULL: out of memory. */
struct rate *rate_new(uint32_t hourly);
void rate_free(struct rate *);

/* Where there is no limit, what is left never falls. */
uint32_t rate_most(const struct rate *);

/*
 * One request at `now`, in microseconds of any clock that goes forward: 0 and
 * what is left, or -1 and the seconds to wait.
 */
int rate_take(struct rate *, const char *account, int64_t now, uint32_t *left,
    uint32_t *wait);

#endif
