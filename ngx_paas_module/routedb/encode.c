/*
 * What a writer does with values: the rules they keep, and their bytes
 * (FORMAT.md).
 */
#include <stdlib.h>

#include "internal.h"

static const uint16_t instance_flags = PAAS_ROUTEDB_DRAINING;
static const uint16_t pool_flags =
    PAAS_ROUTEDB_STICKY | PAAS_ROUTEDB_RETRY_PUT | PAAS_ROUTEDB_NAME_INSTANCE |
    PAAS_ROUTEDB_NO_RETRY;
static const uint16_t path_flags =
    PAAS_ROUTEDB_STRIP | PAAS_ROUTEDB_TO_HTTPS | PAAS_ROUTEDB_TO_HOST;

/* ---- rules -------------------------------------------------------------- */

/* Letters, digits and what is harmless in a header, a label or a page. */
int
paas_routedb_check_word(paas_routedb_str_t s)
{
	static const char others[] = "-_.";

	if (s.len > PAAS_ROUTEDB_NAME_MAX)
		return 0;
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.data[i], l = c | 0x20;

		if (!(l >= 'a' && l <= 'z') && !(c >= '0' && c <= '9') &&
		    (c == 0 || strchr(others, c) == NULL))
			return 0;
	}
	return 1;
}

/* Is s what paas_routedb_canonical makes of it? */
int
paas_routedb_check_name(paas_routedb_str_t s, int allow)
{
	char out[PAAS_ROUTEDB_HOST_MAX + 1];
	int len = paas_routedb_canonical(s.data, s.len, allow, out);

	return len > 0 && (size_t)len == s.len &&
	       memcmp(out, s.data, s.len) == 0;
}

static int
compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int
check_instances(const paas_routedb_instance_t *in, uint32_t n)
{
	uint64_t ids[PAAS_ROUTEDB_INSTS_MAX];

	for (uint32_t i = 0; i < n; i++) {
		if (in[i].id == 0 || in[i].port == 0 || in[i].weight == 0 ||
		    in[i].weight > 1000 || (in[i].flags & ~instance_flags))
			return PAAS_ROUTEDB_EINVAL;
		ids[i] = in[i].id;
	}
	if (n > 2)
		qsort(ids, n, sizeof(ids[0]), compare_ids);
	for (uint32_t i = 1; i < n; i++)
		if (ids[i] == ids[i - 1])
			return PAAS_ROUTEDB_EINVAL;
	return PAAS_ROUTEDB_OK;
}

int
paas_routedb_check_pool(
    const paas_routedb_pool_t *pool, const paas_routedb_instance_t *instances)
{
	if (pool->id == 0 || pool->state > PAAS_ROUTEDB_CRASHED ||
	    pool->protocol > PAAS_ROUTEDB_H2C ||
	    pool->balance > PAAS_ROUTEDB_HASH ||
	    pool->hash_on > PAAS_ROUTEDB_ON_COOKIE ||
	    (pool->flags & ~pool_flags) || pool->retry_budget > 100 ||
	    pool->ninstances > PAAS_ROUTEDB_INSTS_MAX ||
	    !paas_routedb_check_word(pool->app) ||
	    !paas_routedb_check_word(pool->type) ||
	    !paas_routedb_check_word(pool->hash_name) ||
	    (pool->home.len > 0 &&
		!paas_routedb_check_name(pool->home, PAAS_ROUTEDB_ANY_NAME)) ||
	    (pool->hash_on == PAAS_ROUTEDB_ON_ADDRESS) !=
		(pool->hash_name.len == 0))
		return PAAS_ROUTEDB_EINVAL;
	return check_instances(instances, pool->ninstances);
}

/* "/", or whole segments with no slash at the end. */
int
paas_routedb_check_prefix(paas_routedb_str_t s)
{
	size_t segment = 0;

	if (s.len == 0 || s.len > PAAS_ROUTEDB_PREFIX_MAX || s.data[0] != '/')
		return 0;
	for (size_t i = 1; i <= s.len && s.len > 1; i++) {
		if (i < s.len && s.data[i] != '/') {
			if (s.data[i] <= ' ' || s.data[i] == 0x7f ||
			    s.data[i] == '?' || s.data[i] == '#')
				return 0;
			segment++;
			continue;
		}
		if (segment == 0 || (segment == 1 && s.data[i - 1] == '.') ||
		    (segment == 2 && s.data[i - 1] == '.' &&
			s.data[i - 2] == '.'))
			return 0;
		segment = 0;
	}
	return 1;
}

static int
check_path(const paas_routedb_path_t *path)
{
	int to_host = (path->flags & PAAS_ROUTEDB_TO_HOST) != 0;

	if (!paas_routedb_check_prefix(path->prefix) ||
	    (path->flags & ~path_flags) ||
	    path->ntargets > PAAS_ROUTEDB_POOLS_MAX ||
	    (path->ntargets == 0 && !to_host) ||
	    to_host != (path->redirect_host.len > 0) ||
	    (to_host && !paas_routedb_check_name(path->redirect_host, 0)))
		return 0;
	for (uint32_t i = 0; i < path->ntargets; i++) {
		if (path->targets[i].pool == 0 ||
		    path->targets[i].weight == 0 ||
		    path->targets[i].weight > 10000)
			return 0;
		for (uint32_t j = 0; j < i; j++)
			if (path->targets[j].pool == path->targets[i].pool)
				return 0;
	}
	return 1;
}

/* Longest first, then by bytes: so that any order handed over is one record. */
static int
compare_paths(const void *a, const void *b)
{
	const paas_routedb_str_t *x =
	    &(*(const paas_routedb_path_t *const *)a)->prefix;
	const paas_routedb_str_t *y =
	    &(*(const paas_routedb_path_t *const *)b)->prefix;

	if (x->len != y->len)
		return x->len < y->len ? 1 : -1;
	return memcmp(x->data, y->data, x->len);
}

static void
sort_paths(const paas_routedb_path_t **sorted, const paas_routedb_path_t *paths,
    uint32_t npaths)
{
	for (uint32_t i = 0; i < npaths; i++)
		sorted[i] = &paths[i];
	if (npaths > 1)
		qsort(sorted, npaths, sizeof(const void *), compare_paths);
}

static int
check_paths(const paas_routedb_path_t *paths, uint32_t npaths)
{
	const paas_routedb_path_t *sorted[PAAS_ROUTEDB_PATHS_MAX];

	if (npaths == 0 || npaths > PAAS_ROUTEDB_PATHS_MAX)
		return PAAS_ROUTEDB_EINVAL;
	for (uint32_t i = 0; i < npaths; i++)
		if (!check_path(&paths[i]))
			return PAAS_ROUTEDB_EINVAL;
	sort_paths(sorted, paths, npaths);
	for (uint32_t i = 1; i < npaths; i++)
		if (compare_paths(&sorted[i - 1], &sorted[i]) == 0)
			return PAAS_ROUTEDB_EINVAL;
	return PAAS_ROUTEDB_OK;
}

int
paas_routedb_check_host(
    paas_routedb_str_t name, const paas_routedb_path_t *paths, uint32_t npaths)
{
	if (!paas_routedb_check_name(name, PAAS_ROUTEDB_ANY_NAME))
		return PAAS_ROUTEDB_EINVAL;
	return check_paths(paths, npaths);
}

/* What matches a host needs no blanks, nor anything beyond ASCII. */
int
paas_routedb_check_pattern(
    paas_routedb_str_t text, const paas_routedb_path_t *paths, uint32_t npaths)
{
	if (text.len == 0 || text.len > PAAS_ROUTEDB_PATTERN_MAX)
		return PAAS_ROUTEDB_EINVAL;
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= ' ' || text.data[i] >= 0x7f)
			return PAAS_ROUTEDB_EINVAL;
	return check_paths(paths, npaths);
}

int
paas_routedb_check_keys(const paas_routedb_key_t *keys, uint32_t n)
{
	if (n > PAAS_ROUTEDB_KEYS_MAX)
		return PAAS_ROUTEDB_EINVAL;
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < i; j++)
			if (keys[j].id == keys[i].id)
				return PAAS_ROUTEDB_EINVAL;
	return PAAS_ROUTEDB_OK;
}

/* ---- bytes -------------------------------------------------------------- */

size_t
paas_routedb_encode_meta(uint8_t *out, const paas_routedb_head_t *head)
{
	uint8_t *p = out + META_SIZE;
	uint32_t ndepths = 0;

	for (uint32_t n = 0; n < PAAS_ROUTEDB_LABELS; n++) {
		if (head->wildcards[n] == 0)
			continue;
		p = paas_routedb_put32(
		    paas_routedb_put32(p, n), head->wildcards[n]);
		ndepths++;
	}
	paas_routedb_put32(out + META_VERSION, PAAS_ROUTEDB_VERSION);
	paas_routedb_put64(out + META_GENERATION, head->meta.generation);
	paas_routedb_put64(out + META_REVISION, head->meta.revision);
	paas_routedb_put64(out + META_NHOSTS, head->meta.nhosts);
	paas_routedb_put64(out + META_NPOOLS, head->meta.npools);
	paas_routedb_put64(out + META_NCERTHOSTS, head->meta.ncerthosts);
	paas_routedb_put64(out + META_NCERTS, head->meta.ncerts);
	paas_routedb_put64(out + META_PATTERNS, head->meta.patterns);
	paas_routedb_put64(out + META_KEYS, head->meta.keys);
	paas_routedb_put32(out + META_NPATTERNS, head->meta.npatterns);
	paas_routedb_put32(out + META_NDEPTHS, ndepths);
	return (size_t)(p - out);
}

static uint8_t *
put_instance(uint8_t *p, const paas_routedb_instance_t *in)
{
	p = paas_routedb_put64(p, in->id);
	memcpy(p, in->addr, sizeof(in->addr));
	p = paas_routedb_put16(p + sizeof(in->addr), in->port);
	p = paas_routedb_put16(p, in->weight);
	p = paas_routedb_put16(p, in->flags);
	p = paas_routedb_put16(p, in->number);
	return paas_routedb_put32(p, in->since);
}

size_t
paas_routedb_encode_body(uint8_t *out, const paas_routedb_pool_t *pool,
    const paas_routedb_instance_t *instances)
{
	uint8_t *p = paas_routedb_put64(out, pool->id);

	*p++ = pool->state;
	*p++ = pool->protocol;
	*p++ = pool->balance;
	*p++ = pool->hash_on;
	p = paas_routedb_put16(
	    paas_routedb_put16(p, pool->flags), pool->retry_budget);
	p = paas_routedb_put32(
	    paas_routedb_put32(p, pool->concurrency), pool->queue);
	p = paas_routedb_put32(
	    paas_routedb_put32(p, pool->slow_start), pool->hold);
	p = paas_routedb_put32(p, pool->ninstances);
	*p++ = (uint8_t)pool->app.len;
	*p++ = (uint8_t)pool->type.len;
	*p++ = (uint8_t)pool->hash_name.len;
	*p++ = 0;
	for (uint32_t i = 0; i < pool->ninstances; i++)
		p = put_instance(p, &instances[i]);
	p = paas_routedb_put_str(
	    paas_routedb_put_str(p, pool->app), pool->type);
	p = paas_routedb_put_str(p, pool->hash_name);
	return (size_t)(p - out);
}

size_t
paas_routedb_encode_pool(
    uint8_t *out, paas_routedb_str_t home, const paas_routedb_str_t *body)
{
	uint8_t *p = paas_routedb_put16(
	    paas_routedb_put16(out + POOL_HOME, (uint16_t)home.len), 0);

	return (
	    size_t)(paas_routedb_put_str(paas_routedb_put_str(p, home), *body) -
		    out);
}

size_t
paas_routedb_encode_host(uint8_t *out, const paas_routedb_path_t *paths,
    uint32_t npaths, paas_routedb_host_t *view)
{
	const paas_routedb_path_t *sorted[PAAS_ROUTEDB_PATHS_MAX], *path;
	uint8_t *p = paas_routedb_put16(
	    paas_routedb_put16(out + HOST_NPATHS, (uint16_t)npaths), 0);

	p = paas_routedb_put32(p, 0);
	sort_paths(sorted, paths, npaths);
	for (uint32_t i = 0; i < npaths; i++) {
		path = sorted[i];
		p = paas_routedb_put16(
		    paas_routedb_put16(p, (uint16_t)path->prefix.len),
		    path->flags);
		*p++ = (uint8_t)path->ntargets;
		*p++ = (uint8_t)path->redirect_host.len;
		p = paas_routedb_put16(p, 0);
		for (uint32_t t = 0; t < path->ntargets; t++)
			p = paas_routedb_put32(
			    paas_routedb_put64(p, path->targets[t].pool),
			    path->targets[t].weight);
		p = paas_routedb_put_str(
		    paas_routedb_put_str(p, path->prefix), path->redirect_host);
	}
	*view = (paas_routedb_host_t){
	    .npaths = npaths, .paths = out + HOST_SIZE, .end = p};
	return (size_t)(p - out);
}

size_t
paas_routedb_encode_pattern(uint8_t *out, paas_routedb_str_t text,
    const paas_routedb_path_t *paths, uint32_t npaths)
{
	paas_routedb_host_t view;
	size_t len = paas_routedb_encode_host(out, paths, npaths, &view);

	paas_routedb_put32(out + HOST_INLINE, (uint32_t)text.len);
	return (size_t)(paas_routedb_put_str(out + len, text) - out);
}

size_t
paas_routedb_replace_inline(
    uint8_t *value, size_t len, const paas_routedb_str_t *body)
{
	len -= paas_routedb_u32(value + HOST_INLINE);
	if (body == NULL || len + body->len > PAAS_ROUTEDB_INLINE_MAX) {
		paas_routedb_put32(value + HOST_INLINE, 0);
		return len;
	}
	paas_routedb_put32(value + HOST_INLINE, (uint32_t)body->len);
	return (size_t)(paas_routedb_put_str(value + len, *body) - value);
}

size_t
paas_routedb_encode_keys(
    uint8_t *out, const paas_routedb_key_t *keys, uint32_t n)
{
	uint8_t *p = paas_routedb_put32(out + KEYS_N, n);

	for (uint32_t i = 0; i < n; i++) {
		p = paas_routedb_put32(paas_routedb_put32(p, keys[i].id), 0);
		memcpy(p, keys[i].key, sizeof(keys[i].key));
		p += sizeof(keys[i].key);
	}
	return (size_t)(p - out);
}

void
paas_routedb_seal(uint8_t *value, size_t len, const uint8_t *key, size_t keylen)
{
	paas_routedb_put32(
	    value + CRC, paas_routedb_record_crc(value, len, key, keylen));
}
