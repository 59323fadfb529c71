/*
 * The first comparison: after a start everything that the store has is
 * touched once, in slices; then what the route database has too much.
 */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "routing/routing_impl.h"

/* The first comparison walks through these, then is over. */
static const struct {
	const char *prefix;
	enum touch_kind kind;
} scan_table[ROUTING_SCAN_END] = {
    {"app/", TOUCH_APP},
    {"domain/", TOUCH_HOST},
    {"route/", TOUCH_HOST},
};

void
routing_scan_start(struct routing *rt)
{
	rt->scan = 0;
	rt->scan_from[0] = '\0';
	rt->scan_hosts = rt->scan_pools = 0;
	rt->scan_moved = 0;
	/* It takes turns with all else, however long it is. */
	sd_event_source_set_priority(rt->run, SD_EVENT_PRIORITY_NORMAL);
}

static int
scan_one(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct routing *rt = arg;
	enum touch_kind kind = scan_table[rt->scan].kind;

	(void)rev;
	/* The next slice starts behind this one: no key holds a 0x01. */
	snprintf(rt->scan_from, sizeof(rt->scan_from), "%s\001", key);
	routing_touch(rt, kind, strchr(key, '/') + 1);
	rt->scan_hosts++;
	rt->scan_pools += kind == TOUCH_APP ? 1 : routing_backend_count(value);
	return rt->ntouches >= BATCH_MAX;
}

/* Fills the queue; after the last prefix the scan is at its end. */
void
routing_scan_some(struct routing *rt)
{
	while (rt->scan < ROUTING_SCAN_END && rt->ntouches < BATCH_MAX) {
		if (store_each_from(rt->store, scan_table[rt->scan].prefix,
			rt->scan_from, scan_one, rt) != 0)
			return;
		rt->scan++;
		rt->scan_from[0] = '\0';
	}
}

struct sweep {
	struct routing *rt;
	uint64_t *pools;
	size_t n, size;
};

static void
sweep_host(const char *host, void *arg)
{
	struct sweep *sweep = arg;
	struct routing *rt = sweep->rt;

	if (!routing_host_owned(rt->store, rt->conf, host))
		routing_touch(rt, TOUCH_HOST, host);
}

static void
sweep_pool(const paas_routedb_pool_t *pool, void *arg)
{
	struct sweep *sweep = arg;
	uint64_t *pools;

	if (routing_pool_owned(sweep->rt->store, pool))
		return;
	if (sweep->n == sweep->size) {
		sweep->size = sweep->size * 2 + 64;
		pools = reallocarray(sweep->pools, sweep->size, sizeof(*pools));
		if (pools == NULL)
			log_fatal("routing: out of memory");
		sweep->pools = pools;
	}
	sweep->pools[sweep->n++] = pool->id;
}

/*
 * What the database has too much, from before the last crash.  Hosts are
 * only touched: their own records decide.
 */
int
routing_scan_sweep(struct routing *rt)
{
	struct sweep sweep = {rt, NULL, 0, 0};
	size_t i;
	int rc;

	rc = routing_db_each(rt->db, sweep_host, sweep_pool, &sweep);
	if (rc == PAAS_ROUTEDB_OK && sweep.n > 0 &&
	    (rc = routing_db_begin(rt->db)) == PAAS_ROUTEDB_OK) {
		for (i = 0; i < sweep.n; i++)
			routing_db_del_pool(rt->db, sweep.pools[i]);
		rc = routing_db_commit(rt->db, routing_db_revision(rt->db));
	}
	if (rc == PAAS_ROUTEDB_OK && sweep.n + rt->ntouches > 0)
		log_info("routing: %zu hosts and %zu pools to look at again",
		    rt->ntouches, sweep.n);
	free(sweep.pools);
	return rc;
}
