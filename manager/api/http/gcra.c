#include "api/http/gcra.h"

#include <bsd/stdlib.h>

void
gcra_init(struct gcra *table)
{
	arc4random_buf(table->seed, sizeof(table->seed));
}

static uint64_t
gcra_tag(const struct gcra *table, const void *key, size_t len)
{
	uint64_t tag;

	(void)crypto_shorthash((uint8_t *)&tag, key, len, table->seed);
	return tag;
}

const struct gcra_row *
gcra_find(const struct gcra *table, const void *key, size_t len)
{
	uint64_t tag = gcra_tag(table, key, len);
	const struct gcra_row *row = table->rows[tag % GCRA_SETS];

	for (size_t i = 0; i < GCRA_WAYS; i++, row++)
		if (row->tag == tag)
			return row;
	return NULL;
}

struct gcra_row *
gcra_use(struct gcra *table, const void *key, size_t len, int64_t now)
{
	uint64_t tag = gcra_tag(table, key, len);
	struct gcra_row *row = table->rows[tag % GCRA_SETS], *use = row;

	for (size_t i = 0; i < GCRA_WAYS; i++, row++) {
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
