#include "api/access/limit.h"

#include <stdlib.h>

#include "api/http/gcra.h"

struct limit {
	struct gcra table;
};

struct limit *
limit_new(void)
{
	struct limit *limit = calloc(1, sizeof(*limit));

	if (limit != NULL)
		gcra_init(&limit->table);
	return limit;
}

void
limit_free(struct limit *limit)
{
	free(limit);
}

int64_t
limit_wait(const struct limit *limit, const void *key, size_t len, int64_t now)
{
	const struct gcra_row *row = gcra_find(&limit->table, key, len);
	int64_t wait;

	if (row == NULL)
		return 0;
	wait = row->full - now - (LIMIT_BURST - 1) * LIMIT_EVERY;
	return wait > 0 ? wait : 0;
}

int
limit_counts(
    const struct limit *limit, const void *key, size_t len, int64_t now)
{
	const struct gcra_row *row = gcra_find(&limit->table, key, len);

	return row != NULL && row->full > now;
}

void
limit_count(struct limit *limit, const void *key, size_t len, int64_t now)
{
	gcra_use(&limit->table, key, len, now)->full += LIMIT_EVERY;
}
