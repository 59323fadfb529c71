#include "api/rate.h"

#include <bsd/stdlib.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define RATE_SETS    1024
#define RATE_WAYS    4
#define RATE_HOUR    (3600 * 1000000LL)
#define RATE_DEFAULT 4500 /* told where there is no limit */

/* GCRA, as limit.h has it. */
struct rate_row {
	uint64_t tag;
	int64_t full; /* when all are there again */
};

struct rate {
	uint8_t seed[crypto_shorthash_KEYBYTES];
	uint32_t hourly;
	struct rate_row rows[RATE_SETS][RATE_WAYS];
};

struct rate *
rate_new(uint32_t hourly)
{
	struct rate *rate = calloc(1, sizeof(*rate));

	if (rate != NULL) {
		arc4random_buf(rate->seed, sizeof(rate->seed));
		rate->hourly = hourly;
	}
	return rate;
}

void
rate_free(struct rate *rate)
{
	free(rate);
}

uint32_t
rate_most(const struct rate *rate)
{
	return rate->hourly != 0 ? rate->hourly : RATE_DEFAULT;
}

/* The account's, or that of whoever has waited longest. */
static struct rate_row *
rate_row(struct rate *rate, const char *account, int64_t now)
{
	struct rate_row *row, *use;
	uint64_t tag;

	(void)crypto_shorthash((uint8_t *)&tag, (const uint8_t *)account,
	    strlen(account), rate->seed);
	row = use = rate->rows[tag % RATE_SETS];
	for (size_t i = 0; i < RATE_WAYS; i++, row++) {
		if (row->tag == tag) {
			use = row;
			break;
		}
		if (row->full < use->full)
			use = row;
	}
	if (use->tag != tag || use->full < now)
		use->full = now;
	use->tag = tag;
	return use;
}

int
rate_take(struct rate *rate, const char *account, int64_t now, uint32_t *left,
    uint32_t *wait)
{
	struct rate_row *row;
	int64_t every, used;

	*left = rate_most(rate);
	*wait = 0;
	if (rate->hourly == 0)
		return 0;
	every = RATE_HOUR / rate->hourly;
	row = rate_row(rate, account, now);
	used = row->full - now + every;
	if (used > RATE_HOUR) {
		*left = 0;
		*wait = (uint32_t)((used - RATE_HOUR) / 1000000 + 1);
		return -1;
	}
	row->full += every;
	*left = (uint32_t)((RATE_HOUR - used) / every);
	return 0;
}
