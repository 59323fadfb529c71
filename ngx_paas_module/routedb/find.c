/*
 * What is looked for in the route database, between begin and end.
 */
#include "internal.h"

/* ---- one record -------------------------------------------------------- */

/* name is its own key, but for the tag that stands before it. */
static int
reader_get_host(paas_routedb_reader_t *reader, const uint8_t *key,
    paas_routedb_str_t name, paas_routedb_host_t *out)
{
	MDB_val k = {name.len + 1, (void *)(uintptr_t)key}, value;
	int rc = paas_routedb_fetch(reader, key, k.mv_size, &value);

	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_decode_host(&k, &value, out);
	out->name = name;
	return rc;
}

/*
 * Wildcards from the longest: a suffix begins at a dot, and its key at the
 * byte before, which no shorter one needs.
 */
static int
reader_get_wildcard(paas_routedb_reader_t *reader, uint8_t *key,
    paas_routedb_str_t host, paas_routedb_host_t *out)
{
	const uint64_t *depths = reader->meta.depths;
	uint8_t dots[PAAS_ROUTEDB_LABELS];
	uint32_t n = 0;
	int rc;

	if (((depths[0] & ~UINT64_C(1)) | depths[1]) == 0)
		return PAAS_ROUTEDB_ENOTFOUND;
	for (size_t i = host.len; i-- > 1 && n < PAAS_ROUTEDB_LABELS - 1;)
		if (host.data[i] == '.')
			dots[++n] = (uint8_t)i;
	for (; n > 0; n--) {
		paas_routedb_str_t suffix = {
		    host.data + dots[n], host.len - dots[n]};

		if ((depths[n / 64] >> (n % 64) & 1) == 0)
			continue;
		key[dots[n]] = PAAS_ROUTEDB_TAG_HOST;
		rc = reader_get_host(reader, key + dots[n], suffix, out);
		if (rc != PAAS_ROUTEDB_ENOTFOUND)
			return rc;
	}
	return PAAS_ROUTEDB_ENOTFOUND;
}

int
paas_routedb_find_host(paas_routedb_reader_t *reader, const char *host,
    size_t len, paas_routedb_host_t *out)
{
	paas_routedb_str_t name = {(const uint8_t *)host, len};
	uint8_t key[PAAS_ROUTEDB_KEY_MAX];
	int rc;

	if (len == 0 || len > PAAS_ROUTEDB_HOST_MAX)
		return PAAS_ROUTEDB_ENOTFOUND;
	paas_routedb_key_host(key, name);
	rc = reader_get_host(reader, key, name, out);
	if (rc == PAAS_ROUTEDB_ENOTFOUND)
		rc = reader_get_wildcard(reader, key, name, out);
	return rc;
}

int
paas_routedb_find_default(
    paas_routedb_reader_t *reader, paas_routedb_host_t *out)
{
	static const uint8_t key[] = {PAAS_ROUTEDB_TAG_HOST, '.'};
	const paas_routedb_str_t name = {key + 1, 1};

	if ((reader->meta.depths[0] & 1) == 0)
		return PAAS_ROUTEDB_ENOTFOUND;
	return reader_get_host(reader, key, name, out);
}

int
paas_routedb_find_pattern(
    paas_routedb_reader_t *reader, uint32_t order, paas_routedb_host_t *out)
{
	uint8_t bytes[1 + sizeof(order)];
	MDB_val key = {paas_routedb_key_pattern(bytes, order), bytes}, value;
	int rc = paas_routedb_fetch(reader, bytes, key.mv_size, &value);

	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_decode_pattern(&key, &value, &order, out);
	return rc;
}

int
paas_routedb_find_pool(paas_routedb_reader_t *reader,
    const paas_routedb_host_t *host, uint64_t id, paas_routedb_pool_t *out)
{
	uint8_t bytes[9];
	MDB_val key = {sizeof(bytes), bytes}, value;
	paas_routedb_pool_record_t record;
	int rc;

	if (host != NULL && host->inline_pool.len >= PAAS_ROUTEDB_BODY &&
	    paas_routedb_u64(host->inline_pool.data) == id)
		return paas_routedb_decode_body(host->inline_pool, id, out);
	paas_routedb_key_pool(bytes, id);
	rc = paas_routedb_fetch(reader, bytes, sizeof(bytes), &value);
	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_decode_pool(&key, &value, &record);
	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_decode_body(record.body, id, out);
	if (rc == PAAS_ROUTEDB_OK)
		out->home = record.home;
	return rc;
}

int
paas_routedb_get_keys(paas_routedb_reader_t *reader,
    paas_routedb_key_t keys[PAAS_ROUTEDB_KEYS_MAX], uint32_t *n)
{
	uint8_t bytes[1];
	MDB_val key = {paas_routedb_key_keys(bytes), bytes}, value;
	int rc = paas_routedb_fetch(reader, bytes, key.mv_size, &value);

	*n = 0;
	if (rc == PAAS_ROUTEDB_ENOTFOUND)
		return PAAS_ROUTEDB_OK;
	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_decode_keys(&key, &value, keys, n);
	return rc;
}

/* ---- all records ------------------------------------------------------- */

static int
reader_step(paas_routedb_reader_t *reader, MDB_cursor *cursor, MDB_val *key,
    MDB_val *value, MDB_cursor_op op)
{
	int rc;

	if (_setjmp(*reader->jump) != 0)
		return MDB_CORRUPTED;
	rc = mdb_cursor_get(cursor, key, value, op);
	if (rc == MDB_SUCCESS &&
	    (key->mv_size == 0 || !paas_routedb_holds(reader, key) ||
		!paas_routedb_holds(reader, value)))
		return MDB_CORRUPTED;
	return rc;
}

int
paas_routedb_each_from(paas_routedb_reader_t *reader, uint8_t tag,
    paas_routedb_str_t from, paas_routedb_each_t cb, void *arg)
{
	MDB_cursor *cursor;
	MDB_val key = {from.len, (void *)(uintptr_t)from.data}, value;
	int rc, end = 0;

	if (reader->txn == NULL)
		return paas_routedb_map_each(&reader->map, tag, from, cb, arg);
	rc = mdb_cursor_open(reader->txn, reader->dbi, &cursor);
	if (rc != MDB_SUCCESS)
		return paas_routedb_error(rc);
	rc = reader_step(
	    reader, cursor, &key, &value, from.len ? MDB_SET_RANGE : MDB_FIRST);
	while (rc == MDB_SUCCESS) {
		if (tag != 0 && *(const uint8_t *)key.mv_data != tag)
			break;
		if ((end = cb(&key, &value, arg)) != 0)
			break;
		rc = reader_step(reader, cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	if (end != 0)
		return end;
	return rc == MDB_NOTFOUND ? PAAS_ROUTEDB_OK : paas_routedb_error(rc);
}

int
paas_routedb_each(paas_routedb_reader_t *reader, uint8_t tag,
    paas_routedb_each_t cb, void *arg)
{
	paas_routedb_str_t from = {&tag, tag != 0};

	return paas_routedb_each_from(reader, tag, from, cb, arg);
}

struct each_host {
	int (*cb)(const paas_routedb_host_t *, void *);
	void *arg;
};

static int
each_host(const MDB_val *key, const MDB_val *value, void *arg)
{
	const struct each_host *each = arg;
	paas_routedb_host_t host;
	int rc = paas_routedb_decode_host(key, value, &host);

	return rc != PAAS_ROUTEDB_OK ? rc : each->cb(&host, each->arg);
}

int
paas_routedb_each_host(paas_routedb_reader_t *reader,
    int (*cb)(const paas_routedb_host_t *, void *), void *arg)
{
	struct each_host each = {cb, arg};

	return paas_routedb_each(
	    reader, PAAS_ROUTEDB_TAG_HOST, each_host, &each);
}

struct each_pool {
	int (*cb)(const paas_routedb_pool_t *, void *);
	void *arg;
};

static int
each_pool(const MDB_val *key, const MDB_val *value, void *arg)
{
	const struct each_pool *each = arg;
	paas_routedb_pool_record_t record;
	paas_routedb_pool_t pool;
	int rc = paas_routedb_decode_pool(key, value, &record);

	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_decode_body(record.body, 0, &pool);
	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	pool.home = record.home;
	return each->cb(&pool, each->arg);
}

int
paas_routedb_each_pool(paas_routedb_reader_t *reader,
    int (*cb)(const paas_routedb_pool_t *, void *), void *arg)
{
	struct each_pool each = {cb, arg};

	return paas_routedb_each(
	    reader, PAAS_ROUTEDB_TAG_POOL, each_pool, &each);
}

struct each_pattern {
	int (*cb)(uint32_t, const paas_routedb_host_t *, void *);
	void *arg;
};

static int
each_pattern(const MDB_val *key, const MDB_val *value, void *arg)
{
	const struct each_pattern *each = arg;
	paas_routedb_host_t pattern;
	uint32_t order;
	int rc = paas_routedb_decode_pattern(key, value, &order, &pattern);

	return rc != PAAS_ROUTEDB_OK ? rc
				     : each->cb(order, &pattern, each->arg);
}

int
paas_routedb_each_pattern(paas_routedb_reader_t *reader,
    int (*cb)(uint32_t order, const paas_routedb_host_t *, void *), void *arg)
{
	struct each_pattern each = {cb, arg};

	return paas_routedb_each(
	    reader, PAAS_ROUTEDB_TAG_PATTERN, each_pattern, &each);
}
