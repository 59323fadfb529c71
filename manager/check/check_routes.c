/*
 * The route database against the store: who is ready is there, who is there
 * is ready, and each host of an app leads somewhere.
 */
#include <bsd/stdlib.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check_impl.h"
#include "common/log.h"
#include "common/places.h"
#include "paas_routedb.h"
#include "store/names.h"
#include "store/keys.h"

#define OUTSIDE (1ULL << 63) /* of addresses that are no app's */

struct routes {
	struct check *c;
	paas_routedb_reader_t *reader;
	uint64_t *ids;
	size_t n;
};

static int
id_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int
pool_found(const paas_routedb_pool_t *pool, void *arg)
{
	struct routes *routes = arg;
	const struct check_known *known;
	paas_routedb_instance_t inst;
	uint64_t *more;
	uint32_t i;

	for (i = 0; i < pool->ninstances; i++) {
		if (paas_routedb_get_instance(pool, i, &inst) !=
			PAAS_ROUTEDB_OK ||
		    (inst.id & OUTSIDE) != 0 || pool->app.len == 0)
			continue;
		more = reallocarray(
		    routes->ids, routes->n + 1, sizeof(*routes->ids));
		if (more == NULL)
			log_fatal("out of memory");
		routes->ids = more;
		more[routes->n++] = inst.id;
		known = check_known_find(routes->c, inst.id);
		if (known == NULL || !known->ready)
			check_off(routes->c,
			    "%.*s gets requests at instance %016" PRIx64
			    ", which is %s",
			    (int)pool->app.len, (const char *)pool->app.data,
			    inst.id, known == NULL ? "not there" : "not ready");
	}
	return 0;
}

static void
host_compare(struct routes *routes, const char *host, const char *app)
{
	char asked[512];
	paas_routedb_host_t found;
	size_t len = strlen(host);

	/* A wildcard is asked for by a name below it. */
	snprintf(asked, sizeof(asked), "%s%s",
	    host[0] == '.' ? "paas-check" : "", host);
	routes->c->nhosts++;
	if (paas_routedb_find_host(routes->reader, asked, strlen(asked),
		&found) != PAAS_ROUTEDB_OK ||
	    found.name.len != len || memcmp(found.name.data, host, len) != 0)
		check_off(routes->c,
		    "the host %s of %s is not in the route "
		    "database",
		    host, app);
}

static int
domain_found(const char *key, json_t *domain, uint64_t rev, void *arg)
{
	(void)rev;
	host_compare(
	    arg, key + sizeof("domain/") - 1, check_text(domain, "app"));
	return 0;
}

static int
app_found(const char *key, json_t *app, uint64_t rev, void *arg)
{
	struct routes *routes = arg;
	const char *name = names_in(key + sizeof("app/") - 1, app);
	char host[512];

	(void)rev;
	snprintf(host, sizeof(host), "%s.%s", name, routes->c->conf->domain);
	host_compare(routes, host, name);
	return 0;
}

static void
compare(struct routes *routes)
{
	struct check *c = routes->c;
	size_t i;

	(void)paas_routedb_each_pool(routes->reader, pool_found, routes);
	c->nrouted = routes->n;
	if (routes->n > 0)
		qsort(routes->ids, routes->n, sizeof(*routes->ids), id_cmp);
	for (i = 0; i < c->nknown; i++) {
		if (c->known[i].routed &&
		    (routes->n == 0 ||
			bsearch(&c->known[i].id, routes->ids, routes->n,
			    sizeof(*routes->ids), id_cmp) == NULL))
			check_off(c, "%s is ready and has no route",
			    c->known[i].name);
	}
	store_each(c->store, "domain/", domain_found, routes);
	store_each(c->store, "app/", app_found, routes);
}

void
check_routes(struct check *c)
{
	struct routes routes = {.c = c};
	char path[PATH_MAX];
	uint64_t txn;
	int rc;

	snprintf(path, sizeof(path), "%s/" PLACE_ROUTES, c->conf->state_dir);
	rc = paas_routedb_reader_open_locked(&routes.reader, path);
	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_begin(routes.reader, &txn);
	if (rc == PAAS_ROUTEDB_OK) {
		compare(&routes);
		rc = paas_routedb_end(routes.reader);
	}
	if (rc != PAAS_ROUTEDB_OK)
		check_off(c, "the route database %s: %s", path,
		    paas_routedb_strerror(rc));
	paas_routedb_reader_close(routes.reader);
	free(routes.ids);
}
