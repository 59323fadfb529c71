/*
 * Where a host leads to: the paths of route/HOST; and for all that they leave,
 * the app that has the host, as APP.domain or by domain/HOST.  Where none of
 * these has it, imported routes may.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#include "common/log.h"
#include "routing/routing.h"
#include "routing/routing_impl.h"
#include "routing/setting.h"

int
routing_host_name(
    const struct conf *conf, const char *host, char name[KEY_NAME_MAX + 1])
{
	size_t len = strcspn(host, ".");

	if (host[len] != '.' || strcmp(host + len + 1, conf->domain) != 0 ||
	    len == 0 || len > KEY_NAME_MAX)
		return -1;
	memcpy(name, host, len);
	name[len] = '\0';
	return key_app_valid(name) ? 0 : -1;
}

int
routing_host_format(const struct conf *conf, const char *name,
    char host[PAAS_ROUTEDB_HOST_MAX + 1])
{
	int len;

	len = snprintf(
	    host, PAAS_ROUTEDB_HOST_MAX + 1, "%s.%s", name, conf->domain);
	return len > 0 && len <= PAAS_ROUTEDB_HOST_MAX ? 0 : -1;
}

/* ---- paths ------------------------------------------------------------- */

/* What a host leads to, and what its strings belong to. */
struct lead {
	const char *host;
	json_t *route;    /* or NULL */
	json_t *redirect; /* of the app, or NULL */
	uint32_t npaths;
	paas_routedb_path_t *paths;
};

static paas_routedb_path_t *
paths_new(size_t n)
{
	paas_routedb_path_t *paths = calloc(n, sizeof(*paths));

	if (paths == NULL)
		log_fatal("routing: out of memory");
	return paths;
}

/* The whole host is the app's, but for what other paths say. */
static void
lead_to_app(struct lead *lead, struct store *st, const struct conf *conf)
{
	char app[KEY_NAME_MAX + 1], key[STORE_KEY_MAX + 1];
	paas_routedb_path_t *path = &lead->paths[lead->npaths];
	uint32_t i;

	for (i = 0; i < lead->npaths; i++)
		if (lead->paths[i].prefix.len == 1)
			return;
	if (lead->npaths == PAAS_ROUTEDB_PATHS_MAX ||
	    routing_owner_exact(st, conf, lead->host, app) == -1)
		return;
	path->prefix.data = (const uint8_t *)"/";
	path->prefix.len = 1;
	path->ntargets = 1;
	path->targets[0].pool = routing_pool_id(app, "web", 3);
	path->targets[0].weight = 100;
	lead->redirect =
	    store_get(st, key_format(key, "redirect/%s", app), NULL);
	setting_apply_path(lead->redirect, path);
	if (path->redirect_host.len == strlen(lead->host) &&
	    memcmp(path->redirect_host.data, lead->host,
		path->redirect_host.len) == 0) {
		path->flags &= (uint16_t)~PAAS_ROUTEDB_TO_HOST;
		path->redirect_host.len = 0;
	}
	lead->npaths++;
}

/* A host that nothing else has. */
static int
lead_to_import(struct lead *lead, struct routing_import *import)
{
	const char *host;
	size_t at, next, len;

	if (!routing_import_known(import))
		return -1;
	at = routing_import_seek(import, lead->host);
	host = routing_import_host(import, at, &len, &next);
	if (host != NULL && len == strlen(lead->host) &&
	    memcmp(host, lead->host, len) == 0) {
		free(lead->paths);
		lead->paths = paths_new(PAAS_ROUTEDB_PATHS_MAX);
		lead->npaths = routing_import_paths(import, at, lead->paths);
	}
	return 0;
}

/* -1 if that can't be told. */
static int
lead_find(struct lead *lead, struct routing *rt)
{
	char key[STORE_KEY_MAX + 1];

	key_format(key, "route/%s", lead->host);
	lead->route = store_get(rt->store, key, NULL);
	lead->paths = paths_new(routing_backend_count(lead->route) + 1);
	if (lead->route != NULL &&
	    routing_backend_apply(rt->store, rt->db, key, lead->host,
		lead->route, lead->paths, &lead->npaths) == -1) {
		log_warn("routing: %s makes no sense; the host stays as it "
			 "was",
		    key);
		return -1;
	}
	lead_to_app(lead, rt->store, rt->conf);
	return lead->npaths > 0 ? 0 : lead_to_import(lead, rt->import);
}

void
routing_host_put(struct routing *rt, const char *host,
    const paas_routedb_path_t *paths, uint32_t npaths)
{
	uint64_t old[PAAS_ROUTEDB_PATHS_MAX];
	size_t n;

	n = routing_db_route_pools(rt->db, host, old, PAAS_ROUTEDB_PATHS_MAX);
	if (npaths > 0)
		routing_db_put_host(rt->db, host, paths, npaths);
	else
		routing_db_del_host(rt->db, host);
	routing_db_del_left(rt->db, old, n, paths, npaths);
}

void
routing_host_apply(struct routing *rt, const char *host)
{
	struct lead lead = {.host = host};

	if (lead_find(&lead, rt) == 0)
		routing_host_put(rt, host, lead.paths, lead.npaths);
	free(lead.paths);
	json_decref(lead.route);
	json_decref(lead.redirect);
}

/* ---- pools ------------------------------------------------------------- */

/*
 * A route's pools name its host as their home, an app's name the app.  Pools
 * are looked at after the hosts: what a host leads to was compared already.
 */
static int
pool_owned(struct routing *rt, const paas_routedb_pool_t *pool)
{
	char key[STORE_KEY_MAX + 1], name[PAAS_ROUTEDB_HOST_MAX + 1];
	paas_routedb_str_t owner = pool->app.len ? pool->app : pool->home;
	json_t *route;
	int owned;

	if (routing_import_owns(rt->import, pool->id) ||
	    (owner.len == 0 && routing_pattern_owns(rt, pool->id)))
		return 1;
	if (owner.len == 0 || owner.len >= sizeof(name))
		return 0;
	memcpy(name, owner.data, owner.len);
	name[owner.len] = '\0';
	if (pool->app.len > 0)
		return routing_app_pool(rt->store, name, NULL) == pool->id;
	if (routing_db_host_has(rt->db, name, pool->id))
		return 1;
	route = store_get(rt->store, key_format(key, "route/%s", name), NULL);
	owned = route != NULL && routing_backend_owns(key, route, pool->id);
	json_decref(route);
	return owned;
}

struct owner {
	struct routing *rt;
	int owned;
};

static void
find_owner(const paas_routedb_pool_t *pool, void *arg)
{
	struct owner *owner = arg;

	owner->owned = pool_owned(owner->rt, pool);
}

void
routing_pool_apply(struct routing *rt, uint64_t id)
{
	struct owner owner = {rt, 1};

	routing_db_show_pool(rt->db, id, find_owner, &owner);
	if (!owner.owned)
		routing_db_del_pool(rt->db, id);
}
