/*
 * What the files of this folder share, and nobody else.  FORMAT.md has the
 * bytes.
 */
#ifndef PAAS_ROUTEDB_INTERNAL_H
#define PAAS_ROUTEDB_INTERNAL_H

#include <endian.h>
#include <lmdb.h>
#include <setjmp.h>
#include <string.h>

#include "paas_routedb.h"

/* The first byte of a key.  Pools sort before the hosts that name them. */
enum {
	PAAS_ROUTEDB_TAG_META = 1,
	PAAS_ROUTEDB_TAG_POOL,
	PAAS_ROUTEDB_TAG_HOST,
	PAAS_ROUTEDB_TAG_PATTERN,
	PAAS_ROUTEDB_TAG_KEYS,
	PAAS_ROUTEDB_TAG_CERT_HOST,
	PAAS_ROUTEDB_TAG_CERT
};

#define PAAS_ROUTEDB_KEY_MAX  (1 + PAAS_ROUTEDB_HOST_MAX)
#define PAAS_ROUTEDB_LABELS   128 /* more than any host has */
#define PAAS_ROUTEDB_ANY_NAME (PAAS_ROUTEDB_WILDCARD | PAAS_ROUTEDB_DEFAULT)
#define PAAS_ROUTEDB_INSTANCE 36 /* bytes of an encoded instance */
#define PAAS_ROUTEDB_BODY     40 /* of a pool before its instances */

/* A host record with its copy of a pool is kept within a fourth of a page. */
#define PAAS_ROUTEDB_INLINE_MAX 1024

/* Offsets within a value; all of them start with the CRC. */
enum {
	CRC = 0,
	META_VERSION = 4,
	META_GENERATION = 8,
	META_REVISION = 16,
	META_NHOSTS = 24,
	META_NPOOLS = 32,
	META_NCERTHOSTS = 40,
	META_NCERTS = 48,
	META_PATTERNS = 56,
	META_KEYS = 64,
	META_NPATTERNS = 72,
	META_NDEPTHS = 76,
	META_SIZE = 80, /* then ndepths times depth, count */
	POOL_HOME = 4,
	POOL_SIZE = 8, /* then home, body */
	HOST_NPATHS = 4,
	HOST_INLINE = 8, /* of a pattern: its text */
	HOST_SIZE = 12,  /* then paths, a pool's body */
	PATH_SIZE = 8,   /* then targets, prefix, redirect host */
	TARGET_SIZE = 12,
	KEYS_N = 4,
	KEYS_SIZE = 8, /* then the keys */
	KEYS_EACH = 40,
	CERT_HOST_ID = 4,
	CERT_HOST_SIZE = 12, /* of one; of two: */
	CERT_HOST_SIZE_MAX = 20,
	CERT_CHAIN = 4,
	CERT_SIZE = 8 /* then chain, key */
};

/* No record is longer: 256 paths with 16 targets each, all strings full. */
#define PAAS_ROUTEDB_RECORD_MAX                                              \
	(16 + PAAS_ROUTEDB_INLINE_MAX +                                      \
	    PAAS_ROUTEDB_PATHS_MAX *                                         \
		(8 + 12 * PAAS_ROUTEDB_POOLS_MAX + PAAS_ROUTEDB_PREFIX_MAX + \
		    PAAS_ROUTEDB_HOST_MAX))

/* Meta as the writer keeps it: wildcards[n] hosts are wildcards of n labels. */
typedef struct {
	paas_routedb_meta_t meta;
	uint32_t wildcards[PAAS_ROUTEDB_LABELS];
} paas_routedb_head_t;

/* A pool record: the pool's body and its home. */
typedef struct {
	paas_routedb_str_t body;
	paas_routedb_str_t home;
} paas_routedb_pool_record_t;

/*
 * The upper levels of a tree in one sorted array: the first 16 bytes of the
 * keys as numbers, and the pages that begin with them.  What is not found by
 * it is looked for from the root, so that it may be wrong.
 */
#define PAAS_ROUTEDB_TOP 1024
typedef struct {
	unsigned finds; /* of this snapshot, until it is worth making */
	unsigned level; /* of the pages; 0 if there is none */
	unsigned n;
	uint64_t first[PAAS_ROUTEDB_TOP], second[PAAS_ROUTEDB_TOP];
	uint64_t page[PAAS_ROUTEDB_TOP];
} paas_routedb_top_t;

/* LMDB's file and, between begin and end, a snapshot of it: map.c. */
typedef struct {
	const uint8_t *base; /* NULL: nothing is mapped, LMDB has to search */
	size_t size;
	unsigned shift; /* a page has 1 << shift bytes */
	unsigned depth; /* of the tree; 0 if there are no records */
	uint64_t txn;
	uint64_t npages; /* the first number that is none */
	uint64_t root;
	paas_routedb_top_t *top; /* NULL: without */
} paas_routedb_map_t;

#define PAAS_ROUTEDB_NO_TXN UINT64_MAX /* that of an empty database is 0 */

struct paas_routedb_reader_s {
	MDB_env *env;
	MDB_dbi dbi;
	paas_routedb_map_t map;
	MDB_txn *txn;    /* of the read that is going on; NULL: it is map's */
	MDB_txn *own;    /* reset between reads */
	MDB_txn **outer; /* the writer's, if it has one open, */
	const paas_routedb_meta_t *outer_meta; /* which has no record yet, */
	const int *outer_error;                /* unless it is past reading */
	uint64_t id;    /* the transaction that meta is of */
	uint64_t began; /* ms */
	int lasting;    /* may take its time */
	paas_routedb_meta_t meta;
	size_t page;            /* bytes */
	jmp_buf *jump, landing; /* out of LMDB's asserts */
};

/* The default route's name. */
static inline int
paas_routedb_is_default(paas_routedb_str_t name)
{
	return name.len == 1 && name.data[0] == '.';
}

static inline uint16_t
paas_routedb_u16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static inline uint32_t
paas_routedb_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t
paas_routedb_u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline uint8_t *
paas_routedb_put16(uint8_t *p, uint16_t v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

static inline uint8_t *
paas_routedb_put32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

static inline uint8_t *
paas_routedb_put64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
	return p + sizeof(v);
}

static inline uint8_t *
paas_routedb_put_str(uint8_t *p, paas_routedb_str_t s)
{
	if (s.len > 0)
		memcpy(p, s.data, s.len);
	return p + s.len;
}

/*
 * The CRC-32C of len bytes that follow those whose CRC is crc (0 for none);
 * portable is for machines without the instruction.
 */
uint32_t paas_routedb_crc32c(uint32_t crc, const void *data, size_t len);
uint32_t paas_routedb_crc32c_portable(
    uint32_t crc, const void *data, size_t len);

/* Of a record: its key and its value past the CRC. */
uint32_t paas_routedb_record_crc(
    const uint8_t *value, size_t len, const uint8_t *key, size_t keylen);

/* A key with this tag, a value of at least min bytes whose CRC is right. */
int paas_routedb_sealed(
    const MDB_val *key, const MDB_val *value, uint8_t tag, size_t min);

/* Keys: out holds PAAS_ROUTEDB_KEY_MAX bytes; the length comes back. */
size_t paas_routedb_key_meta(uint8_t *out);
size_t paas_routedb_key_keys(uint8_t *out);
size_t paas_routedb_key_pool(uint8_t *out, uint64_t id);
size_t paas_routedb_key_host(uint8_t *out, paas_routedb_str_t name);
size_t paas_routedb_key_pattern(uint8_t *out, uint32_t order);
size_t paas_routedb_key_cert_host(uint8_t *out, paas_routedb_str_t name);
size_t paas_routedb_key_cert(uint8_t *out, uint64_t id);

/* Labels of a name; a wildcard's leading dot is none, "." has 0. */
uint32_t paas_routedb_labels(paas_routedb_str_t name);

/*
 * Encoders: out holds PAAS_ROUTEDB_RECORD_MAX bytes; the length comes back.
 * They take what the check functions have passed.  seal sets the CRC of a
 * finished value.
 */
size_t paas_routedb_encode_meta(uint8_t *out, const paas_routedb_head_t *head);
size_t paas_routedb_encode_body(uint8_t *out, const paas_routedb_pool_t *pool,
    const paas_routedb_instance_t *instances);
size_t paas_routedb_encode_pool(
    uint8_t *out, paas_routedb_str_t home, const paas_routedb_str_t *body);
/* *view is the host's paths as they were encoded. */
size_t paas_routedb_encode_host(uint8_t *out, const paas_routedb_path_t *paths,
    uint32_t npaths, paas_routedb_host_t *view);
/* The same with the pattern's text behind it. */
size_t paas_routedb_encode_pattern(uint8_t *out, paas_routedb_str_t text,
    const paas_routedb_path_t *paths, uint32_t npaths);
/* Takes the copy out of an encoded host, or puts body in its place. */
size_t paas_routedb_replace_inline(
    uint8_t *value, size_t len, const paas_routedb_str_t *body);
size_t paas_routedb_encode_cert_host(uint8_t *out, const uint64_t *ids);
size_t paas_routedb_encode_cert(uint8_t *out, const paas_routedb_cert_t *cert);
size_t paas_routedb_encode_keys(
    uint8_t *out, const paas_routedb_key_t *keys, uint32_t n);
void paas_routedb_seal(
    uint8_t *value, size_t len, const uint8_t *key, size_t keylen);

/*
 * Is it a word for a header, a label or a page; a canonical host?
 */
int paas_routedb_check_word(paas_routedb_str_t s);
int paas_routedb_check_name(paas_routedb_str_t s, int allow);

/* OK or EINVAL. */
int paas_routedb_check_pool(
    const paas_routedb_pool_t *pool, const paas_routedb_instance_t *instances);
int paas_routedb_check_host(
    paas_routedb_str_t name, const paas_routedb_path_t *paths, uint32_t npaths);

int paas_routedb_check_pattern(
    paas_routedb_str_t text, const paas_routedb_path_t *paths, uint32_t npaths);
int paas_routedb_check_cert_host(paas_routedb_str_t name, const uint64_t *ids);
int paas_routedb_check_cert(const paas_routedb_cert_t *cert);
int paas_routedb_check_keys(const paas_routedb_key_t *keys, uint32_t n);

/* Decoders: OK, EDAMAGED, and EVERSION for meta.  head->wildcards is filled. */
int paas_routedb_decode_meta(
    const MDB_val *key, const MDB_val *value, paas_routedb_head_t *head);
int paas_routedb_decode_pool(const MDB_val *key, const MDB_val *value,
    paas_routedb_pool_record_t *record);
int paas_routedb_decode_body(
    paas_routedb_str_t body, uint64_t id, paas_routedb_pool_t *pool);
int paas_routedb_decode_host(
    const MDB_val *key, const MDB_val *value, paas_routedb_host_t *host);

int paas_routedb_decode_pattern(const MDB_val *key, const MDB_val *value,
    uint32_t *order, paas_routedb_host_t *pattern);
int paas_routedb_decode_cert_host(
    const MDB_val *key, const MDB_val *value, uint64_t *ids);
int paas_routedb_decode_cert(
    const MDB_val *key, const MDB_val *value, paas_routedb_cert_t *cert);
int paas_routedb_decode_keys(const MDB_val *key, const MDB_val *value,
    paas_routedb_key_t keys[PAAS_ROUTEDB_KEYS_MAX], uint32_t *n);

/* The one pool that every target names, 0 where there are several or none. */
uint64_t paas_routedb_only_pool(const paas_routedb_host_t *host);

typedef int (*paas_routedb_each_t)(
    const MDB_val *key, const MDB_val *value, void *arg);

/*
 * Every record with this tag, or all for 0, in key order.  A non-zero result
 * of cb ends it and is handed back.
 */
int paas_routedb_each(paas_routedb_reader_t *reader, uint8_t tag,
    paas_routedb_each_t cb, void *arg);

/* The same from a key on, itself included if it is there. */
int paas_routedb_each_from(paas_routedb_reader_t *reader, uint8_t tag,
    paas_routedb_str_t from, paas_routedb_each_t cb, void *arg);

/* Maps the file of env if its format is understood; again if it has grown. */
void paas_routedb_map(paas_routedb_map_t *map, MDB_env *env);
void paas_routedb_unmap(paas_routedb_map_t *map);

/* The last commit, and where it stands. */
uint64_t paas_routedb_map_peek(const paas_routedb_map_t *map);
void paas_routedb_map_words(
    const paas_routedb_map_t *map, const uint64_t *words[2]);

/* Takes a snapshot; -1 if only LMDB can. */
int paas_routedb_map_begin(paas_routedb_map_t *map);

/* OK, ENOTFOUND or EDAMAGED; each also what cb returned. */
int paas_routedb_map_find(const paas_routedb_map_t *map, const uint8_t *key,
    size_t keylen, MDB_val *value);
int paas_routedb_map_each(const paas_routedb_map_t *map, uint8_t tag,
    paas_routedb_str_t from, paas_routedb_each_t cb, void *arg);

/* As strings compare: by bytes, then by length. */
int paas_routedb_compare(paas_routedb_str_t a, paas_routedb_str_t b);

/* What mdb_env_set_assert takes; the user context is the jmp_buf. */
void paas_routedb_assert(MDB_env *env, const char *msg);

/* From LMDB's or the system's error; ESYS leaves it in errno. */
int paas_routedb_error(int rc);

/* CLOCK_MONOTONIC, coarse, in ms. */
uint64_t paas_routedb_now(void);

/* Does a value lie where LMDB puts one? */
int paas_routedb_holds(const paas_routedb_reader_t *reader, const MDB_val *v);

/* The value of key: by the map, or by mdb_get, with its asserts and lengths
 * that leave the file caught. */
int paas_routedb_fetch(paas_routedb_reader_t *reader, const uint8_t *key,
    size_t keylen, MDB_val *value);

#endif
