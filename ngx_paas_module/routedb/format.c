/*
 * The bytes of the route database (FORMAT.md): keys, and what a reader does
 * with values.
 */
#include "internal.h"

int
paas_routedb_sealed(
    const MDB_val *key, const MDB_val *value, uint8_t tag, size_t min)
{
	const uint8_t *k = key->mv_data, *v = value->mv_data;

	return key->mv_size >= 1 && key->mv_size <= PAAS_ROUTEDB_KEY_MAX &&
	       value->mv_size >= min &&
	       value->mv_size <= PAAS_ROUTEDB_RECORD_MAX && k[0] == tag &&
	       paas_routedb_u32(v + CRC) ==
		   paas_routedb_record_crc(v, value->mv_size, k, key->mv_size);
}

/* ---- keys --------------------------------------------------------------- */

size_t
paas_routedb_key_meta(uint8_t *out)
{
	out[0] = PAAS_ROUTEDB_TAG_META;
	return 1;
}

size_t
paas_routedb_key_keys(uint8_t *out)
{
	out[0] = PAAS_ROUTEDB_TAG_KEYS;
	return 1;
}

/* Big endian in keys alone: in order of bytes is in order of numbers. */
size_t
paas_routedb_key_pool(uint8_t *out, uint64_t id)
{
	out[0] = PAAS_ROUTEDB_TAG_POOL;
	id = htobe64(id);
	memcpy(out + 1, &id, sizeof(id));
	return 1 + sizeof(id);
}

size_t
paas_routedb_key_host(uint8_t *out, paas_routedb_str_t name)
{
	out[0] = PAAS_ROUTEDB_TAG_HOST;
	memcpy(out + 1, name.data, name.len);
	return 1 + name.len;
}

size_t
paas_routedb_key_cert_host(uint8_t *out, paas_routedb_str_t name)
{
	size_t len = paas_routedb_key_host(out, name);

	out[0] = PAAS_ROUTEDB_TAG_CERT_HOST;
	return len;
}

size_t
paas_routedb_key_cert(uint8_t *out, uint64_t id)
{
	size_t len = paas_routedb_key_pool(out, id);

	out[0] = PAAS_ROUTEDB_TAG_CERT;
	return len;
}

size_t
paas_routedb_key_pattern(uint8_t *out, uint32_t order)
{
	out[0] = PAAS_ROUTEDB_TAG_PATTERN;
	order = htobe32(order);
	memcpy(out + 1, &order, sizeof(order));
	return 1 + sizeof(order);
}

int
paas_routedb_compare(paas_routedb_str_t a, paas_routedb_str_t b)
{
	size_t shared = a.len < b.len ? a.len : b.len;
	int order = shared > 0 ? memcmp(a.data, b.data, shared) : 0;

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

uint32_t
paas_routedb_labels(paas_routedb_str_t name)
{
	uint32_t n = !paas_routedb_is_default(name);

	for (size_t i = 1; i < name.len; i++)
		n += name.data[i] == '.';
	return n;
}

/* ---- meta --------------------------------------------------------------- */

int
paas_routedb_decode_meta(
    const MDB_val *key, const MDB_val *value, paas_routedb_head_t *head)
{
	const uint8_t *v = value->mv_data, *p;
	uint32_t ndepths, depth;

	memset(head, 0, sizeof(*head));
	if (key->mv_size != 1 || !paas_routedb_sealed(key, value,
				     PAAS_ROUTEDB_TAG_META, META_VERSION + 4))
		return PAAS_ROUTEDB_EDAMAGED;
	head->meta.version = paas_routedb_u32(v + META_VERSION);
	if (head->meta.version != PAAS_ROUTEDB_VERSION)
		return PAAS_ROUTEDB_EVERSION;
	if (value->mv_size < META_SIZE)
		return PAAS_ROUTEDB_EDAMAGED;
	head->meta.generation = paas_routedb_u64(v + META_GENERATION);
	head->meta.revision = paas_routedb_u64(v + META_REVISION);
	head->meta.nhosts = paas_routedb_u64(v + META_NHOSTS);
	head->meta.npools = paas_routedb_u64(v + META_NPOOLS);
	head->meta.ncerthosts = paas_routedb_u64(v + META_NCERTHOSTS);
	head->meta.ncerts = paas_routedb_u64(v + META_NCERTS);
	head->meta.patterns = paas_routedb_u64(v + META_PATTERNS);
	head->meta.keys = paas_routedb_u64(v + META_KEYS);
	head->meta.npatterns = paas_routedb_u32(v + META_NPATTERNS);
	ndepths = paas_routedb_u32(v + META_NDEPTHS);
	if (ndepths >= PAAS_ROUTEDB_LABELS ||
	    value->mv_size != META_SIZE + 8 * (size_t)ndepths)
		return PAAS_ROUTEDB_EDAMAGED;
	for (p = v + META_SIZE; ndepths > 0; ndepths--, p += 8) {
		depth = paas_routedb_u32(p);
		if (depth >= PAAS_ROUTEDB_LABELS)
			return PAAS_ROUTEDB_EDAMAGED;
		head->wildcards[depth] = paas_routedb_u32(p + 4);
		head->meta.depths[depth / 64] |= UINT64_C(1) << (depth % 64);
	}
	return PAAS_ROUTEDB_OK;
}

/* ---- pools -------------------------------------------------------------- */

int
paas_routedb_decode_pool(const MDB_val *key, const MDB_val *value,
    paas_routedb_pool_record_t *record)
{
	const uint8_t *v = value->mv_data;

	if (key->mv_size != 9 ||
	    !paas_routedb_sealed(key, value, PAAS_ROUTEDB_TAG_POOL, POOL_SIZE))
		return PAAS_ROUTEDB_EDAMAGED;
	record->home.data = v + POOL_SIZE;
	record->home.len = paas_routedb_u16(v + POOL_HOME);
	if (record->home.len > PAAS_ROUTEDB_HOST_MAX ||
	    record->home.len > value->mv_size - POOL_SIZE)
		return PAAS_ROUTEDB_EDAMAGED;
	record->body.data = v + POOL_SIZE + record->home.len;
	record->body.len = value->mv_size - POOL_SIZE - record->home.len;
	return PAAS_ROUTEDB_OK;
}

/* Of the pool id, or of any for 0. */
int
paas_routedb_decode_body(
    paas_routedb_str_t body, uint64_t id, paas_routedb_pool_t *pool)
{
	const uint8_t *p = body.data;
	size_t app, type, hash_name;

	if (body.len < PAAS_ROUTEDB_BODY)
		return PAAS_ROUTEDB_EDAMAGED;
	pool->id = paas_routedb_u64(p);
	pool->state = p[8];
	pool->protocol = p[9];
	pool->balance = p[10];
	pool->hash_on = p[11];
	pool->flags = paas_routedb_u16(p + 12);
	pool->retry_budget = paas_routedb_u16(p + 14);
	pool->concurrency = paas_routedb_u32(p + 16);
	pool->queue = paas_routedb_u32(p + 20);
	pool->slow_start = paas_routedb_u32(p + 24);
	pool->hold = paas_routedb_u32(p + 28);
	pool->ninstances = paas_routedb_u32(p + 32);
	app = p[36];
	type = p[37];
	hash_name = p[38];
	if (pool->ninstances > PAAS_ROUTEDB_INSTS_MAX ||
	    body.len != PAAS_ROUTEDB_BODY +
			    PAAS_ROUTEDB_INSTANCE * (size_t)pool->ninstances +
			    app + type + hash_name ||
	    pool->id == 0 || (id != 0 && pool->id != id) ||
	    pool->state > PAAS_ROUTEDB_CRASHED || pool->retry_budget > 100 ||
	    pool->protocol > PAAS_ROUTEDB_H2C ||
	    pool->balance > PAAS_ROUTEDB_HASH ||
	    pool->hash_on > PAAS_ROUTEDB_ON_COOKIE)
		return PAAS_ROUTEDB_EDAMAGED;
	pool->instances = p + PAAS_ROUTEDB_BODY;
	p = body.data + body.len - app - type - hash_name;
	pool->app = (paas_routedb_str_t){p, app};
	pool->type = (paas_routedb_str_t){p + app, type};
	pool->hash_name = (paas_routedb_str_t){p + app + type, hash_name};
	pool->home = (paas_routedb_str_t){NULL, 0};
	return PAAS_ROUTEDB_OK;
}

int
paas_routedb_get_instance(
    const paas_routedb_pool_t *pool, uint32_t i, paas_routedb_instance_t *out)
{
	const uint8_t *p;

	if (i >= pool->ninstances)
		return PAAS_ROUTEDB_ENOTFOUND;
	p = pool->instances + PAAS_ROUTEDB_INSTANCE * (size_t)i;
	out->id = paas_routedb_u64(p);
	memcpy(out->addr, p + 8, sizeof(out->addr));
	out->port = paas_routedb_u16(p + 24);
	out->weight = paas_routedb_u16(p + 26);
	out->flags = paas_routedb_u16(p + 28);
	out->number = paas_routedb_u16(p + 30);
	out->since = paas_routedb_u32(p + 32);
	return PAAS_ROUTEDB_OK;
}

/* ---- hosts -------------------------------------------------------------- */

/* The bytes of the path at p, 0 if it does not end before end. */
static size_t
path_size(const uint8_t *p, const uint8_t *end)
{
	size_t left = (size_t)(end - p), need;

	if (left < PATH_SIZE)
		return 0;
	need =
	    PATH_SIZE + TARGET_SIZE * (size_t)p[4] + paas_routedb_u16(p) + p[5];
	return need <= left && p[4] <= PAAS_ROUTEDB_POOLS_MAX ? need : 0;
}

static paas_routedb_str_t
path_prefix(const uint8_t *p)
{
	return (paas_routedb_str_t){
	    p + PATH_SIZE + TARGET_SIZE * (size_t)p[4], paas_routedb_u16(p)};
}

static void
decode_path(const uint8_t *p, paas_routedb_path_t *out)
{
	out->prefix = path_prefix(p);
	out->flags = paas_routedb_u16(p + 2);
	out->ntargets = p[4];
	out->redirect_host.data = out->prefix.data + out->prefix.len;
	out->redirect_host.len = p[5];
	p += PATH_SIZE;
	for (uint32_t i = 0; i < out->ntargets; i++, p += TARGET_SIZE) {
		out->targets[i].pool = paas_routedb_u64(p);
		out->targets[i].weight = paas_routedb_u32(p + 8);
	}
}

/* The paths of a host or a pattern; what stands behind them is *tail. */
static int
decode_paths(
    const MDB_val *value, paas_routedb_host_t *host, paas_routedb_str_t *tail)
{
	const uint8_t *v = value->mv_data, *p;
	size_t len = value->mv_size, copy, size;

	host->npaths = paas_routedb_u16(v + HOST_NPATHS);
	copy = paas_routedb_u32(v + HOST_INLINE);
	if (copy > len - HOST_SIZE || host->npaths == 0 ||
	    host->npaths > PAAS_ROUTEDB_PATHS_MAX)
		return PAAS_ROUTEDB_EDAMAGED;
	host->paths = v + HOST_SIZE;
	host->end = v + len - copy;
	*tail = (paas_routedb_str_t){host->end, copy};
	p = host->paths;
	for (uint32_t i = 0; i < host->npaths; i++, p += size)
		if ((size = path_size(p, host->end)) == 0)
			return PAAS_ROUTEDB_EDAMAGED;
	return p == host->end ? PAAS_ROUTEDB_OK : PAAS_ROUTEDB_EDAMAGED;
}

int
paas_routedb_decode_host(
    const MDB_val *key, const MDB_val *value, paas_routedb_host_t *host)
{
	if (key->mv_size < 2 ||
	    !paas_routedb_sealed(key, value, PAAS_ROUTEDB_TAG_HOST, HOST_SIZE))
		return PAAS_ROUTEDB_EDAMAGED;
	host->name.data = (const uint8_t *)key->mv_data + 1;
	host->name.len = key->mv_size - 1;
	return decode_paths(value, host, &host->inline_pool);
}

int
paas_routedb_decode_pattern(const MDB_val *key, const MDB_val *value,
    uint32_t *order, paas_routedb_host_t *pattern)
{
	if (key->mv_size != 1 + sizeof(*order) ||
	    !paas_routedb_sealed(
		key, value, PAAS_ROUTEDB_TAG_PATTERN, HOST_SIZE) ||
	    decode_paths(value, pattern, &pattern->name) != PAAS_ROUTEDB_OK ||
	    pattern->name.len == 0 ||
	    pattern->name.len > PAAS_ROUTEDB_PATTERN_MAX)
		return PAAS_ROUTEDB_EDAMAGED;
	memcpy(order, (const uint8_t *)key->mv_data + 1, sizeof(*order));
	*order = be32toh(*order);
	pattern->inline_pool = (paas_routedb_str_t){NULL, 0};
	return PAAS_ROUTEDB_OK;
}

/* Sizes are checked again: the bytes are shared, and may be another's soon. */
int
paas_routedb_get_path(
    const paas_routedb_host_t *host, uint32_t i, paas_routedb_path_t *out)
{
	const uint8_t *p = host->paths;
	size_t size;

	if (i >= host->npaths)
		return PAAS_ROUTEDB_ENOTFOUND;
	for (;; p += size) {
		if ((size = path_size(p, host->end)) == 0)
			return PAAS_ROUTEDB_EDAMAGED;
		if (i-- == 0)
			break;
	}
	decode_path(p, out);
	return PAAS_ROUTEDB_OK;
}

static int
prefix_covers(paas_routedb_str_t prefix, const uint8_t *path, size_t len)
{
	if (prefix.len == 1)
		return 1;
	return len >= prefix.len &&
	       (len == prefix.len || path[prefix.len] == '/') &&
	       memcmp(path, prefix.data, prefix.len) == 0;
}

int
paas_routedb_find_path(const paas_routedb_host_t *host, const uint8_t *path,
    size_t len, paas_routedb_path_t *out)
{
	const uint8_t *p = host->paths;
	size_t size;

	for (uint32_t i = 0; i < host->npaths; i++, p += size) {
		if ((size = path_size(p, host->end)) == 0)
			return PAAS_ROUTEDB_EDAMAGED;
		if (prefix_covers(path_prefix(p), path, len)) {
			decode_path(p, out);
			return PAAS_ROUTEDB_OK;
		}
	}
	return PAAS_ROUTEDB_ENOTFOUND;
}

uint64_t
paas_routedb_only_pool(const paas_routedb_host_t *host)
{
	paas_routedb_path_t path;
	uint64_t only = 0;

	for (uint32_t i = 0; i < host->npaths; i++) {
		if (paas_routedb_get_path(host, i, &path) != PAAS_ROUTEDB_OK)
			return 0;
		for (uint32_t t = 0; t < path.ntargets; t++) {
			if (only != 0 && path.targets[t].pool != only)
				return 0;
			only = path.targets[t].pool;
		}
	}
	return only;
}

/* ---- the keys of the sticky cookie --------------------------------------- */

int
paas_routedb_decode_keys(const MDB_val *key, const MDB_val *value,
    paas_routedb_key_t keys[PAAS_ROUTEDB_KEYS_MAX], uint32_t *n)
{
	const uint8_t *p = value->mv_data;

	if (key->mv_size != 1 ||
	    !paas_routedb_sealed(key, value, PAAS_ROUTEDB_TAG_KEYS, KEYS_SIZE))
		return PAAS_ROUTEDB_EDAMAGED;
	*n = paas_routedb_u32(p + KEYS_N);
	if (*n == 0 || *n > PAAS_ROUTEDB_KEYS_MAX ||
	    value->mv_size != KEYS_SIZE + KEYS_EACH * (size_t)*n)
		return PAAS_ROUTEDB_EDAMAGED;
	p += KEYS_SIZE;
	for (uint32_t i = 0; i < *n; i++, p += KEYS_EACH) {
		keys[i].id = paas_routedb_u32(p);
		memcpy(keys[i].key, p + 8, sizeof(keys[i].key));
	}
	return PAAS_ROUTEDB_OK;
}
