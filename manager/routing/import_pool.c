#include "routing/import_pool.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "routing/routing_impl.h"

#define SIZE_MIN 64

struct import_pool {
	uint64_t id;
	uint32_t hash;
	size_t len;
	char name[];
};

/* FNV-1a, 32 bits (draft-eastlake-fnv). */
static uint32_t
hash_name(paas_routedb_str_t name)
{
	uint32_t hash = 2166136261U;
	size_t i;

	for (i = 0; i < name.len; i++)
		hash = (hash ^ name.data[i]) * 16777619U;
	return hash;
}

static int
is_named(const struct import_pool *pool, paas_routedb_str_t name)
{
	return pool->len == name.len &&
	       memcmp(pool->name, name.data, name.len) == 0;
}

/* Where the name is, or would be; size is a power of two, half of it free. */
static struct import_pool **
find_slot(
    const struct import_pools *pools, paas_routedb_str_t name, uint32_t hash)
{
	size_t i = hash & (pools->size - 1);

	while (pools->slots[i] != NULL && (pools->slots[i]->hash != hash ||
					      !is_named(pools->slots[i], name)))
		i = (i + 1) & (pools->size - 1);
	return &pools->slots[i];
}

static void
grow(struct import_pools *pools)
{
	struct import_pools old = *pools;
	struct import_pool *pool;
	size_t i;

	pools->size = old.size == 0 ? SIZE_MIN : old.size * 2;
	pools->slots = calloc(pools->size, sizeof(*pools->slots));
	if (pools->slots == NULL)
		log_fatal("routing: out of memory");
	for (i = 0; i < old.size; i++) {
		if ((pool = old.slots[i]) == NULL)
			continue;
		*find_slot(pools,
		    (paas_routedb_str_t){
			(const uint8_t *)pool->name, pool->len},
		    pool->hash) = pool;
	}
	free(old.slots);
}

void
import_pools_init(struct import_pools *pools)
{
	memset(pools, 0, sizeof(*pools));
}

void
import_pools_free(struct import_pools *pools)
{
	size_t i;

	for (i = 0; i < pools->size; i++)
		free(pools->slots[i]);
	free(pools->slots);
	import_pools_init(pools);
}

uint64_t
import_pool_id(paas_routedb_str_t name)
{
	return routing_pool_id("import", (const char *)name.data, name.len);
}

int
import_pools_add(struct import_pools *pools, paas_routedb_str_t name)
{
	struct import_pool **slot, *pool;
	uint32_t hash = hash_name(name);

	if (pools->n * 2 >= pools->size)
		grow(pools);
	slot = find_slot(pools, name, hash);
	if (*slot != NULL)
		return -1;
	if ((pool = malloc(sizeof(*pool) + name.len)) == NULL)
		log_fatal("routing: out of memory");
	pool->id = import_pool_id(name);
	pool->hash = hash;
	pool->len = name.len;
	memcpy(pool->name, name.data, name.len);
	*slot = pool;
	pools->n++;
	return 0;
}

uint64_t
import_pools_find(struct import_pools *pools, paas_routedb_str_t name)
{
	struct import_pool *pool = pools->last;

	if (pool != NULL && is_named(pool, name))
		return pool->id;
	if (pools->n == 0)
		return 0;
	pool = *find_slot(pools, name, hash_name(name));
	if (pool == NULL)
		return 0;
	pools->last = pool;
	return pool->id;
}

static int
compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t *
import_pools_ids(const struct import_pools *pools)
{
	uint64_t *ids = calloc(pools->n + 1, sizeof(*ids));
	size_t i, n = 0;

	if (ids == NULL)
		log_fatal("routing: out of memory");
	for (i = 0; i < pools->size; i++)
		if (pools->slots[i] != NULL)
			ids[n++] = pools->slots[i]->id;
	qsort(ids, n, sizeof(*ids), compare_ids);
	return ids;
}
