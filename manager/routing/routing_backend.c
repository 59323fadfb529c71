/*
 * route/HOST: addresses that no app of ours owns -> a pool for each path.
 */
#include <arpa/inet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#include "common/log.h"
#include "routing/routing_impl.h"

static const struct {
	const char *name;
	uint8_t balance;
} balances[] = {
    {"two_choices", PAAS_ROUTEDB_TWO_CHOICES},
    {"round_robin", PAAS_ROUTEDB_ROUND_ROBIN},
    {"least_conn", PAAS_ROUTEDB_LEAST_CONN},
    {"ewma", PAAS_ROUTEDB_EWMA},
    {"hash", PAAS_ROUTEDB_HASH},
};

static const char *
get_string(const json_t *value, const char *name)
{
	const char *text = json_string_value(json_object_get(value, name));

	return text != NULL ? text : "";
}

uint64_t
routing_backend_pool(const char *host, const char *prefix, size_t prefixlen)
{
	char owner[sizeof("route/") + PAAS_ROUTEDB_HOST_MAX];

	snprintf(owner, sizeof(owner), "route/%s", host);
	return routing_pool_id(owner, prefix, prefixlen);
}

static const char *
path_prefix(const json_t *path)
{
	const char *prefix = get_string(path, "prefix");

	return *prefix != '\0' ? prefix : "/";
}

static uint64_t
path_pool(const char *host, const json_t *path)
{
	const char *prefix = path_prefix(path);

	return routing_backend_pool(host, prefix, strlen(prefix));
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

static int
apply_pool(struct routing_db *db, const char *host, const json_t *path)
{
	const json_t *value = json_object_get(path, "pool");
	const json_t *list = json_object_get(value, "instances");
	const char *balance = get_string(value, "balance");
	paas_routedb_instance_t *instances;
	paas_routedb_pool_t pool;
	size_t i, n = json_array_size(list);

	if (n > PAAS_ROUTEDB_INSTS_MAX)
		return -1;
	memset(&pool, 0, sizeof(pool));
	pool.id = path_pool(host, path);
	pool.home.data = (const uint8_t *)host;
	pool.home.len = strlen(host);
	pool.ninstances = (uint32_t)n;
	for (i = 0; i < sizeof(balances) / sizeof(balances[0]); i++)
		if (strcmp(balance, balances[i].name) == 0)
			pool.balance = balances[i].balance;
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

int
routing_backend_apply(struct routing_db *db, const char *host,
    const json_t *value, paas_routedb_path_t *paths, uint32_t *npaths)
{
	const json_t *list = json_object_get(value, "paths"), *path;
	size_t i, n = json_array_size(list);

	if (n == 0 || n > PAAS_ROUTEDB_PATHS_MAX)
		return -1;
	memset(paths, 0, n * sizeof(*paths));
	for (i = 0; i < n; i++) {
		path = json_array_get(list, i);
		if (apply_pool(db, host, path) == -1)
			return -1;
		paths[i].prefix.data = (const uint8_t *)path_prefix(path);
		paths[i].prefix.len = strlen(path_prefix(path));
		if (json_is_true(json_object_get(path, "strip")))
			paths[i].flags |= PAAS_ROUTEDB_STRIP;
		paths[i].ntargets = 1;
		paths[i].targets[0].pool = path_pool(host, path);
		paths[i].targets[0].weight = 100;
	}
	*npaths = (uint32_t)n;
	return 0;
}

size_t
routing_backend_count(const json_t *value)
{
	return json_array_size(json_object_get(value, "paths"));
}

int
routing_backend_owns(const char *host, const json_t *value, uint64_t pool)
{
	const json_t *list = json_object_get(value, "paths");
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (path_pool(host, json_array_get(list, i)) == pool)
			return 1;
	return 0;
}
