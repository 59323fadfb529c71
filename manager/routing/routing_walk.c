/*
 * The comparison of everything that the store has with everything that the
 * route database has, in slices: after a start, and whenever so much has
 * changed at once that no list of it could be kept.
 *
 * Both are in the order of the names of hosts, so it is a merge.  It changes
 * nothing by itself: what may differ is touched.  A record that was in the
 * database's own revision of the store already is not even read.
 */
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#include "common/log.h"
#include "routing/routing_impl.h"

/* Read from each source in one slice, some 0.2 ms of work. */
#define WALK_NAMES 512

/* Apps that are touched in one slice. */
#define WALK_APPS_MAX 64

struct walk_name {
	uint64_t rev; /* of its record in the store */
	char name[PAAS_ROUTEDB_HOST_MAX + 1];
};

/* The next names of one source, behind those that the walk has passed. */
struct walk_source {
	size_t n, at;
	struct walk_name names[WALK_NAMES];
};

enum walk_stage { WALK_APPS, WALK_SHARES, WALK_HOSTS, WALK_POOLS };

/* Sources of names: prefixes of the store, then the route database. */
static const char *const prefixes[] = {"domain/", "route/"};
#define WALK_PREFIXES (sizeof(prefixes) / sizeof(prefixes[0]))
#define WALK_DATABASE WALK_PREFIXES

struct routing_walk {
	enum walk_stage stage;
	uint64_t base; /* records up to this revision are in the database */
	uint64_t pool; /* the next one */
	char from[STORE_KEY_MAX + 2]; /* the last app, or host */
	struct walk_source sources[WALK_PREFIXES + 1];
};

struct routing_walk *
routing_walk_new(uint64_t base)
{
	struct routing_walk *walk;

	if ((walk = calloc(1, sizeof(*walk))) == NULL)
		log_fatal("routing: out of memory");
	walk->base = base;
	return walk;
}

void
routing_walk_free(struct routing_walk *walk)
{
	free(walk);
}

/* ---- apps -------------------------------------------------------------- */

struct apps {
	struct routing *rt;
	size_t n;
};

/* What an app's pool is made of is in many places: all of them are looked at */
static int
walk_app(const char *key, uint64_t rev, void *arg)
{
	struct apps *apps = arg;
	struct routing *rt = apps->rt;

	(void)rev;
	/* The next slice starts behind this one: no key holds a 0x01. */
	snprintf(rt->walk->from, sizeof(rt->walk->from), "%s\001", key);
	routing_touch(rt, TOUCH_APP, strchr(key, '/') + 1, TOUCH_LATER);
	return ++apps->n == WALK_APPS_MAX;
}

static int
walk_apps(struct routing *rt)
{
	struct apps apps = {rt, 0};

	if (store_each_key(
		rt->store, "app/", rt->walk->from, walk_app, &apps) != 0)
		return PAAS_ROUTEDB_OK;
	rt->walk->stage = WALK_SHARES;
	rt->walk->from[0] = '\0';
	return PAAS_ROUTEDB_OK;
}

/* ---- what hangs on apps ------------------------------------------------ */

struct shares {
	struct routing *rt;
	size_t n;
	char app[KEY_NAME_MAX + 1];
	int gone; /* or another one, perhaps */
};

/*
 * target/APP/HOST: the record of a host that leads to an app does not change
 * when the app goes.
 */
static int
walk_share(const char *key, uint64_t rev, void *arg)
{
	struct shares *shares = arg;
	struct routing *rt = shares->rt;
	char app[KEY_NAME_MAX + 1], name[STORE_KEY_MAX + 1];
	json_t *record;
	uint64_t app_rev;

	(void)rev;
	snprintf(rt->walk->from, sizeof(rt->walk->from), "%s\001", key);
	if (key_part(key, 1, app, sizeof(app)) == 0 &&
	    strcmp(app, shares->app) != 0) {
		strlcpy(shares->app, app, sizeof(shares->app));
		record = store_get(
		    rt->store, key_format(name, "app/%s", app), &app_rev);
		shares->gone = record == NULL || app_rev > rt->walk->base;
		json_decref(record);
	}
	if (shares->gone)
		routing_touch(
		    rt, TOUCH_HOST, strrchr(key, '/') + 1, TOUCH_LATER);
	return ++shares->n == WALK_NAMES;
}

/* redirect/APP */
static int
walk_redirect(const char *key, uint64_t rev, void *arg)
{
	struct routing *rt = arg;

	if (rev > rt->walk->base)
		routing_touch_domains(rt, strchr(key, '/') + 1, TOUCH_LATER);
	return 0;
}

static int
walk_shares(struct routing *rt)
{
	struct shares shares = {.rt = rt};

	if (store_each_key(
		rt->store, "target/", rt->walk->from, walk_share, &shares) != 0)
		return PAAS_ROUTEDB_OK;
	if (rt->walk->base != 0)
		store_each_key(rt->store, "redirect/", "", walk_redirect, rt);
	rt->walk->stage = WALK_HOSTS;
	rt->walk->from[0] = '\0';
	return PAAS_ROUTEDB_OK;
}

/* ---- hosts ------------------------------------------------------------- */

/* Non-zero once the slice is full. */
static int
add_name(struct walk_source *source, const char *name, size_t len, uint64_t rev)
{
	struct walk_name *item = &source->names[source->n];

	if (len >= sizeof(item->name))
		return 0;
	memcpy(item->name, name, len);
	item->name[len] = '\0';
	item->rev = rev;
	return ++source->n == WALK_NAMES;
}

static int
add_key(const char *key, uint64_t rev, void *arg)
{
	const char *name = strchr(key, '/') + 1;

	return add_name(arg, name, strlen(name), rev);
}

static int
add_host(paas_routedb_str_t name, void *arg)
{
	return add_name(arg, (const char *)name.data, name.len, 0);
}

static int
read_sources(struct routing *rt)
{
	struct routing_walk *walk = rt->walk;
	struct walk_source *source;
	char from[STORE_KEY_MAX + 1];
	int rc;

	for (size_t i = 0; i < WALK_PREFIXES; i++) {
		source = &walk->sources[i];
		source->n = source->at = 0;
		key_format(from, "%s%s%s", prefixes[i], walk->from,
		    walk->from[0] != '\0' ? "\001" : "");
		store_each_key(rt->store, prefixes[i], from, add_key, source);
	}
	source = &walk->sources[WALK_DATABASE];
	source->n = source->at = 0;
	/* One that is made anew has what was put there meanwhile. */
	if (routing_db_building(rt->db))
		return PAAS_ROUTEDB_OK;
	rc = routing_db_each_host(rt->db, walk->from, add_host, source);
	return rc > 0 ? PAAS_ROUTEDB_OK : rc;
}

/* The lowest name that is next in any source; NULL at the end of one. */
static const char *
next_name(const struct routing_walk *walk)
{
	const struct walk_source *source;
	const char *name, *next = NULL;
	size_t i;

	for (i = 0; i <= WALK_DATABASE; i++) {
		source = &walk->sources[i];
		if (source->at == source->n) {
			/* What comes behind it is known after another read. */
			if (source->n == WALK_NAMES)
				return NULL;
			continue;
		}
		name = source->names[source->at].name;
		if (next == NULL || strcmp(name, next) < 0)
			next = name;
	}
	return next;
}

/* In the database, and of no record of its own: APP.domain, or too much. */
static void
pass_stranger(struct routing *rt, const char *name)
{
	char app[KEY_NAME_MAX + 1];

	if (routing_host_app(rt->conf, name, app) == -1)
		routing_touch(rt, TOUCH_HOST, name, TOUCH_LATER);
	else if (routing_app_pool(rt->store, app, NULL) == 0)
		routing_touch(rt, TOUCH_APP, app, TOUCH_LATER);
}

/* Passes one name, and touches it if the database may differ. */
static void
pass_name(struct routing *rt, const char *name)
{
	struct routing_walk *walk = rt->walk;
	struct walk_source *source;
	int known = 0, wanted = 0, changed = 0;
	size_t i;

	strlcpy(walk->from, name, sizeof(walk->from));
	for (i = 0; i <= WALK_DATABASE; i++) {
		source = &walk->sources[i];
		if (source->at == source->n ||
		    strcmp(source->names[source->at].name, walk->from) != 0)
			continue;
		if (i == WALK_DATABASE)
			known = 1;
		else
			wanted = 1;
		if (source->names[source->at].rev > walk->base)
			changed = 1;
		source->at++;
	}
	if (!wanted)
		pass_stranger(rt, walk->from);
	else if (changed || !known)
		routing_touch(rt, TOUCH_HOST, walk->from, TOUCH_LATER);
}

static int
walk_hosts(struct routing *rt)
{
	struct routing_walk *walk = rt->walk;
	const char *name;
	int rc, passed = 0;

	if ((rc = read_sources(rt)) != PAAS_ROUTEDB_OK)
		return rc;
	for (; (name = next_name(walk)) != NULL; passed = 1)
		pass_name(rt, name);
	if (passed)
		return PAAS_ROUTEDB_OK;
	walk->stage = WALK_POOLS;
	return PAAS_ROUTEDB_OK;
}

/* ---- pools ------------------------------------------------------------- */

struct pools {
	size_t n;
	uint64_t ids[WALK_NAMES];
};

static int
add_pool(uint64_t id, void *arg)
{
	struct pools *pools = arg;

	pools->ids[pools->n++] = id;
	return pools->n == WALK_NAMES;
}

/*
 * Hosts take their pools with them, so there are none too many but in a
 * database that somebody else has written to.
 */
static int
walk_pools(struct routing *rt)
{
	struct pools pools = {0};
	char name[17];
	size_t i;
	int rc;

	if (routing_db_building(rt->db) || rt->walk->base != 0) {
		routing_walk_over(rt);
		return PAAS_ROUTEDB_OK;
	}
	rc = routing_db_each_id(rt->db, rt->walk->pool, add_pool, &pools);
	if (rc < 0)
		return rc;
	for (i = 0; i < pools.n; i++) {
		key_format_id(name, pools.ids[i]);
		routing_touch(rt, TOUCH_POOL, name, TOUCH_LATER);
	}
	if (pools.n == WALK_NAMES)
		rt->walk->pool = pools.ids[pools.n - 1] + 1;
	else
		routing_walk_over(rt);
	return PAAS_ROUTEDB_OK;
}

int
routing_walk_some(struct routing *rt)
{
	static int (*const stages[])(struct routing *) = {
	    [WALK_APPS] = walk_apps,
	    [WALK_SHARES] = walk_shares,
	    [WALK_HOSTS] = walk_hosts,
	    [WALK_POOLS] = walk_pools,
	};

	return stages[rt->walk->stage](rt);
}
