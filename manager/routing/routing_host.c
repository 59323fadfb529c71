/*
 * Whose a host is, in this order: APP.domain, domain/HOST, route/HOST.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#include "common/log.h"
#include "routing/routing_impl.h"

int
routing_host_app(
    const struct conf *conf, const char *host, char app[KEY_NAME_MAX + 1])
{
	size_t len = strcspn(host, ".");

	if (host[len] != '.' || strcmp(host + len + 1, conf->domain) != 0 ||
	    len == 0 || len > KEY_NAME_MAX)
		return -1;
	memcpy(app, host, len);
	app[len] = '\0';
	return key_app_valid(app) ? 0 : -1;
}

int
routing_host_format(const struct conf *conf, const char *app,
    char host[PAAS_ROUTEDB_HOST_MAX + 1])
{
	int len;

	len = snprintf(
	    host, PAAS_ROUTEDB_HOST_MAX + 1, "%s.%s", app, conf->domain);
	return len > 0 && len <= PAAS_ROUTEDB_HOST_MAX ? 0 : -1;
}

/* The pool of the app that has this host, 0 if none has. */
static uint64_t
app_pool(struct store *st, const struct conf *conf, const char *host)
{
	char key[STORE_KEY_MAX + 1], app[KEY_NAME_MAX + 1];
	const char *name;
	json_t *domain;
	uint64_t pool = 0;

	if (routing_host_app(conf, host, app) == 0 &&
	    (pool = routing_app_pool(st, app)) != 0)
		return pool;
	domain = store_get(st, key_format(key, "domain/%s", host), NULL);
	name = json_string_value(json_object_get(domain, "app"));
	if (name != NULL)
		pool = routing_app_pool(st, name);
	json_decref(domain);
	return pool;
}

/* Pools of a route that its host does not name any more. */
static void
drop_pools(struct routing_db *db, const uint64_t *old, size_t nold,
    const paas_routedb_path_t *paths, uint32_t npaths)
{
	uint32_t k;
	size_t i;

	for (i = 0; i < nold; i++) {
		for (k = 0; k < npaths; k++)
			if (paths[k].targets[0].pool == old[i])
				break;
		if (k == npaths)
			routing_db_del_pool(db, old[i]);
	}
}

/* What the host leads to; -1 if that can't be told. */
static int
find_paths(struct store *st, const struct conf *conf, struct routing_db *db,
    const char *host, const json_t *route, paas_routedb_path_t *paths,
    uint32_t *npaths)
{
	*npaths = 0;
	if ((paths[0].targets[0].pool = app_pool(st, conf, host)) != 0) {
		paths[0].prefix.data = (const uint8_t *)"/";
		paths[0].prefix.len = 1;
		paths[0].ntargets = 1;
		paths[0].targets[0].weight = 100;
		*npaths = 1;
		return 0;
	}
	if (route == NULL)
		return 0;
	return routing_backend_apply(db, host, route, paths, npaths);
}

void
routing_host_apply(struct store *st, const struct conf *conf,
    struct routing_db *db, const char *host)
{
	char key[STORE_KEY_MAX + 1];
	uint64_t old[PAAS_ROUTEDB_PATHS_MAX];
	paas_routedb_path_t *paths;
	json_t *route;
	uint32_t npaths;
	size_t nold;

	route = store_get(st, key_format(key, "route/%s", host), NULL);
	paths = calloc(routing_backend_count(route) + 1, sizeof(*paths));
	if (paths == NULL)
		log_fatal("routing: out of memory");
	nold = routing_db_route_pools(db, host, old, PAAS_ROUTEDB_PATHS_MAX);
	if (find_paths(st, conf, db, host, route, paths, &npaths) == -1) {
		log_warn("routing: %s makes no sense; the host stays as it "
			 "was",
		    key);
	} else {
		if (npaths > 0)
			routing_db_put_host(db, host, paths, npaths);
		else
			routing_db_del_host(db, host);
		drop_pools(db, old, nold, paths, npaths);
	}
	free(paths);
	json_decref(route);
}

/* A route's pools name its host as their home, an app's name the app. */
static int
pool_owned(struct store *st, const paas_routedb_pool_t *pool)
{
	char key[STORE_KEY_MAX + 1], name[PAAS_ROUTEDB_HOST_MAX + 1];
	paas_routedb_str_t owner = pool->app.len ? pool->app : pool->home;
	json_t *route;
	int owned;

	if (owner.len == 0 || owner.len >= sizeof(name))
		return 0;
	memcpy(name, owner.data, owner.len);
	name[owner.len] = '\0';
	if (pool->app.len > 0)
		return routing_app_pool(st, name) == pool->id;
	route = store_get(st, key_format(key, "route/%s", name), NULL);
	owned = route != NULL && routing_backend_owns(name, route, pool->id);
	json_decref(route);
	return owned;
}

struct owner {
	struct store *store;
	int owned;
};

static void
find_owner(const paas_routedb_pool_t *pool, void *arg)
{
	struct owner *owner = arg;

	owner->owned = pool_owned(owner->store, pool);
}

void
routing_pool_apply(struct store *st, struct routing_db *db, uint64_t id)
{
	struct owner owner = {st, 1};

	routing_db_show_pool(db, id, find_owner, &owner);
	if (!owner.owned)
		routing_db_del_pool(db, id);
}
