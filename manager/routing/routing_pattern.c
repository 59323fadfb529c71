/*
 * pattern/ORDER -> a pattern of hosts and where it leads to.  There are few of
 * them, and all are looked at whenever something is not certain.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "routing/routing_impl.h"

/* "0000000010" to its number: 0, or -1. */
static int
parse_order(const char *name, uint32_t *order)
{
	char *end;
	unsigned long long value = strtoull(name, &end, 10);

	if (*name < '0' || *name > '9' || *end != '\0' || value > UINT32_MAX)
		return -1;
	*order = (uint32_t)value;
	return 0;
}

static void
put(struct routing *rt, uint32_t order, const char *key, const json_t *record,
    const paas_routedb_path_t *paths, uint32_t npaths)
{
	const char *text =
	    json_string_value(json_object_get(record, "pattern"));
	uint64_t old[PAAS_ROUTEDB_PATHS_MAX];
	size_t n;

	n = routing_db_pattern_pools(
	    rt->db, order, key, old, PAAS_ROUTEDB_PATHS_MAX);
	if (npaths > 0 && text != NULL)
		routing_db_put_pattern(rt->db, order, text, paths, npaths);
	else
		routing_db_del_pattern(rt->db, order);
	routing_db_del_left(rt->db, old, n, paths, npaths);
}

void
routing_pattern_apply(struct routing *rt, const char *name)
{
	char key[STORE_KEY_MAX + 1];
	paas_routedb_path_t *paths;
	uint32_t order, npaths = 0;
	json_t *record;

	if (parse_order(name, &order) == -1)
		return;
	key_format(key, "pattern/%010u", order);
	record = store_get(rt->store, key, NULL);
	paths = calloc(routing_backend_count(record) + 1, sizeof(*paths));
	if (paths == NULL)
		log_fatal("routing: out of memory");
	if (record != NULL && routing_backend_apply(rt->store, rt->db, key, "",
				  record, paths, &npaths) == -1)
		log_warn("routing: %s makes no sense; it stays as it was", key);
	else
		put(rt, order, key, record, paths, npaths);
	free(paths);
	json_decref(record);
}

static int
find_owner(const char *key, json_t *record, uint64_t rev, void *arg)
{
	(void)rev;
	return routing_backend_owns(key, record, *(const uint64_t *)arg);
}

int
routing_pattern_owns(struct routing *rt, uint64_t pool)
{
	return store_each(rt->store, "pattern/", find_owner, &pool);
}

/* Those of both sides: what is found is written to what is searched. */
struct orders {
	size_t n;
	uint32_t list[2 * PAAS_ROUTEDB_PATTERNS_MAX];
};

static int
add_order(uint32_t order, void *arg)
{
	struct orders *orders = arg;

	if (orders->n == sizeof(orders->list) / sizeof(orders->list[0]))
		return 1;
	orders->list[orders->n++] = order;
	return 0;
}

static int
add_record(const char *key, uint64_t rev, void *arg)
{
	uint32_t order;

	(void)rev;
	return parse_order(strchr(key, '/') + 1, &order) == 0
		   ? add_order(order, arg)
		   : 0;
}

int
routing_pattern_each(struct routing *rt, routing_found_cb cb)
{
	struct orders orders = {0};
	char name[16];
	size_t i;
	int rc;

	rc = routing_db_each_pattern(rt->db, add_order, &orders);
	if (rc < 0)
		return rc;
	store_each_key(rt->store, "pattern/", "", add_record, &orders);
	for (i = 0; i < orders.n; i++) {
		snprintf(name, sizeof(name), "%010u", orders.list[i]);
		cb(rt, TOUCH_PATTERN, name);
	}
	return PAAS_ROUTEDB_OK;
}
