/*
 * Reading all of a route database against the rules in FORMAT.md.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

struct verify {
	paas_routedb_reader_t *reader;
	paas_routedb_head_t found; /* counted */
	paas_routedb_head_t told;  /* by the meta record */
	uint8_t last[PAAS_ROUTEDB_KEY_MAX];
	size_t lastlen;
	char *err;
	size_t errlen;
	paas_routedb_path_t paths[PAAS_ROUTEDB_PATHS_MAX];
	paas_routedb_instance_t instances[PAAS_ROUTEDB_INSTS_MAX];
	uint8_t again[PAAS_ROUTEDB_RECORD_MAX];
};

__attribute__((format(printf, 2, 3))) static int
verify_fail(struct verify *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->err, v->errlen, fmt, ap);
	va_end(ap);
	return PAAS_ROUTEDB_EDAMAGED;
}

/* What a person calls a record of each kind, whose key has so long a number. */
static const struct {
	const char *name;
	size_t number;
} kinds[] = {
    [0] = {"record", 0},
    [PAAS_ROUTEDB_TAG_POOL] = {"pool", 8},
    [PAAS_ROUTEDB_TAG_HOST] = {"host", 0},
    [PAAS_ROUTEDB_TAG_PATTERN] = {"pattern", 4},
    [PAAS_ROUTEDB_TAG_CERT_HOST] = {"certhost", 0},
    [PAAS_ROUTEDB_TAG_CERT] = {"cert", 8},
};

/* The key as a person knows it: "pool 10", "host a.example.com". */
static int
verify_fail_at(struct verify *v, const MDB_val *key, const char *what)
{
	const uint8_t *k = key->mv_data;
	unsigned kind = k[0] < sizeof(kinds) / sizeof(kinds[0]) ? k[0] : 0;
	char name[4 * PAAS_ROUTEDB_KEY_MAX + 1] = "";
	size_t i, n = 0;
	uint64_t id = 0;

	if (kinds[kind].name == NULL)
		kind = 0;
	if (kinds[kind].number > 0 && key->mv_size == 1 + kinds[kind].number) {
		for (i = 1; i < key->mv_size; i++)
			id = id << 8 | k[i];
		return verify_fail(v, "%s %llu: %s", kinds[kind].name,
		    (unsigned long long)id, what);
	}
	for (i = kind != 0; i < key->mv_size && i < PAAS_ROUTEDB_KEY_MAX; i++)
		n += (size_t)snprintf(name + n, sizeof(name) - n,
		    k[i] > ' ' && k[i] < 0x7f ? "%c" : "\\x%02x", k[i]);
	return verify_fail(v, "%s %s: %s", kinds[kind].name, name, what);
}

/* Was the value made by the rules?  v->again is what they would make of it. */
static int
verify_bytes(
    struct verify *v, const MDB_val *key, const MDB_val *value, size_t len)
{
	paas_routedb_seal(v->again, len, key->mv_data, key->mv_size);
	if (len != value->mv_size || memcmp(v->again, value->mv_data, len) != 0)
		return verify_fail_at(v, key, "bytes that no field explains");
	return PAAS_ROUTEDB_OK;
}

static int
verify_meta(struct verify *v, const MDB_val *key, const MDB_val *value)
{
	int rc = paas_routedb_decode_meta(key, value, &v->told);

	if (rc != PAAS_ROUTEDB_OK)
		return verify_fail(v, "meta: wrong length or CRC");
	return verify_bytes(
	    v, key, value, paas_routedb_encode_meta(v->again, &v->told));
}

static int
verify_pool(struct verify *v, const MDB_val *key, const MDB_val *value)
{
	paas_routedb_pool_record_t record;
	paas_routedb_str_t body;
	paas_routedb_pool_t pool;
	uint64_t id;
	uint32_t i;

	if (paas_routedb_decode_pool(key, value, &record) != 0)
		return verify_fail_at(v, key, "wrong length or CRC");
	memcpy(&id, (const uint8_t *)key->mv_data + 1, sizeof(id));
	if (paas_routedb_decode_body(record.body, be64toh(id), &pool) != 0)
		return verify_fail_at(v, key, "wrong fields");
	pool.home = record.home;
	for (i = 0; i < pool.ninstances; i++)
		paas_routedb_get_instance(&pool, i, &v->instances[i]);
	if (paas_routedb_check_pool(&pool, v->instances) != 0)
		return verify_fail_at(v, key, "a field out of its range");
	body.data = v->again + POOL_SIZE + record.home.len;
	body.len = paas_routedb_encode_body(
	    v->again + POOL_SIZE + record.home.len, &pool, v->instances);
	v->found.meta.npools++;
	return verify_bytes(v, key, value,
	    paas_routedb_encode_pool(v->again, record.home, &body));
}

/* A copy is of the only pool, the same bytes, and known to that pool. */
static int
verify_copy(
    struct verify *v, const MDB_val *key, const paas_routedb_host_t *host)
{
	uint8_t bytes[9];
	MDB_val k = {sizeof(bytes), bytes}, value;
	paas_routedb_pool_record_t record;

	if (host->inline_pool.len == 0)
		return PAAS_ROUTEDB_OK;
	paas_routedb_key_pool(bytes, paas_routedb_only_pool(host));
	if (paas_routedb_fetch(v->reader, bytes, sizeof(bytes), &value) != 0 ||
	    paas_routedb_decode_pool(&k, &value, &record) != 0)
		return verify_fail_at(v, key, "a copy of no pool");
	if (paas_routedb_compare(record.home, host->name) != 0 ||
	    paas_routedb_compare(record.body, host->inline_pool) != 0)
		return verify_fail_at(v, key, "its pool's copy is stale");
	return PAAS_ROUTEDB_OK;
}

static int
verify_host(struct verify *v, const MDB_val *key, const MDB_val *value)
{
	paas_routedb_host_t host, view;
	size_t len;
	uint32_t i;

	if (paas_routedb_decode_host(key, value, &host) != 0)
		return verify_fail_at(v, key, "wrong length or CRC");
	for (i = 0; i < host.npaths; i++)
		paas_routedb_get_path(&host, i, &v->paths[i]);
	if (paas_routedb_check_host(host.name, v->paths, host.npaths) != 0)
		return verify_fail_at(v, key, "a field out of its range");
	v->found.meta.nhosts++;
	if (host.name.data[0] == '.')
		v->found.wildcards[paas_routedb_labels(host.name)]++;
	if (verify_copy(v, key, &host) != 0)
		return PAAS_ROUTEDB_EDAMAGED;
	len = paas_routedb_encode_host(v->again, v->paths, host.npaths, &view);
	len = paas_routedb_replace_inline(
	    v->again, len, host.inline_pool.len > 0 ? &host.inline_pool : NULL);
	return verify_bytes(v, key, value, len);
}

static int
verify_pattern(struct verify *v, const MDB_val *key, const MDB_val *value)
{
	paas_routedb_host_t pattern;
	uint32_t i, order;

	if (paas_routedb_decode_pattern(key, value, &order, &pattern) != 0)
		return verify_fail_at(v, key, "wrong length or CRC");
	for (i = 0; i < pattern.npaths; i++)
		paas_routedb_get_path(&pattern, i, &v->paths[i]);
	if (paas_routedb_check_pattern(
		pattern.name, v->paths, pattern.npaths) != 0)
		return verify_fail_at(v, key, "a field out of its range");
	v->found.meta.npatterns++;
	return verify_bytes(v, key, value,
	    paas_routedb_encode_pattern(
		v->again, pattern.name, v->paths, pattern.npaths));
}

static int
verify_cert_host(struct verify *v, const MDB_val *key, const MDB_val *value)
{
	paas_routedb_str_t name;
	uint64_t ids[PAAS_ROUTEDB_CERTS_MAX];

	if (paas_routedb_decode_cert_host(key, value, ids) != 0)
		return verify_fail_at(v, key, "wrong length or CRC");
	name.data = (const uint8_t *)key->mv_data + 1;
	name.len = key->mv_size - 1;
	if (paas_routedb_check_cert_host(name, ids) != 0)
		return verify_fail_at(v, key, "a field out of its range");
	v->found.meta.ncerthosts++;
	return verify_bytes(
	    v, key, value, paas_routedb_encode_cert_host(v->again, ids));
}

static int
verify_cert(struct verify *v, const MDB_val *key, const MDB_val *value)
{
	paas_routedb_cert_t cert;

	if (paas_routedb_decode_cert(key, value, &cert) != 0)
		return verify_fail_at(v, key, "wrong length or CRC");
	v->found.meta.ncerts++;
	return verify_bytes(
	    v, key, value, paas_routedb_encode_cert(v->again, &cert));
}

static int
verify_keys(struct verify *v, const MDB_val *key, const MDB_val *value)
{
	paas_routedb_key_t keys[PAAS_ROUTEDB_KEYS_MAX];
	uint32_t n;

	if (paas_routedb_decode_keys(key, value, keys, &n) != 0)
		return verify_fail(v, "keys: wrong length or CRC");
	if (paas_routedb_check_keys(keys, n) != 0)
		return verify_fail(v, "keys: two have one number");
	return verify_bytes(
	    v, key, value, paas_routedb_encode_keys(v->again, keys, n));
}

static int
verify_record(const MDB_val *key, const MDB_val *value, void *arg)
{
	struct verify *v = arg;
	paas_routedb_str_t name = {key->mv_data, key->mv_size};
	MDB_val found;

	if (key->mv_size > PAAS_ROUTEDB_KEY_MAX)
		return verify_fail(v, "a key is too long");
	if (v->lastlen > 0 &&
	    paas_routedb_compare(
		name, (paas_routedb_str_t){v->last, v->lastlen}) <= 0)
		return verify_fail_at(v, key, "not in its order");
	memcpy(v->last, name.data, name.len);
	v->lastlen = name.len;
	if (paas_routedb_fetch(v->reader, name.data, name.len, &found) != 0 ||
	    found.mv_data != value->mv_data)
		return verify_fail_at(v, key, "a search does not find it");
	switch (name.data[0]) {
	case PAAS_ROUTEDB_TAG_META:
		return verify_meta(v, key, value);
	case PAAS_ROUTEDB_TAG_POOL:
		return verify_pool(v, key, value);
	case PAAS_ROUTEDB_TAG_HOST:
		return verify_host(v, key, value);
	case PAAS_ROUTEDB_TAG_PATTERN:
		return verify_pattern(v, key, value);
	case PAAS_ROUTEDB_TAG_CERT_HOST:
		return verify_cert_host(v, key, value);
	case PAAS_ROUTEDB_TAG_CERT:
		return verify_cert(v, key, value);
	case PAAS_ROUTEDB_TAG_KEYS:
		return verify_keys(v, key, value);
	}
	return verify_fail_at(v, key, "of no known kind");
}

static int
verify_counts(struct verify *v)
{
	const paas_routedb_meta_t *told = &v->told.meta;
	const paas_routedb_meta_t *found = &v->found.meta;
	const struct {
		const char *what;
		uint64_t told, found;
	} counts[] = {{"hosts", told->nhosts, found->nhosts},
	    {"pools", told->npools, found->npools},
	    {"patterns", told->npatterns, found->npatterns},
	    {"names of certificates", told->ncerthosts, found->ncerthosts},
	    {"certificates", told->ncerts, found->ncerts}};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		if (counts[i].told != counts[i].found)
			return verify_fail(v,
			    "meta counts %llu %s, there are %llu",
			    (unsigned long long)counts[i].told, counts[i].what,
			    (unsigned long long)counts[i].found);
	return PAAS_ROUTEDB_OK;
}

static int
verify_all(struct verify *v)
{
	int rc = paas_routedb_each(v->reader, 0, verify_record, v);

	if (rc == PAAS_ROUTEDB_EDAMAGED && v->err[0] == '\0')
		return verify_fail(v, "LMDB's own pages are damaged");
	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	if (verify_counts(v) != 0)
		return PAAS_ROUTEDB_EDAMAGED;
	if (memcmp(v->told.wildcards, v->found.wildcards,
		sizeof(v->told.wildcards)) != 0)
		return verify_fail(v, "meta counts other wildcards");
	if (v->told.meta.patterns > v->told.meta.generation ||
	    v->told.meta.keys > v->told.meta.generation)
		return verify_fail(v, "meta tells of a change to come");
	return PAAS_ROUTEDB_OK;
}

int
paas_routedb_verify(paas_routedb_reader_t *reader, char *err, size_t errlen)
{
	struct verify *v;
	uint64_t txn;
	int rc, end;

	v = calloc(1, sizeof(*v));
	if (v == NULL)
		return PAAS_ROUTEDB_ESYS;
	v->reader = reader;
	v->err = err;
	v->errlen = errlen;
	err[0] = '\0';
	rc = paas_routedb_begin(reader, &txn);
	if (rc == PAAS_ROUTEDB_OK) {
		rc = verify_all(v);
		end = paas_routedb_end(reader);
		if (end != PAAS_ROUTEDB_OK)
			rc = end;
	}
	if (rc != PAAS_ROUTEDB_OK && err[0] == '\0')
		snprintf(err, errlen, "%s", paas_routedb_strerror(rc));
	free(v);
	return rc;
}
