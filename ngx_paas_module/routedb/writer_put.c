/*
 * Changes within the writer's transaction.
 *
 * A pool is a record of its own, and may have a home: the one host whose
 * record carries a copy of it, so that routing to it is one search.  The
 * writer keeps both the same.  Whatever is not so simple (a split, a second
 * host, a pool too large) has no copy and costs the reader a second search.
 */
#include "writer.h"

int
paas_routedb_writer_fail(paas_routedb_writer_t *w, int error)
{
	if (w->error == PAAS_ROUTEDB_OK && error != PAAS_ROUTEDB_EINVAL)
		w->error = error;
	return error;
}

int
paas_routedb_writer_ready(paas_routedb_writer_t *w)
{
	if (w->txn == NULL)
		return PAAS_ROUTEDB_EINVAL;
	if (w->error != PAAS_ROUTEDB_OK)
		return w->error;
	if (w->unreadable != PAAS_ROUTEDB_OK)
		return paas_routedb_writer_fail(w, w->unreadable);
	return PAAS_ROUTEDB_OK;
}

/* ---- raw records ------------------------------------------------------- */

/*
 * Is key beyond all others, in a database that this transaction began empty?
 * Then it is new, and appending it makes full pages and searches nothing.
 */
static int
writer_beyond(const paas_routedb_writer_t *w, const uint8_t *key, size_t keylen)
{
	paas_routedb_str_t name = {key, keylen}, last = {w->last, w->lastlen};

	return w->appending && paas_routedb_compare(name, last) > 0;
}

/* mdb_put, or mdb_del where there is no value. */
static int
writer_do(paas_routedb_writer_t *w, MDB_val key, MDB_val *value, unsigned flags)
{
	if (_setjmp(*w->in.jump) != 0)
		return MDB_CORRUPTED;
	return value != NULL ? mdb_put(w->txn, w->in.dbi, &key, value, flags)
			     : mdb_del(w->txn, w->in.dbi, &key, NULL);
}

int
paas_routedb_writer_put(paas_routedb_writer_t *w, const uint8_t *key,
    size_t keylen, uint8_t *value, size_t len, int *isnew)
{
	MDB_val k = {keylen, (void *)(uintptr_t)key}, v = {len, value};
	unsigned flags = isnew != NULL ? MDB_NOOVERWRITE : 0;
	int rc;

	paas_routedb_seal(value, len, key, keylen);
	if (writer_beyond(w, key, keylen)) {
		memcpy(w->last, key, keylen);
		w->lastlen = keylen;
		flags = MDB_APPEND;
	}
	rc = writer_do(w, k, &v, flags);
	if (isnew != NULL)
		*isnew = rc == MDB_SUCCESS;
	if (rc == MDB_KEYEXIST && flags == MDB_NOOVERWRITE) {
		v = (MDB_val){len, value};
		rc = writer_do(w, k, &v, 0);
	}
	return paas_routedb_writer_fail(w, paas_routedb_error(rc));
}

int
paas_routedb_writer_change(paas_routedb_writer_t *w, const uint8_t *key,
    size_t keylen, uint8_t *value, size_t len, int *isnew, int *changed)
{
	MDB_val old;
	int rc;

	paas_routedb_seal(value, len, key, keylen);
	rc = paas_routedb_fetch(&w->in, key, keylen, &old);
	if (rc == PAAS_ROUTEDB_OK && old.mv_size == len &&
	    memcmp(old.mv_data, value, len) == 0) {
		*isnew = 0;
		return PAAS_ROUTEDB_OK;
	}
	if (rc != PAAS_ROUTEDB_OK && rc != PAAS_ROUTEDB_ENOTFOUND)
		return paas_routedb_writer_fail(w, rc);
	*changed = 1;
	return paas_routedb_writer_put(w, key, keylen, value, len, isnew);
}

int
paas_routedb_writer_del(
    paas_routedb_writer_t *w, const uint8_t *key, size_t keylen)
{
	MDB_val k = {keylen, (void *)(uintptr_t)key};
	int rc;

	rc = paas_routedb_error(writer_do(w, k, NULL, 0));
	return rc == PAAS_ROUTEDB_ENOTFOUND ? rc
					    : paas_routedb_writer_fail(w, rc);
}

static int
writer_get_host(paas_routedb_writer_t *w, paas_routedb_str_t name,
    MDB_val *value, paas_routedb_host_t *host)
{
	uint8_t bytes[PAAS_ROUTEDB_KEY_MAX];
	MDB_val key = {paas_routedb_key_host(bytes, name), bytes};
	int rc = paas_routedb_fetch(&w->in, bytes, key.mv_size, value);

	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_decode_host(&key, value, host);
	return rc == PAAS_ROUTEDB_ENOTFOUND ? rc
					    : paas_routedb_writer_fail(w, rc);
}

static int
writer_get_pool(
    paas_routedb_writer_t *w, uint64_t id, paas_routedb_pool_record_t *record)
{
	uint8_t bytes[9];
	MDB_val key = {paas_routedb_key_pool(bytes, id), bytes}, value;
	int rc = paas_routedb_fetch(&w->in, bytes, key.mv_size, &value);

	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_decode_pool(&key, &value, record);
	return rc == PAAS_ROUTEDB_ENOTFOUND ? rc
					    : paas_routedb_writer_fail(w, rc);
}

/* ---- a pool's home ----------------------------------------------------- */

/*
 * The copy of pool id in home's record: body, or nothing for NULL.  A home
 * that is not there, or names other pools too, has none to begin with.
 */
static int
writer_set_copy(paas_routedb_writer_t *w, paas_routedb_str_t home, uint64_t id,
    const paas_routedb_str_t *body)
{
	uint8_t key[PAAS_ROUTEDB_KEY_MAX];
	paas_routedb_host_t host;
	MDB_val value;
	size_t len;
	int rc;

	if (home.len == 0 || w->head.meta.nhosts == 0)
		return PAAS_ROUTEDB_OK;
	rc = writer_get_host(w, home, &value, &host);
	if (rc != PAAS_ROUTEDB_OK)
		return rc == PAAS_ROUTEDB_ENOTFOUND ? PAAS_ROUTEDB_OK : rc;
	if (paas_routedb_only_pool(&host) != id)
		return PAAS_ROUTEDB_OK;
	memcpy(w->record, value.mv_data, value.mv_size);
	len = paas_routedb_replace_inline(w->record, value.mv_size, body);
	return paas_routedb_writer_put(
	    w, key, paas_routedb_key_host(key, home), w->record, len, NULL);
}

/* Does home's record stand for this pool alone? */
static int
writer_lives_at(paas_routedb_writer_t *w, paas_routedb_str_t home, uint64_t id)
{
	paas_routedb_host_t host;
	MDB_val value;

	return home.len > 0 &&
	       writer_get_host(w, home, &value, &host) == PAAS_ROUTEDB_OK &&
	       paas_routedb_only_pool(&host) == id;
}

/*
 * Adds the copy of pool id to the host in w->record, of *len bytes, and makes
 * that the home of a pool that has none; but the default route only if it was
 * asked to be.
 */
static int
writer_move_in(
    paas_routedb_writer_t *w, paas_routedb_str_t name, uint64_t id, size_t *len)
{
	uint8_t key[9];
	paas_routedb_pool_record_t pool;
	size_t size;
	int rc;

	rc = writer_get_pool(w, id, &pool);
	if (rc != PAAS_ROUTEDB_OK)
		return rc == PAAS_ROUTEDB_ENOTFOUND ? PAAS_ROUTEDB_OK : rc;
	if (paas_routedb_compare(pool.home, name) == 0) {
		*len = paas_routedb_replace_inline(w->record, *len, &pool.body);
		return PAAS_ROUTEDB_OK;
	}
	if (paas_routedb_is_default(name) ||
	    writer_lives_at(w, pool.home, id) || w->error != PAAS_ROUTEDB_OK)
		return w->error;
	*len = paas_routedb_replace_inline(w->record, *len, &pool.body);
	size = paas_routedb_encode_pool(w->scratch, name, &pool.body);
	return paas_routedb_writer_put(
	    w, key, paas_routedb_key_pool(key, id), w->scratch, size, NULL);
}

/* ---- changes ----------------------------------------------------------- */

static void
writer_count(paas_routedb_writer_t *w, paas_routedb_str_t name, int change)
{
	uint32_t depth = paas_routedb_labels(name);
	uint64_t *word = &w->head.meta.depths[depth / 64];
	uint64_t bit = UINT64_C(1) << (depth % 64);

	w->head.meta.nhosts += (uint64_t)change;
	if (name.data[0] != '.')
		return;
	w->head.wildcards[depth] += (uint32_t)change;
	*word = w->head.wildcards[depth] > 0 ? *word | bit : *word & ~bit;
}

static int
writer_put_host(paas_routedb_writer_t *w, paas_routedb_str_t name,
    const paas_routedb_path_t *paths, uint32_t npaths, int alone)
{
	uint8_t key[PAAS_ROUTEDB_KEY_MAX];
	paas_routedb_host_t host;
	size_t len, keylen;
	uint64_t only;
	int isnew, rc;

	rc = paas_routedb_writer_ready(w);
	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_check_host(name, paths, npaths);
	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	len = paas_routedb_encode_host(w->record, paths, npaths, &host);
	only = alone ? paas_routedb_only_pool(&host) : 0;
	if (only != 0)
		rc = writer_move_in(w, name, only, &len);
	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	keylen = paas_routedb_key_host(key, name);
	rc = paas_routedb_writer_put(w, key, keylen, w->record, len, &isnew);
	if (rc == PAAS_ROUTEDB_OK && isnew)
		writer_count(w, name, 1);
	return rc;
}

int
paas_routedb_put_host(paas_routedb_writer_t *w, paas_routedb_str_t name,
    const paas_routedb_path_t *paths, uint32_t npaths)
{
	return writer_put_host(w, name, paths, npaths, 1);
}

int
paas_routedb_put_host_apart(paas_routedb_writer_t *w, paas_routedb_str_t name,
    const paas_routedb_path_t *paths, uint32_t npaths)
{
	return writer_put_host(w, name, paths, npaths, 0);
}

int
paas_routedb_del_host(paas_routedb_writer_t *w, paas_routedb_str_t name)
{
	uint8_t key[PAAS_ROUTEDB_KEY_MAX];
	int rc = paas_routedb_writer_ready(w);

	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	if (name.len == 0 || name.len > PAAS_ROUTEDB_HOST_MAX)
		return PAAS_ROUTEDB_EINVAL;
	rc = paas_routedb_writer_del(w, key, paas_routedb_key_host(key, name));
	if (rc == PAAS_ROUTEDB_OK)
		writer_count(w, name, -1);
	return rc;
}

/* The old record's home, which stays the pool's if none is asked for. */
static int
writer_leave_home(paas_routedb_writer_t *w, uint64_t id,
    paas_routedb_str_t *home, uint8_t *name)
{
	paas_routedb_pool_record_t old;
	paas_routedb_str_t left = {name, 0};
	int rc = writer_get_pool(w, id, &old);

	if (rc != PAAS_ROUTEDB_OK)
		return rc == PAAS_ROUTEDB_ENOTFOUND ? PAAS_ROUTEDB_OK : rc;
	left.len = old.home.len;
	memcpy(name, old.home.data, old.home.len);
	if (home->len != 0 && paas_routedb_compare(*home, left) != 0)
		return writer_set_copy(w, left, id, NULL);
	*home = left;
	return PAAS_ROUTEDB_OK;
}

int
paas_routedb_put_pool(paas_routedb_writer_t *w, const paas_routedb_pool_t *pool,
    const paas_routedb_instance_t *instances)
{
	uint8_t key[9], name[PAAS_ROUTEDB_HOST_MAX];
	paas_routedb_str_t home = pool->home, body;
	size_t len;
	int isnew, rc;

	rc = paas_routedb_writer_ready(w);
	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_check_pool(pool, instances);
	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	paas_routedb_key_pool(key, pool->id);
	if (!writer_beyond(w, key, sizeof(key)))
		rc = writer_leave_home(w, pool->id, &home, name);
	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	body.data = w->scratch;
	body.len = paas_routedb_encode_body(w->scratch, pool, instances);
	rc = writer_set_copy(w, home, pool->id, &body);
	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	len = paas_routedb_encode_pool(w->record, home, &body);
	rc = paas_routedb_writer_put(
	    w, key, sizeof(key), w->record, len, &isnew);
	if (rc == PAAS_ROUTEDB_OK && isnew)
		w->head.meta.npools++;
	return rc;
}

int
paas_routedb_del_pool(paas_routedb_writer_t *w, uint64_t id)
{
	uint8_t key[9];
	paas_routedb_pool_record_t old;
	int rc = paas_routedb_writer_ready(w);

	if (rc == PAAS_ROUTEDB_OK)
		rc = writer_get_pool(w, id, &old);
	if (rc == PAAS_ROUTEDB_OK)
		rc = writer_set_copy(w, old.home, id, NULL);
	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_writer_del(
		    w, key, paas_routedb_key_pool(key, id));
	if (rc == PAAS_ROUTEDB_OK)
		w->head.meta.npools--;
	return rc;
}

int
paas_routedb_clear(paas_routedb_writer_t *w)
{
	const paas_routedb_meta_t old = w->head.meta;
	int rc, unreadable = w->unreadable != PAAS_ROUTEDB_OK;

	if (w->txn == NULL)
		return PAAS_ROUTEDB_EINVAL;
	if (w->error != PAAS_ROUTEDB_OK)
		return w->error;
	if (_setjmp(*w->in.jump) != 0)
		return paas_routedb_writer_fail(w, PAAS_ROUTEDB_EDAMAGED);
	rc = mdb_drop(w->txn, w->in.dbi, 0);
	if (rc != MDB_SUCCESS)
		return paas_routedb_writer_fail(w, paas_routedb_error(rc));
	/* What can't be read may have had some. */
	w->patterns |= unreadable || old.npatterns > 0;
	w->keys |= unreadable || old.keys > 0;
	memset(&w->head, 0, sizeof(w->head));
	w->head.meta.version = PAAS_ROUTEDB_VERSION;
	w->head.meta.generation = old.generation;
	w->head.meta.patterns = old.patterns;
	w->head.meta.keys = old.keys;
	w->unreadable = PAAS_ROUTEDB_OK;
	w->appending = 1;
	w->lastlen = 0;
	return PAAS_ROUTEDB_OK;
}
