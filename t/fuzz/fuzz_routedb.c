/* sources: ngx_paas_module/routedb/[!t]*.c ngx_paas_module/routedb/tool_[fp]*.c ngx_paas_module/routedb/tool_grammar.c; libs: -llmdb */
/*
 * The route database's decoders, its canonical hosts, the tool's text, and the
 * search of a file with damaged pages.  The first byte of an input chooses;
 * values are given the right CRC, or nothing would ever get past it.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

#define MUST(x)                  \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
fuzz_canonical(const uint8_t *data, size_t len)
{
	char once[PAAS_ROUTEDB_HOST_MAX + 1], twice[PAAS_ROUTEDB_HOST_MAX + 1];
	int n;

	for (int allow = 0; allow <= PAAS_ROUTEDB_ANY_NAME; allow++) {
		n = paas_routedb_canonical(data, len, allow, once);
		if (n < 0)
			continue;
		MUST(n > 0 && n <= PAAS_ROUTEDB_HOST_MAX && once[n] == '\0');
		for (int i = 0; i < n; i++)
			MUST(strchr("abcdefghijklmnopqrstuvwxyz0123456789"
				    "-_.:[]",
			    once[i]));
		MUST(allow || once[0] != '.');
		MUST((allow & PAAS_ROUTEDB_DEFAULT) || strcmp(once, ".") != 0);
		MUST(paas_routedb_canonical(
			 (uint8_t *)once, (size_t)n, allow, twice) == n);
		MUST(memcmp(once, twice, (size_t)n + 1) == 0);
	}
}

static void
fuzz_pool(const MDB_val *key, const MDB_val *value)
{
	static paas_routedb_instance_t in[PAAS_ROUTEDB_INSTS_MAX];
	static uint8_t again[PAAS_ROUTEDB_RECORD_MAX];
	paas_routedb_pool_record_t record;
	paas_routedb_pool_t pool;
	size_t n;

	if (paas_routedb_decode_pool(key, value, &record) != 0 ||
	    paas_routedb_decode_body(record.body, 0, &pool) != 0)
		return;
	for (uint32_t i = 0; i < pool.ninstances; i++)
		MUST(paas_routedb_get_instance(&pool, i, &in[i]) == 0);
	MUST(paas_routedb_get_instance(&pool, pool.ninstances, &in[0]) != 0);
	if (pool.ninstances > 0)
		paas_routedb_get_instance(&pool, 0, &in[0]);
	if (paas_routedb_check_pool(&pool, in) != 0)
		return;
	n = paas_routedb_encode_body(again, &pool, in);
	MUST(n == record.body.len);
}

static void
fuzz_host(const MDB_val *key, const MDB_val *value)
{
	static paas_routedb_path_t paths[PAAS_ROUTEDB_PATHS_MAX];
	static uint8_t again[PAAS_ROUTEDB_RECORD_MAX];
	paas_routedb_host_t host, view;
	paas_routedb_pool_t pool;
	uint32_t i;

	if (paas_routedb_decode_host(key, value, &host) != 0)
		return;
	for (i = 0; i < host.npaths; i++)
		MUST(paas_routedb_get_path(&host, i, &paths[i]) == 0);
	(void)paas_routedb_find_path(
	    &host, key->mv_data, key->mv_size, &paths[0]);
	(void)paas_routedb_get_path(&host, 0, &paths[0]);
	(void)paas_routedb_only_pool(&host);
	(void)paas_routedb_decode_body(host.inline_pool, 0, &pool);
	if (paas_routedb_check_host(host.name, paths, host.npaths) == 0)
		MUST(paas_routedb_encode_host(again, paths, host.npaths,
			 &view) == value->mv_size - host.inline_pool.len);
}

static void
fuzz_pattern(const MDB_val *key, const MDB_val *value)
{
	static paas_routedb_path_t paths[PAAS_ROUTEDB_PATHS_MAX];
	static uint8_t again[PAAS_ROUTEDB_RECORD_MAX];
	paas_routedb_host_t pattern;
	uint32_t order;

	if (paas_routedb_decode_pattern(key, value, &order, &pattern) != 0)
		return;
	for (uint32_t i = 0; i < pattern.npaths; i++)
		MUST(paas_routedb_get_path(&pattern, i, &paths[i]) == 0);
	if (paas_routedb_check_pattern(pattern.name, paths, pattern.npaths) ==
	    0)
		MUST(paas_routedb_encode_pattern(again, pattern.name, paths,
			 pattern.npaths) == value->mv_size);
}

static void
fuzz_keys(const MDB_val *key, const MDB_val *value)
{
	paas_routedb_key_t keys[PAAS_ROUTEDB_KEYS_MAX];
	uint8_t again[512];
	uint32_t n;

	if (paas_routedb_decode_keys(key, value, keys, &n) == 0)
		MUST(
		    paas_routedb_encode_keys(again, keys, n) == value->mv_size);
}

static void
fuzz_cert_host(const MDB_val *key, const MDB_val *value)
{
	uint8_t again[CERT_HOST_SIZE_MAX];
	uint64_t ids[PAAS_ROUTEDB_CERTS_MAX];

	if (paas_routedb_decode_cert_host(key, value, ids) == 0)
		MUST(paas_routedb_encode_cert_host(again, ids) ==
		     value->mv_size);
}

static void
fuzz_cert(const MDB_val *key, const MDB_val *value)
{
	static uint8_t again[PAAS_ROUTEDB_RECORD_MAX];
	paas_routedb_cert_t cert;

	if (paas_routedb_decode_cert(key, value, &cert) != 0)
		return;
	MUST(paas_routedb_check_cert(&cert) == 0);
	MUST(paas_routedb_encode_cert(again, &cert) == value->mv_size);
	MUST(memcmp(again + 4, (uint8_t *)value->mv_data + 4,
		 value->mv_size - 4) == 0);
}

static void
fuzz_meta(const MDB_val *key, const MDB_val *value)
{
	paas_routedb_head_t head;

	(void)paas_routedb_decode_meta(key, value, &head);
}

static void (*const kinds[])(const MDB_val *, const MDB_val *) = {
    [PAAS_ROUTEDB_TAG_META] = fuzz_meta,
    [PAAS_ROUTEDB_TAG_POOL] = fuzz_pool,
    [PAAS_ROUTEDB_TAG_HOST] = fuzz_host,
    [PAAS_ROUTEDB_TAG_PATTERN] = fuzz_pattern,
    [PAAS_ROUTEDB_TAG_KEYS] = fuzz_keys,
    [PAAS_ROUTEDB_TAG_CERT_HOST] = fuzz_cert_host,
    [PAAS_ROUTEDB_TAG_CERT] = fuzz_cert,
};

static void
fuzz_record(uint8_t tag, const uint8_t *data, size_t len)
{
	MDB_val key, value;
	uint8_t *k, *v;

	if (len < 1 || len < 1 + (size_t)data[0] + 4)
		return;
	/* Each in memory of its size, so that a byte beyond is seen. */
	key = (MDB_val){1 + (size_t)data[0], malloc(1 + (size_t)data[0])};
	value = (MDB_val){len - key.mv_size, malloc(len - key.mv_size)};
	k = key.mv_data;
	v = value.mv_data;
	memcpy(k, data, key.mv_size);
	memcpy(v, data + key.mv_size, value.mv_size);
	k[0] = tag;
	paas_routedb_seal(v, value.mv_size, k, key.mv_size);
	kinds[tag](&key, &value);
	free(k);
	free(v);
}

/* What was understood is printed, and must be understood again. */
static void
fuzz_text(const uint8_t *data, size_t len)
{
	static struct tool_line line, again;
	char err[TOOL_ERRLEN], *text = NULL;
	size_t n = 0;
	FILE *out;

	if (memchr(data, '\n', len) != NULL ||
	    tool_parse((paas_routedb_str_t){data, len}, &line, err) != 0)
		return;
	out = open_memstream(&text, &n);
	MUST(out != NULL);
	if (line.kind == TOOL_HOST)
		tool_print_host(out,
		    (paas_routedb_str_t){(uint8_t *)line.host, line.hostlen},
		    &line.path);
	else if (line.kind == TOOL_POOL)
		tool_print_pool(out, &line.pool);
	else if (line.kind == TOOL_PATTERN)
		tool_print_pattern(out, line.order, line.pattern, &line.path);
	else if (line.kind == TOOL_CERT)
		tool_print_cert(out, &line.cert);
	else if (line.kind == TOOL_CERT_HOST)
		tool_print_cert_host(out,
		    (paas_routedb_str_t){(uint8_t *)line.host, line.hostlen},
		    line.certs);
	else if (line.kind == TOOL_KEYS)
		tool_print_keys(out, line.keys, line.nkeys);
	else if (line.kind == TOOL_REVISION)
		tool_print_revision(out, line.revision);
	fclose(out);
	if (n > 0) {
		paas_routedb_str_t s = {(uint8_t *)text, n - 1};

		MUST(tool_parse(s, &again, err) == 0);
		MUST(again.kind == line.kind);
	}
	free(text);
}

/* ---- damaged pages ----------------------------------------------------- */

#define HOSTS 200

static paas_routedb_str_t
str(const char *s)
{
	return (paas_routedb_str_t){(const uint8_t *)s, strlen(s)};
}

static size_t
host_name(char *name, size_t size, unsigned i)
{
	int n = snprintf(
	    name, size, i % 4 ? "h%u.a-rather-long-name.test" : ".h%u.test", i);

	return (size_t)n;
}

/* Records of all kinds, on branches, leaves and pages of their own. */
static void
write_all(paas_routedb_writer_t *w)
{
	static char chain[20000], name[64];
	paas_routedb_path_t path = {
	    .prefix = str("/"), .ntargets = 1, .targets = {{0, 100}}};
	paas_routedb_instance_t in = {.id = 1, .port = 80, .weight = 1};
	paas_routedb_key_t key = {.id = 1};
	paas_routedb_cert_t cert = {1, {NULL, 0}, str("key")};
	paas_routedb_pool_t pool = {.app = str("app"), .ninstances = 1};

	memset(chain, 'c', sizeof(chain));
	for (unsigned i = 1; i < HOSTS; i++) {
		pool.id = path.targets[0].pool = i;
		MUST(paas_routedb_put_pool(w, &pool, &in) == 0);
		MUST(paas_routedb_put_host(w,
			 (paas_routedb_str_t){
			     (uint8_t *)name, host_name(name, sizeof(name), i)},
			 &path, 1) == 0);
		MUST(i > 10 ||
		     paas_routedb_put_pattern(w, i, str("x.*"), &path, 1) == 0);
	}
	cert.chain = (paas_routedb_str_t){(uint8_t *)chain, sizeof(chain)};
	MUST(paas_routedb_put_cert(w, &cert) == 0);
	MUST(paas_routedb_put_cert_host(w, str(".test"), (uint64_t[]){1, 0}) ==
	     0);
	MUST(paas_routedb_put_keys(w, &key, 1) == 0);
}

/* A whole file, made once; *size is its length. */
static const uint8_t *
good_file(size_t *size)
{
	static uint8_t *bytes;
	static size_t len;
	char dir[] = "/tmp/paas-fuzz-XXXXXX", path[64];
	paas_routedb_writer_t *w;
	struct stat st;
	FILE *f;

	*size = len;
	if (bytes != NULL)
		return bytes;
	MUST(mkdtemp(dir) != NULL);
	MUST(paas_routedb_writer_open(&w, dir, 0) == 0);
	MUST(paas_routedb_write_begin(w) == 0);
	write_all(w);
	MUST(paas_routedb_commit(w) == 0);
	paas_routedb_writer_close(w);
	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	f = fopen(path, "r");
	MUST(f != NULL && fstat(fileno(f), &st) == 0);
	*size = len = (size_t)st.st_size;
	MUST((bytes = malloc(len)) != NULL);
	MUST(fread(bytes, 1, len, f) == len);
	fclose(f);
	for (const char *const *name = (const char *const[]){"data.mdb",
		 "lock.mdb", "writer.lock", NULL};
	     *name != NULL; name++) {
		snprintf(path, sizeof(path), "%s/%s", dir, *name);
		unlink(path);
	}
	rmdir(dir);
	return bytes;
}

static int
touch(const MDB_val *key, const MDB_val *value, void *arg)
{
	if (key->mv_size <= PAAS_ROUTEDB_KEY_MAX && value->mv_size > 4)
		*(uint32_t *)arg += paas_routedb_record_crc(
		    value->mv_data, value->mv_size, key->mv_data, key->mv_size);
	return 0;
}

/* What is found is what was written, or nothing. */
static void
search_all(paas_routedb_reader_t *reader)
{
	paas_routedb_host_t host;
	paas_routedb_pool_t pool;
	paas_routedb_cert_t cert;
	char name[64];
	uint64_t ids[PAAS_ROUTEDB_CERTS_MAX];
	uint32_t sum = 0;

	for (unsigned i = 1; i < HOSTS; i++) {
		size_t len = host_name(name, sizeof(name), i);

		if (paas_routedb_find_host(reader, name, len, &host) == 0)
			MUST(paas_routedb_only_pool(&host) == i);
		if (paas_routedb_find_pool(reader, NULL, i, &pool) == 0)
			MUST(pool.id == i && pool.ninstances == 1);
		(void)paas_routedb_find_pattern(reader, i, &host);
	}
	(void)paas_routedb_find_cert_host(reader, "a.test", 6, ids);
	if (paas_routedb_find_cert(reader, 1, &cert) == 0)
		MUST(cert.chain.len == 20000 && cert.key.len == 3);
	(void)paas_routedb_each(reader, 0, touch, &sum);
	(void)paas_routedb_each(reader, PAAS_ROUTEDB_TAG_HOST, touch, &sum);
}

/* Four bytes each: a page, a place in it (2), and what is put there. */
static void
fuzz_pages(const uint8_t *data, size_t len)
{
	size_t size, at;
	const uint8_t *good = good_file(&size);
	uint8_t *bytes = malloc(size);
	paas_routedb_top_t *top = malloc(sizeof(*top));
	paas_routedb_reader_t reader = {.map = {.base = bytes,
					    .size = size,
					    .shift = 12,
					    .txn = PAAS_ROUTEDB_NO_TXN,
					    .top = top}};

	MUST(bytes != NULL && top != NULL);
	memcpy(bytes, good, size);
	for (; len >= 4; data += 4, len -= 4) {
		at =
		    (size_t)data[0] << 12 | (paas_routedb_u16(data + 1) & 4095);
		bytes[at % size] = data[3];
	}
	if (paas_routedb_map_begin(&reader.map) == 0)
		search_all(&reader);
	free(bytes);
	free(top);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	if (data[0] == 0)
		fuzz_canonical(data + 1, len - 1);
	else if (data[0] < sizeof(kinds) / sizeof(kinds[0]))
		fuzz_record(data[0], data + 1, len - 1);
	else if (data[0] >= 0xf0)
		fuzz_pages(data + 1, len - 1);
	else
		fuzz_text(data + 1, len - 1);
	return 0;
}
