/*
 * The route database as this room writes it: what is there already is left
 * alone, so that a start with a million routes reads but does not write.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#include "common/log.h"
#include "routing/routing_impl.h"

/* ---- transactions ------------------------------------------------------ */

int
routing_db_wait(const struct routing_db *db)
{
	return db->writer != NULL ? paas_routedb_writer_wait(db->writer) : 0;
}

/*
 * The database of a new file gets its head first: a read within the
 * transaction that makes it would take it for damaged.
 */
static int
prime(struct routing_db *db)
{
	paas_routedb_meta_t meta;
	uint64_t txn;
	int rc;

	memset(&meta, 0, sizeof(meta));
	rc = paas_routedb_begin(db->reader, &txn);
	if (rc == PAAS_ROUTEDB_OK) {
		(void)paas_routedb_get_meta(db->reader, &meta);
		(void)paas_routedb_end(db->reader);
	}
	if (meta.version == 0 &&
	    (rc == PAAS_ROUTEDB_OK || rc == PAAS_ROUTEDB_EMISSING) &&
	    (rc = paas_routedb_write_begin(db->writer)) == PAAS_ROUTEDB_OK)
		rc = paas_routedb_commit(db->writer);
	db->primed = rc == PAAS_ROUTEDB_OK;
	return rc;
}

int
routing_db_begin(struct routing_db *db)
{
	uint64_t txn;
	int rc;

	if (db->reading)
		return PAAS_ROUTEDB_OK;
	db->error = PAAS_ROUTEDB_OK;
	db->changes = 0;
	if (db->writer == NULL &&
	    (rc = routing_db_open_new(db)) != PAAS_ROUTEDB_OK) {
		paas_routedb_writer_close(db->writer);
		db->writer = NULL;
		return rc;
	}
	if (!db->primed && (rc = prime(db)) != PAAS_ROUTEDB_OK)
		return rc;
	rc = paas_routedb_write_begin(db->writer);
	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	rc = paas_routedb_begin(db->reader, &txn);
	if (rc != PAAS_ROUTEDB_OK)
		paas_routedb_abort(db->writer);
	db->reading = rc == PAAS_ROUTEDB_OK;
	return rc;
}

/* Nothing is written where nothing would change. */
int
routing_db_commit(struct routing_db *db, uint64_t revision)
{
	int rc = db->error;

	if (!db->reading)
		return rc;
	if (rc == PAAS_ROUTEDB_OK && db->changes == 0 &&
	    routing_db_revision(db) == revision) {
		(void)paas_routedb_end(db->reader);
		db->reading = 0;
		paas_routedb_abort(db->writer);
		return PAAS_ROUTEDB_OK;
	}
	(void)paas_routedb_end(db->reader);
	db->reading = 0;
	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_put_revision(db->writer, revision);
	if (rc == PAAS_ROUTEDB_OK)
		return paas_routedb_commit(db->writer);
	paas_routedb_abort(db->writer);
	return rc;
}

void
routing_db_abort(struct routing_db *db)
{
	if (!db->reading)
		return;
	(void)paas_routedb_end(db->reader);
	db->reading = 0;
	paas_routedb_abort(db->writer);
}

size_t
routing_db_changes(const struct routing_db *db)
{
	return db->changes;
}

/* A record that breaks a rule concerns that record only. */
static void
note(struct routing_db *db, int rc, const char *what)
{
	if (rc == PAAS_ROUTEDB_OK || rc == PAAS_ROUTEDB_ENOTFOUND)
		return;
	if (rc == PAAS_ROUTEDB_EINVAL)
		log_warn("routing: %s is refused by the route database and "
			 "stays as it was",
		    what);
	else if (db->error == PAAS_ROUTEDB_OK)
		db->error = rc;
}

/*
 * Within a transaction that is done already, and sees what it has changed.
 * 0 in a database that nothing was committed to.
 */
static int
begin_read(struct routing_db *db)
{
	uint64_t txn;
	int rc;

	if (db->reading)
		return 1;
	rc = paas_routedb_begin(db->reader, &txn);
	if (rc != PAAS_ROUTEDB_OK && rc != PAAS_ROUTEDB_EMISSING &&
	    db->error == PAAS_ROUTEDB_OK)
		db->error = rc;
	return rc == PAAS_ROUTEDB_OK;
}

static void
end_read(struct routing_db *db)
{
	if (!db->reading)
		(void)paas_routedb_end(db->reader);
}

static paas_routedb_str_t
str_of(const char *text)
{
	paas_routedb_str_t s = {(const uint8_t *)text, strlen(text)};

	return s;
}

static int
same_str(paas_routedb_str_t a, paas_routedb_str_t b)
{
	return a.len == b.len &&
	       (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* ---- pools ------------------------------------------------------------- */

static int
same_instance(
    const paas_routedb_instance_t *a, const paas_routedb_instance_t *b)
{
	return a->id == b->id && a->port == b->port && a->weight == b->weight &&
	       a->flags == b->flags && a->number == b->number &&
	       a->since == b->since &&
	       memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

static int
same_pool(const paas_routedb_pool_t *new, const paas_routedb_pool_t *old,
    const paas_routedb_instance_t *instances)
{
	paas_routedb_instance_t inst;
	uint32_t i;

	if (new->state != old->state || new->protocol != old->protocol ||
	    new->balance != old->balance || new->hash_on != old->hash_on ||
	    new->flags != old->flags || new->concurrency != old->concurrency ||
	    new->queue != old->queue || new->slow_start != old->slow_start ||
	    new->hold != old->hold || new->retry_budget != old->retry_budget ||
	    !same_str(new->app, old->app) || !same_str(new->type, old->type) ||
	    !same_str(new->hash_name, old->hash_name) ||
	    (new->home.len != 0 && !same_str(new->home, old->home)) ||
	    new->ninstances != old->ninstances)
		return 0;
	for (i = 0; i < new->ninstances; i++)
		if (paas_routedb_get_instance(old, i, &inst) !=
			PAAS_ROUTEDB_OK ||
		    !same_instance(&instances[i], &inst))
			return 0;
	return 1;
}

void
routing_db_put_pool(struct routing_db *db, const paas_routedb_pool_t *pool,
    const paas_routedb_instance_t *instances)
{
	paas_routedb_pool_t old;
	char what[128];
	int same = 0;

	if (begin_read(db)) {
		same = paas_routedb_find_pool(db->reader, NULL, pool->id,
			   &old) == PAAS_ROUTEDB_OK &&
		       same_pool(pool, &old, instances);
		end_read(db);
	}
	if (same)
		return;
	snprintf(what, sizeof(what), "a pool of %.*s",
	    (int)(pool->app.len ? pool->app.len : pool->home.len),
	    (const char *)(pool->app.len ? pool->app.data : pool->home.data));
	db->changes++;
	note(db, paas_routedb_put_pool(db->writer, pool, instances), what);
}

void
routing_db_del_pool(struct routing_db *db, uint64_t id)
{
	int rc = paas_routedb_del_pool(db->writer, id);

	db->changes += rc != PAAS_ROUTEDB_ENOTFOUND;
	note(db, rc, "a pool's end");
}

static int
leads_to(const paas_routedb_path_t *paths, uint32_t npaths, uint64_t pool)
{
	uint32_t i, k;

	for (i = 0; i < npaths; i++)
		for (k = 0; k < paths[i].ntargets; k++)
			if (paths[i].targets[k].pool == pool)
				return 1;
	return 0;
}

void
routing_db_del_left(struct routing_db *db, const uint64_t *pools, size_t n,
    const paas_routedb_path_t *paths, uint32_t npaths)
{
	for (size_t i = 0; i < n; i++)
		if (!leads_to(paths, npaths, pools[i]))
			routing_db_del_pool(db, pools[i]);
}

/* ---- hosts ------------------------------------------------------------- */

static int
find_exact(struct routing_db *db, const char *host, paas_routedb_host_t *out)
{
	size_t len = strlen(host);

	return paas_routedb_find_host(db->reader, host, len, out) ==
		   PAAS_ROUTEDB_OK &&
	       out->name.len == len;
}

static int
same_path(const paas_routedb_path_t *a, const paas_routedb_path_t *b)
{
	uint32_t i;

	if (a->flags != b->flags || a->ntargets != b->ntargets ||
	    !same_str(a->prefix, b->prefix) ||
	    !same_str(a->redirect_host, b->redirect_host))
		return 0;
	for (i = 0; i < a->ntargets; i++)
		if (a->targets[i].pool != b->targets[i].pool ||
		    a->targets[i].weight != b->targets[i].weight)
			return 0;
	return 1;
}

/* The record has them by length, ours are as they came. */
static int
same_host(const paas_routedb_host_t *old, const paas_routedb_path_t *paths,
    uint32_t npaths)
{
	paas_routedb_path_t path;
	uint32_t i, k;

	if (old->npaths != npaths)
		return 0;
	for (i = 0; i < npaths; i++) {
		if (paas_routedb_get_path(old, i, &path) != PAAS_ROUTEDB_OK)
			return 0;
		for (k = 0; k < npaths; k++)
			if (same_path(&path, &paths[k]))
				break;
		if (k == npaths)
			return 0;
	}
	return 1;
}

void
routing_db_put_host(struct routing_db *db, const char *host,
    const paas_routedb_path_t *paths, uint32_t npaths)
{
	paas_routedb_host_t old;
	int same = 0;

	if (begin_read(db)) {
		same = find_exact(db, host, &old) &&
		       same_host(&old, paths, npaths);
		end_read(db);
	}
	if (same)
		return;
	db->changes++;
	note(db, paas_routedb_put_host(db->writer, str_of(host), paths, npaths),
	    host);
}

void
routing_db_put_new_host(struct routing_db *db, const char *host,
    const paas_routedb_path_t *paths, uint32_t npaths)
{
	db->changes++;
	note(db,
	    paas_routedb_put_host_apart(
		db->writer, str_of(host), paths, npaths),
	    host);
}

void
routing_db_del_host(struct routing_db *db, const char *host)
{
	int rc = paas_routedb_del_host(db->writer, str_of(host));

	db->changes += rc != PAAS_ROUTEDB_ENOTFOUND;
	note(db, rc, host);
}

static int
path_leads_to(const paas_routedb_path_t *path, uint64_t pool)
{
	uint32_t i;

	for (i = 0; i < path->ntargets; i++)
		if (path->targets[i].pool == pool)
			return 1;
	return 0;
}

int
routing_db_host_has(struct routing_db *db, const char *host, uint64_t pool)
{
	paas_routedb_path_t path;
	paas_routedb_host_t record;
	uint32_t i;
	int has = 0;

	if (!begin_read(db))
		return 0;
	if (find_exact(db, host, &record))
		for (i = 0; i < record.npaths && !has; i++)
			has = paas_routedb_get_path(&record, i, &path) ==
				  PAAS_ROUTEDB_OK &&
			      path_leads_to(&path, pool);
	end_read(db);
	return has;
}

/* The pools of a record's own that its paths lead to. */
static size_t
own_pools(const paas_routedb_host_t *record, const char *owner, uint64_t *pools,
    size_t max)
{
	paas_routedb_path_t path;
	uint32_t i;
	size_t n = 0;

	for (i = 0; i < record->npaths && n < max; i++) {
		if (paas_routedb_get_path(record, i, &path) != PAAS_ROUTEDB_OK)
			break;
		pools[n] = routing_backend_pool(
		    owner, (const char *)path.prefix.data, path.prefix.len);
		if (path_leads_to(&path, pools[n]))
			n++;
	}
	return n;
}

size_t
routing_db_route_pools(
    struct routing_db *db, const char *host, uint64_t *pools, size_t max)
{
	char owner[sizeof("route/") + PAAS_ROUTEDB_HOST_MAX];
	paas_routedb_host_t old;
	size_t n = 0;

	if (!begin_read(db))
		return 0;
	snprintf(owner, sizeof(owner), "route/%s", host);
	if (find_exact(db, host, &old))
		n = own_pools(&old, owner, pools, max);
	end_read(db);
	return n;
}

/* ---- patterns and keys ------------------------------------------------- */

void
routing_db_put_pattern(struct routing_db *db, uint32_t order, const char *text,
    const paas_routedb_path_t *paths, uint32_t npaths)
{
	db->changes++;
	note(db,
	    paas_routedb_put_pattern(
		db->writer, order, str_of(text), paths, npaths),
	    text);
}

void
routing_db_del_pattern(struct routing_db *db, uint32_t order)
{
	int rc = paas_routedb_del_pattern(db->writer, order);

	db->changes += rc != PAAS_ROUTEDB_ENOTFOUND;
	note(db, rc, "a pattern's end");
}

size_t
routing_db_pattern_pools(struct routing_db *db, uint32_t order,
    const char *owner, uint64_t *pools, size_t max)
{
	paas_routedb_host_t old;
	size_t n = 0;

	if (!begin_read(db))
		return 0;
	if (paas_routedb_find_pattern(db->reader, order, &old) ==
	    PAAS_ROUTEDB_OK)
		n = own_pools(&old, owner, pools, max);
	end_read(db);
	return n;
}

void
routing_db_put_keys(
    struct routing_db *db, const paas_routedb_key_t *keys, uint32_t n)
{
	db->changes++;
	note(db, paas_routedb_put_keys(db->writer, keys, n), "the keys");
}

/* ---- what is there ----------------------------------------------------- */

uint64_t
routing_db_revision(struct routing_db *db)
{
	paas_routedb_meta_t meta;

	memset(&meta, 0, sizeof(meta));
	if (begin_read(db)) {
		(void)paas_routedb_get_meta(db->reader, &meta);
		end_read(db);
	}
	return meta.revision;
}

/* A walk reads before anything may be written, too. */
static int
begin_walk(struct routing_db *db)
{
	db->error = db->reading ? db->error : PAAS_ROUTEDB_OK;
	return begin_read(db);
}

int
routing_db_each_host(struct routing_db *db, const char *after,
    int (*cb)(paas_routedb_str_t, void *), void *arg)
{
	int rc;

	if (db->writer == NULL || !begin_walk(db))
		return db->error;
	rc = paas_routedb_each_name(db->reader, str_of(after), cb, arg);
	end_read(db);
	return rc;
}

int
routing_db_each_id(struct routing_db *db, uint64_t from,
    int (*cb)(uint64_t, void *), void *arg)
{
	int rc;

	if (db->writer == NULL || !begin_walk(db))
		return db->error;
	rc = paas_routedb_each_id(db->reader, from, cb, arg);
	end_read(db);
	return rc;
}

struct each_order {
	int (*cb)(uint32_t, void *);
	void *arg;
};

static int
each_order(uint32_t order, const paas_routedb_host_t *record, void *arg)
{
	const struct each_order *each = arg;

	(void)record;
	return each->cb(order, each->arg);
}

int
routing_db_each_pattern(
    struct routing_db *db, int (*cb)(uint32_t, void *), void *arg)
{
	struct each_order each = {cb, arg};
	int rc;

	if (db->writer == NULL || !begin_walk(db))
		return db->error;
	rc = paas_routedb_each_pattern(db->reader, each_order, &each);
	end_read(db);
	return rc;
}

void
routing_db_show_pool(struct routing_db *db, uint64_t id,
    void (*cb)(const paas_routedb_pool_t *, void *), void *arg)
{
	paas_routedb_pool_t pool;

	if (!begin_read(db))
		return;
	if (paas_routedb_find_pool(db->reader, NULL, id, &pool) ==
	    PAAS_ROUTEDB_OK)
		cb(&pool, arg);
	end_read(db);
}
