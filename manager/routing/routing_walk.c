/*
 * The comparison of everything that the store has with everything that the
 * route database has, in slices: after a start, and whenever so much has
 * changed at once that no list of it could be kept.
 *
 * Both are in the order of the names of hosts, so it is a merge.  A record
 * that was in the database's own revision of the store already is not even
 * read.  What may differ is written, or touched as long as nothing may be
 * written yet.
 */
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#include "common/log.h"
#include "routing/routing_impl.h"
#include "store/names.h"

/* Read from each source in one go. */
#define WALK_NAMES 256

/* Looks at the clock are this many names apart. */
#define WALK_LOOK 16

struct walk_name {
	uint64_t rev; /* of its record in the store */
	size_t at;    /* of imported ones */
	char name[PAAS_ROUTEDB_HOST_MAX + 1];
};

/* The next names of one source, behind those that the walk has passed. */
struct walk_source {
	size_t n, at;
	int ended; /* there are none behind these */
	struct walk_name names[WALK_NAMES];
};

enum walk_stage {
	WALK_APPS,
	WALK_FEW,
	WALK_SHARES,
	WALK_IMPORT,
	WALK_HOSTS,
	WALK_POOLS,
	WALK_OLD_POOLS
};

/* Sources of names: prefixes of the store, imported ones, the database. */
static const char *const prefixes[] = {"domain/", "route/"};
#define WALK_PREFIXES (sizeof(prefixes) / sizeof(prefixes[0]))
#define WALK_IMPORTED WALK_PREFIXES
#define WALK_DATABASE (WALK_PREFIXES + 1)
#define WALK_SOURCES  (WALK_PREFIXES + 2)

struct routing_walk {
	enum walk_stage stage;
	int writing;   /* in this slice */
	uint64_t end;  /* of this slice */
	uint64_t base; /* records up to this revision are in the database */
	uint64_t pool; /* the next one */
	size_t import; /* the next pool that was imported */
	char from[STORE_KEY_MAX + 2]; /* the last app, or host */
	struct walk_source sources[WALK_SOURCES];
	paas_routedb_path_t paths[PAAS_ROUTEDB_PATHS_MAX];
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

static void
next_stage(struct routing *rt)
{
	rt->walk->stage++;
	rt->walk->from[0] = '\0';
}

void
routing_walk_forget(struct routing_walk *walk)
{
	size_t i;

	for (i = 0; i < WALK_SOURCES; i++)
		walk->sources[i].n = walk->sources[i].at =
		    walk->sources[i].ended = 0;
}

static int
time_is_over(const struct routing_walk *walk)
{
	return routing_now() > walk->end;
}

/* What may differ. */
static void
differs(struct routing *rt, enum touch_kind kind, const char *name)
{
	if (rt->walk->writing)
		routing_apply(rt, kind, name);
	else
		routing_touch(rt, kind, name, TOUCH_LATER);
}

/* ---- apps -------------------------------------------------------------- */

/*
 * What an app's pool is made of is in many places: each is looked at.  The
 * next slice starts behind this one: no key holds a 0x01.
 */
static int
walk_app(const char *key, uint64_t rev, void *arg)
{
	struct routing *rt = arg;

	(void)rev;
	snprintf(rt->walk->from, sizeof(rt->walk->from), "%s\001", key);
	differs(rt, TOUCH_APP, strchr(key, '/') + 1);
	return time_is_over(rt->walk);
}

static int
walk_apps(struct routing *rt)
{
	if (store_each_key(rt->store, "app/", rt->walk->from, walk_app, rt) ==
	    0)
		next_stage(rt);
	return PAAS_ROUTEDB_OK;
}

/* ---- patterns and keys ------------------------------------------------- */

static int
walk_few(struct routing *rt)
{
	next_stage(rt);
	differs(rt, TOUCH_KEYS, "");
	return routing_pattern_each(rt, differs);
}

/* ---- what hangs on apps ------------------------------------------------ */

struct shares {
	struct routing *rt;
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
		differs(rt, TOUCH_HOST, strrchr(key, '/') + 1);
	return time_is_over(rt->walk);
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
	next_stage(rt);
	return PAAS_ROUTEDB_OK;
}

/* ---- imported pools ---------------------------------------------------- */

/* Before the hosts that name them, and only where they can be written. */
static int
walk_import(struct routing *rt)
{
	struct routing_walk *walk = rt->walk;

	if (routing_import_rev(rt->import) <= walk->base ||
	    !routing_import_known(rt->import)) {
		next_stage(rt);
		return PAAS_ROUTEDB_OK;
	}
	if (!walk->writing)
		return PAAS_ROUTEDB_EAGAIN;
	walk->import = routing_import_put_pools(
	    rt->import, rt->db, walk->import, walk->end);
	if (walk->import == 0)
		next_stage(rt);
	return PAAS_ROUTEDB_OK;
}

/* ---- hosts ------------------------------------------------------------- */

/* Non-zero once the slice is full. */
static int
add_name(struct walk_source *source, const char *name, size_t len, uint64_t rev,
    size_t at)
{
	struct walk_name *item = &source->names[source->n];

	if (len >= sizeof(item->name))
		return 0;
	memcpy(item->name, name, len);
	item->name[len] = '\0';
	item->rev = rev;
	item->at = at;
	return ++source->n == WALK_NAMES;
}

static int
add_key(const char *key, uint64_t rev, void *arg)
{
	const char *name = strchr(key, '/') + 1;

	return add_name(arg, name, strlen(name), rev, 0);
}

static int
add_host(paas_routedb_str_t name, void *arg)
{
	return add_name(arg, (const char *)name.data, name.len, 0, 0);
}

static void
read_import(struct routing *rt, struct walk_source *source)
{
	uint64_t rev = routing_import_rev(rt->import);
	char from[STORE_KEY_MAX + 4];
	const char *host;
	size_t at, len, next;

	if (!routing_import_known(rt->import))
		return;
	snprintf(from, sizeof(from), "%s\001", rt->walk->from);
	at = routing_import_seek(rt->import, from);
	for (;
	     (host = routing_import_host(rt->import, at, &len, &next)) != NULL;
	     at = next)
		if (add_name(source, host, len, rev, at) != 0)
			break;
}

/* Behind the name that was passed last. */
static int
read_source(struct routing *rt, size_t i)
{
	struct walk_source *source = &rt->walk->sources[i];
	char from[STORE_KEY_MAX + 1];
	int rc = PAAS_ROUTEDB_OK;

	source->n = source->at = 0;
	if (i < WALK_PREFIXES) {
		key_format(from, "%s%s\001", prefixes[i], rt->walk->from);
		store_each_key(rt->store, prefixes[i], from, add_key, source);
	} else if (i == WALK_IMPORTED)
		read_import(rt, source);
	else if (!routing_db_building(rt->db))
		/* One that is made anew has what was put there meanwhile. */
		rc = routing_db_each_host(
		    rt->db, rt->walk->from, add_host, source);
	source->ended = source->n < WALK_NAMES;
	return rc > 0 ? PAAS_ROUTEDB_OK : rc;
}

static int
read_sources(struct routing *rt)
{
	const struct walk_source *source;
	size_t i;
	int rc = PAAS_ROUTEDB_OK;

	for (i = 0; rc == PAAS_ROUTEDB_OK && i < WALK_SOURCES; i++) {
		source = &rt->walk->sources[i];
		if (source->at == source->n && !source->ended)
			rc = read_source(rt, i);
	}
	return rc;
}

/* The lowest name that is next in any source; NULL at the end of one. */
static const char *
next_name(const struct routing_walk *walk)
{
	const struct walk_source *source;
	const char *name, *next = NULL;
	size_t i;

	for (i = 0; i < WALK_SOURCES; i++) {
		source = &walk->sources[i];
		if (source->at == source->n) {
			/* What comes behind it is known after another read. */
			if (!source->ended)
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
	char app[KEY_NAME_MAX + 1], own[KEY_NAME_MAX + 1];
	int own_host = routing_host_name(rt->conf, name, own) == 0;

	if (own_host && routing_app_pool(rt->store, own, NULL) == 0)
		differs(rt, TOUCH_APP, own);
	else if (!own_host || names_find(rt->store, own, app) == -1)
		differs(rt, TOUCH_HOST, name);
}

/* Nothing else has the host: a million of these are to take a second. */
static void
pass_imported(struct routing *rt, const struct walk_name *item, int known)
{
	struct routing_walk *walk = rt->walk;
	uint32_t n;

	if (!walk->writing) {
		differs(rt, TOUCH_HOST, item->name);
		return;
	}
	n = routing_import_paths(rt->import, item->at, walk->paths);
	if (n == 0)
		log_warn("routing: the imported lines of %s make no sense",
		    item->name);
	else if (known)
		routing_host_put(rt, item->name, walk->paths, n);
	else
		routing_db_put_new_host(rt->db, item->name, walk->paths, n);
}

/* The item of a source that has this name; passed by then. */
static const struct walk_name *
take_name(struct walk_source *source, const char *name)
{
	if (source->at == source->n ||
	    strcmp(source->names[source->at].name, name) != 0)
		return NULL;
	return &source->names[source->at++];
}

/* Passes one name, and writes it if the database may differ. */
static void
pass_name(struct routing *rt, const char *name)
{
	struct routing_walk *walk = rt->walk;
	const struct walk_name *item, *imported;
	int known, wanted = 0, changed = 0;
	size_t i;

	strlcpy(walk->from, name, sizeof(walk->from));
	for (i = 0; i < WALK_PREFIXES; i++) {
		item = take_name(&walk->sources[i], walk->from);
		if (item == NULL)
			continue;
		wanted = 1;
		changed |= item->rev > walk->base;
	}
	imported = take_name(&walk->sources[WALK_IMPORTED], walk->from);
	known = take_name(&walk->sources[WALK_DATABASE], walk->from) != NULL;
	if (imported != NULL)
		changed |= imported->rev > walk->base;
	if (!wanted && imported == NULL)
		pass_stranger(rt, walk->from);
	else if (known && !changed)
		return;
	else if (!wanted)
		pass_imported(rt, imported, known);
	else
		differs(rt, TOUCH_HOST, walk->from);
}

static int
walk_hosts(struct routing *rt)
{
	struct routing_walk *walk = rt->walk;
	const char *name;
	size_t n = 0;
	int rc;

	do {
		if ((rc = read_sources(rt)) != PAAS_ROUTEDB_OK)
			return rc;
		if ((name = next_name(walk)) == NULL) {
			next_stage(rt);
			break;
		}
		do {
			pass_name(rt, name);
			if (++n % WALK_LOOK == 0 && time_is_over(walk))
				return PAAS_ROUTEDB_OK;
		} while ((name = next_name(walk)) != NULL);
	} while (!time_is_over(walk));
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

static void
differs_pool(struct routing *rt, uint64_t id)
{
	char name[17];

	key_format_id(name, id);
	differs(rt, TOUCH_POOL, name);
}

/*
 * Hosts take their pools with them, so there are none too many but in a
 * database that somebody else has written to.
 */
static int
walk_pools(struct routing *rt)
{
	struct routing_walk *walk = rt->walk;
	struct pools pools = {0};
	size_t i;
	int rc;

	if (routing_db_building(rt->db) || walk->base != 0) {
		next_stage(rt);
		return PAAS_ROUTEDB_OK;
	}
	rc = routing_db_each_id(rt->db, walk->pool, add_pool, &pools);
	if (rc < 0)
		return rc;
	for (i = 0; i < pools.n; i++) {
		differs_pool(rt, pools.ids[i]);
		walk->pool = pools.ids[i] + 1;
		if (i % WALK_LOOK == 0 && time_is_over(walk))
			return PAAS_ROUTEDB_OK;
	}
	if (pools.n < WALK_NAMES)
		next_stage(rt);
	return PAAS_ROUTEDB_OK;
}

static void
pass_old_pool(uint64_t id, void *arg)
{
	struct routing *rt = arg;

	if (!routing_import_owns(rt->import, id))
		differs_pool(rt, id);
}

/* No host names them any more. */
static int
walk_old_pools(struct routing *rt)
{
	if (routing_import_rev(rt->import) > rt->walk->base &&
	    !routing_db_building(rt->db))
		routing_import_each_old(rt->import, pass_old_pool, rt);
	routing_import_sweep(rt->import);
	routing_walk_over(rt);
	return PAAS_ROUTEDB_OK;
}

int
routing_walk_some(struct routing *rt, int writing, uint64_t end)
{
	static int (*const stages[])(struct routing *) = {
	    [WALK_APPS] = walk_apps,
	    [WALK_FEW] = walk_few,
	    [WALK_SHARES] = walk_shares,
	    [WALK_IMPORT] = walk_import,
	    [WALK_HOSTS] = walk_hosts,
	    [WALK_POOLS] = walk_pools,
	    [WALK_OLD_POOLS] = walk_old_pools,
	};

	rt->walk->writing = writing;
	rt->walk->end = end;
	return stages[rt->walk->stage](rt);
}
