/*
 * Where a host leads to: the paths of route/HOST; and for all that they leave,
 * the app that has the host, as APP.domain or by domain/HOST.
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

/* ---- paths ------------------------------------------------------------- */

/* What a host leads to, and what its strings belong to. */
struct lead {
	const char *host;
	json_t *route;    /* or NULL */
	json_t *redirect; /* of the app, or NULL */
	uint32_t npaths;
	paas_routedb_path_t *paths;
};

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

/* -1 if that can't be told. */
static int
lead_find(struct lead *lead, struct store *st, const struct conf *conf,
    struct routing_db *db)
{
	char key[STORE_KEY_MAX + 1];
	size_t n;

	key_format(key, "route/%s", lead->host);
	lead->route = store_get(st, key, NULL);
	n = routing_backend_count(lead->route) + 1;
	if ((lead->paths = calloc(n, sizeof(*lead->paths))) == NULL)
		log_fatal("routing: out of memory");
	if (lead->route != NULL &&
	    routing_backend_apply(st, db, key, lead->host, lead->route,
		lead->paths, &lead->npaths) == -1) {
		log_warn("routing: %s makes no sense; the host stays as it "
			 "was",
		    key);
		return -1;
	}
	lead_to_app(lead, st, conf);
	return 0;
}

static int
leads_to(const struct lead *lead, uint64_t pool)
{
	uint32_t i, k;

	for (i = 0; i < lead->npaths; i++)
		for (k = 0; k < lead->paths[i].ntargets; k++)
			if (lead->paths[i].targets[k].pool == pool)
				return 1;
	return 0;
}

void
routing_host_apply(struct store *st, const struct conf *conf,
    struct routing_db *db, const char *host)
{
	struct lead lead = {.host = host};
	uint64_t old[PAAS_ROUTEDB_PATHS_MAX];
	size_t i, nold;

	nold = routing_db_route_pools(db, host, old, PAAS_ROUTEDB_PATHS_MAX);
	if (lead_find(&lead, st, conf, db) == 0) {
		if (lead.npaths > 0)
			routing_db_put_host(db, host, lead.paths, lead.npaths);
		else
			routing_db_del_host(db, host);
		for (i = 0; i < nold; i++)
			if (!leads_to(&lead, old[i]))
				routing_db_del_pool(db, old[i]);
	}
	free(lead.paths);
	json_decref(lead.route);
	json_decref(lead.redirect);
}

/* ---- pools ------------------------------------------------------------- */

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
		return routing_app_pool(st, name, NULL) == pool->id;
	route = store_get(st, key_format(key, "route/%s", name), NULL);
	owned = route != NULL && routing_backend_owns(key, route, pool->id);
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
