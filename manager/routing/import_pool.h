/*
 * The names of imported pools, and their ids: a hash table, since each line of
 * a host is looked up in it.
 */
#ifndef PAAS_ROUTING_IMPORT_POOL_H
#define PAAS_ROUTING_IMPORT_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "paas_routedb.h"

struct import_pool;

struct import_pools {
	struct import_pool **slots; /* size of them, NULL for an empty one */
	size_t size, n;
	struct import_pool *last; /* that was found: mostly the next, too */
};

void import_pools_init(struct import_pools *);
void import_pools_free(struct import_pools *);

/* The id that a pool of this name has in every import. */
uint64_t import_pool_id(paas_routedb_str_t name);

/* -1 if there is one of that name. */
int import_pools_add(struct import_pools *, paas_routedb_str_t name);

/* Its id, 0 if there is none. */
uint64_t import_pools_find(struct import_pools *, paas_routedb_str_t name);

/* All ids, sorted: n of them, and to be freed. */
uint64_t *import_pools_ids(const struct import_pools *);

#endif
