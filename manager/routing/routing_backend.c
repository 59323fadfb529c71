/*
 * A record of paths, as route/HOST has them -> where each of them leads to:
 * to addresses that no app of ours has, which are a pool of the path's own, to
 * apps, or to shares of both.
 */
#include <arpa/inet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#include "common/log.h"
#include "routing/routing_impl.h"
#include "routing/setting.h"

static const char *
get_string(const json_t *value, const char *name)
{
	const char *text = json_string_value(json_object_get(value, name));

	return text != NULL ? text : "";
}

uint64_t
routing_backend_pool(const char *owner, const char *prefix, size_t prefixlen)
{
	return routing_pool_id(owner, prefix, prefixlen);
}

static const char *
path_prefix(const json_t *path)
{
	const char *prefix = get_string(path, "prefix");

	return *prefix != '\0' ? prefix : "/";
}

/* The pool of a path's own addresses, 0 if it has none. */
static uint64_t
path_pool(const char *owner, const json_t *path)
{
	const char *prefix = path_prefix(path);

	if (json_object_get(path, "pool") == NULL)
		return 0;
	return routing_backend_pool(owner, prefix, strlen(prefix));
}

static int
parse_address(const char *text, uint8_t addr[16])
{
	if (inet_pton(AF_INET6, text, addr) == 1)
		return 0;
	memset(addr, 0, 10);
	addr[10] = addr[11] = 0xff;
	return inet_pton(AF_INET, text, addr + 12) == 1 ? 0 : -1;
}

static int
parse_instance(const json_t *value, paas_routedb_instance_t *inst)
{
	json_int_t port, weight = 100;
	json_t *given;

	memset(inst, 0, sizeof(*inst));
	port = json_integer_value(json_object_get(value, "port"));
	if ((given = json_object_get(value, "weight")) != NULL)
		weight = json_integer_value(given);
	if (port < 1 || port > 65535 || weight < 1 || weight > 1000 ||
	    key_parse_id(get_string(value, "id"), &inst->id) == -1 ||
	    inst->id == 0)
		return -1;
	inst->port = (uint16_t)port;
	inst->weight = (uint16_t)weight;
	return parse_address(get_string(value, "address"), inst->addr);
}

int
routing_backend_put_pool(
    struct routing_db *db, const char *home, uint64_t id, const json_t *value)
{
	const json_t *list = json_object_get(value, "instances");
	paas_routedb_instance_t *instances;
	paas_routedb_pool_t pool;
	size_t i, n = json_array_size(list);

	if (n > PAAS_ROUTEDB_INSTS_MAX)
		return -1;
	memset(&pool, 0, sizeof(pool));
	pool.id = id;
	pool.home.data = (const uint8_t *)home;
	pool.home.len = strlen(home);
	pool.ninstances = (uint32_t)n;
	setting_apply(value, &pool);
	if ((instances = calloc(n + 1, sizeof(*instances))) == NULL)
		log_fatal("routing: out of memory");
	for (i = 0; i < n; i++) {
		if (parse_instance(json_array_get(list, i), &instances[i]) ==
		    -1) {
			free(instances);
			return -1;
		}
	}
	routing_db_put_pool(db, &pool, instances);
	free(instances);
	return 0;
}

/* ---- paths ------------------------------------------------------------- */

static int
add_target(paas_routedb_path_t *path, uint64_t pool, const json_t *weight)
{
	json_int_t share = weight != NULL ? json_integer_value(weight) : 100;
	paas_routedb_target_t *target;

	if (share < 1 || share > 10000 ||
	    path->ntargets == PAAS_ROUTEDB_POOLS_MAX)
		return -1;
	target = &path->targets[path->ntargets++];
	target->pool = pool;
	target->weight = (uint32_t)share;
	return 0;
}

/*
 * The shares of apps.  One that is gone has none any more, also not if there
 * is a new one of its name: that is somebody else's.
 */
static int
add_apps(struct store *st, const json_t *list, paas_routedb_path_t *path)
{
	const json_t *share;
	uint64_t pool;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		share = json_array_get(list, i);
		pool = routing_app_pool(
		    st, get_string(share, "app"), get_string(share, "number"));
		if (pool != 0 && add_target(path, pool,
				     json_object_get(share, "weight")) == -1)
			return -1;
	}
	return 0;
}

static int
apply_path(struct store *st, struct routing_db *db, const char *owner,
    const char *home, const json_t *value, paas_routedb_path_t *path)
{
	const json_t *pool = json_object_get(value, "pool");
	uint64_t id = path_pool(owner, value);

	path->prefix.data = (const uint8_t *)path_prefix(value);
	path->prefix.len = strlen(path_prefix(value));
	setting_apply_path(value, path);
	if (id != 0 &&
	    (routing_backend_put_pool(db, home, id, pool) == -1 ||
		add_target(path, id, json_object_get(pool, "weight")) == -1))
		return -1;
	return add_apps(st, json_object_get(value, "apps"), path);
}

/* A path whose apps are all gone is none. */
int
routing_backend_apply(struct store *st, struct routing_db *db,
    const char *owner, const char *home, const json_t *value,
    paas_routedb_path_t *paths, uint32_t *npaths)
{
	const json_t *list = json_object_get(value, "paths");
	size_t i, n = json_array_size(list);

	*npaths = 0;
	if (n == 0 || n > PAAS_ROUTEDB_PATHS_MAX)
		return -1;
	memset(paths, 0, n * sizeof(*paths));
	for (i = 0; i < n; i++) {
		if (apply_path(st, db, owner, home, json_array_get(list, i),
			&paths[*npaths]) == -1)
			return -1;
		if (paths[*npaths].ntargets > 0)
			++*npaths;
		else
			memset(&paths[*npaths], 0, sizeof(*paths));
	}
	return 0;
}

size_t
routing_backend_count(const json_t *value)
{
	return json_array_size(json_object_get(value, "paths"));
}

int
routing_backend_owns(const char *owner, const json_t *value, uint64_t pool)
{
	const json_t *list = json_object_get(value, "paths");
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (path_pool(owner, json_array_get(list, i)) == pool)
			return 1;
	return 0;
}
