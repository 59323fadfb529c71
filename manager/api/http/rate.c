#include "api/http/rate.h"

#include <stdlib.h>
#include <string.h>

#include "api/http/gcra.h"

#define RATE_HOUR    (3600 * 1000000LL)
#define RATE_DEFAULT 4500 /* told where there is no limit */

struct rate {
	uint32_t hourly;
	struct gcra table;
};

struct rate *
rate_new(uint32_t hourly)
{
	struct rate *rate = calloc(1, sizeof(*rate));

	if (rate != NULL) {
		gcra_init(&rate->table);
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

int
rate_take(struct rate *rate, const char *account, int64_t now, uint32_t *left,
    uint32_t *wait)
{
	struct gcra_row *row;
	int64_t every, used;

	*left = rate_most(rate);
	*wait = 0;
	if (rate->hourly == 0)
		return 0;
	every = RATE_HOUR / rate->hourly;
	row = gcra_use(&rate->table, account, strlen(account), now);
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
