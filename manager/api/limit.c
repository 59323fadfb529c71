#include "api/limit.h"

#include <bsd/stdlib.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_SETS 1024
#define LIMIT_WAYS 4

struct limit_row {
	uint64_t tag;
	int64_t full; /* when all attempts are there again */
};

struct limit {
	uint8_t seed[crypto_shorthash_KEYBYTES]; /* strangers choose the keys */
	struct limit_row rows[LIMIT_SETS][LIMIT_WAYS];
};

struct limit *
limit_new(void)
{
	struct limit *limit = calloc(1, sizeof(*limit));

	if (limit != NULL)
		arc4random_buf(limit->seed, sizeof(limit->seed));
	return limit;
}

void
limit_free(struct limit *limit)
{
	free(limit);
}

static uint64_t
limit_tag(const struct limit *limit, const void *key, size_t len)
{
	uint64_t tag;

	(void)crypto_shorthash((uint8_t *)&tag, key, len, limit->seed);
	return tag;
}

int64_t
limit_wait(const struct limit *limit, const void *key, size_t len, int64_t now)
{
	uint64_t tag = limit_tag(limit, key, len);
	const struct limit_row *row = limit->rows[tag % LIMIT_SETS];
	int64_t wait;

	for (size_t i = 0; i < LIMIT_WAYS; i++, row++) {
		if (row->tag != tag)
			continue;
		wait = row->full - now - (LIMIT_BURST - 1) * LIMIT_EVERY;
		return wait > 0 ? wait : 0;
	}
	return 0;
}

void
limit_count(struct limit *limit, const void *key, size_t len, int64_t now)
{
	uint64_t tag = limit_tag(limit, key, len);
	struct limit_row *row = limit->rows[tag % LIMIT_SETS], *use = row;

	for (size_t i = 0; i < LIMIT_WAYS; i++, row++) {
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
	use->full += LIMIT_EVERY;
}
