/*
 * How often somebody may be wrong: LIMIT_BURST times at once, and once more
 * each LIMIT_EVERY.  When the table (gcra.h) is full of people who are wrong,
 * those who were so least are forgotten first.
 */
#ifndef PAAS_API_LIMIT_H
#define PAAS_API_LIMIT_H

#include <stddef.h>
#include <stdint.h>

#define LIMIT_BURST 10
#define LIMIT_EVERY (6 * 1000000LL) /* microseconds */

struct limit;

/* NULL: out of memory. */
struct limit *limit_new(void);
void limit_free(struct limit *);

/* 0: go on.  Else the microseconds until the key may try again. */
int64_t limit_wait(
    const struct limit *, const void *key, size_t len, int64_t now);

/* Whether it was wrong, so lately that it still counts. */
int limit_counts(
    const struct limit *, const void *key, size_t len, int64_t now);

/* It was wrong.  now is microseconds of any clock that goes forward. */
void limit_count(struct limit *, const void *key, size_t len, int64_t now);

#endif
