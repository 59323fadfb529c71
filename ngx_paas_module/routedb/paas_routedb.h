/*
 * The route database: the contract between whoever writes routes and the
 * nginx module that obeys them.  FORMAT.md documents it byte by byte.
 *
 * Plain C and LMDB, no nginx header.  A program that only reads links host.c,
 * format.c, crc32c.c, reader.c, map.c, search.c, find.c and cert.c; the rest is
 * the writer and the tool. Every exported name starts with paas_routedb_, since
 * nginx loads modules with RTLD_GLOBAL.
 *
 * Unless a comment says otherwise, a function returns PAAS_ROUTEDB_OK or a
 * negative PAAS_ROUTEDB_E*.
 */
#ifndef PAAS_ROUTEDB_H
#define PAAS_ROUTEDB_H

#include <stddef.h>
#include <stdint.h>

#define PAAS_ROUTEDB_VERSION      2
#define PAAS_ROUTEDB_HOST_MAX     253
#define PAAS_ROUTEDB_POOLS_MAX    16   /* of one split */
#define PAAS_ROUTEDB_PATHS_MAX    256  /* of one host */
#define PAAS_ROUTEDB_INSTS_MAX    4096 /* of one pool */
#define PAAS_ROUTEDB_PREFIX_MAX   1024 /* bytes of a path prefix */
#define PAAS_ROUTEDB_NAME_MAX     64   /* bytes of app, type, hash_name */
#define PAAS_ROUTEDB_PATTERN_MAX  512  /* bytes of a pattern */
#define PAAS_ROUTEDB_PATTERNS_MAX 256
#define PAAS_ROUTEDB_KEYS_MAX     8     /* of the sticky cookie */
#define PAAS_ROUTEDB_CERT_MAX     65536 /* bytes of a chain and a key */
#define PAAS_ROUTEDB_CERTS_MAX    2     /* of a name, by kind of key */
#define PAAS_ROUTEDB_KEY_SIZE     32    /* bytes of one of them */

enum {
	PAAS_ROUTEDB_OK = 0,
	PAAS_ROUTEDB_ENOTFOUND = -1,
	PAAS_ROUTEDB_EMISSING = -2, /* no database there */
	PAAS_ROUTEDB_EVERSION = -3, /* another format version */
	PAAS_ROUTEDB_EDAMAGED = -4, /* a length, a CRC, a structure is wrong */
	PAAS_ROUTEDB_EFULL = -5,    /* map or disk */
	PAAS_ROUTEDB_EINVAL = -6,   /* what was handed over breaks a rule */
	PAAS_ROUTEDB_ESYS = -7,     /* see errno */
	PAAS_ROUTEDB_EAGAIN = -8    /* the writer's grace is not over */
};

/* Bytes inside the map or inside the caller's memory; no NUL at the end. */
typedef struct {
	const uint8_t *data;
	size_t len;
} paas_routedb_str_t;

enum paas_routedb_state {
	PAAS_ROUTEDB_RUNNING = 0,
	PAAS_ROUTEDB_STARTING,
	PAAS_ROUTEDB_ASLEEP,
	PAAS_ROUTEDB_STOPPED,
	PAAS_ROUTEDB_MAINTENANCE,
	PAAS_ROUTEDB_CRASHED
};

enum paas_routedb_protocol {
	PAAS_ROUTEDB_HTTP = 0,
	PAAS_ROUTEDB_HTTPS,
	PAAS_ROUTEDB_H2C
};

enum paas_routedb_balance {
	PAAS_ROUTEDB_TWO_CHOICES = 0,
	PAAS_ROUTEDB_ROUND_ROBIN,
	PAAS_ROUTEDB_LEAST_CONN,
	PAAS_ROUTEDB_EWMA,
	PAAS_ROUTEDB_HASH
};

/* What a hashing pool hashes. */
enum paas_routedb_hash_on {
	PAAS_ROUTEDB_ON_ADDRESS = 0,
	PAAS_ROUTEDB_ON_HEADER,
	PAAS_ROUTEDB_ON_COOKIE
};

#define PAAS_ROUTEDB_DRAINING 0x0001U /* instance: nothing new for it */

typedef struct {
	uint64_t id;      /* never used twice; 0 is none */
	uint8_t addr[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;
	uint16_t weight; /* 1 to 1000, 100 is usual */
	uint16_t flags;
	uint16_t number; /* the N of "web.N", 0 for none */
	uint32_t since;  /* seconds since the epoch: ready, for slow start */
} paas_routedb_instance_t;

#define PAAS_ROUTEDB_STICKY        0x0001U /* pool: signed cookie */
#define PAAS_ROUTEDB_RETRY_PUT     0x0002U /* pool: PUT and DELETE too */
#define PAAS_ROUTEDB_NAME_INSTANCE 0x0004U /* pool: say so in the response */
#define PAAS_ROUTEDB_NO_RETRY      0x0008U /* pool: not even a GET */

typedef struct {
	uint64_t id;
	uint8_t state;    /* enum paas_routedb_state */
	uint8_t protocol; /* enum paas_routedb_protocol */
	uint8_t balance;  /* enum paas_routedb_balance */
	uint8_t hash_on;  /* enum paas_routedb_hash_on */
	uint16_t flags;
	uint16_t retry_budget; /* percent of requests, 0 for the usual 20 */
	uint32_t concurrency; /* requests at once an instance, 0 for no limit */
	uint32_t queue;       /* requests waiting beyond that, all in all */
	uint32_t slow_start;  /* ms */
	uint32_t hold;        /* ms that a request may be held, 0 for none */
	paas_routedb_str_t app;
	paas_routedb_str_t type;      /* process type */
	paas_routedb_str_t hash_name; /* of the header or cookie */
	/*
	 * Writer only: the host whose record carries a copy of this pool, so
	 * that its look-up is one search.  Empty: the first host that names
	 * this pool alone.
	 */
	paas_routedb_str_t home;
	uint32_t ninstances;
	const uint8_t *instances; /* reader: encoded, use _get_instance */
} paas_routedb_pool_t;

#define PAAS_ROUTEDB_STRIP    0x0001U /* path: taken off before forwarding */
#define PAAS_ROUTEDB_TO_HTTPS 0x0002U /* path: 308 to https */
#define PAAS_ROUTEDB_TO_HOST  0x0004U /* path: 308 to redirect_host */

typedef struct {
	uint64_t pool;
	uint32_t weight; /* of the split, 1 to 10000 */
} paas_routedb_target_t;

/* One path prefix of a host; "/" is all of it. */
typedef struct {
	paas_routedb_str_t prefix;
	uint16_t flags;
	paas_routedb_str_t redirect_host;
	uint32_t ntargets;
	paas_routedb_target_t targets[PAAS_ROUTEDB_POOLS_MAX];
} paas_routedb_path_t;

typedef struct {
	/*
	 * Canonical; ".example.com" is a wildcard, "." the default route.  Of
	 * a pattern: its text.
	 */
	paas_routedb_str_t name;
	uint32_t npaths;
	const uint8_t *paths, *end;     /* encoded, longest first */
	paas_routedb_str_t inline_pool; /* encoded pool, or len 0 */
} paas_routedb_host_t;

typedef struct {
	uint32_t version;
	uint64_t depths[2];  /* bit n: a wildcard of n labels exists, */
			     /* bit 0: the default route */
	uint64_t generation; /* set by the writer with each commit */
	uint64_t revision;   /* of the manager's store that this mirrors */
	uint64_t nhosts, npools;
	uint64_t ncerthosts, ncerts;
	/*
	 * The generation that changed the patterns, and the keys, the last
	 * time.  To be compared for being the same within one open reader:
	 * after another open, both are read anew.
	 */
	uint64_t patterns, keys;
	uint32_t npatterns;
} paas_routedb_meta_t;

/*
 * A certificate chain and its key, in PEM.  They lie in a database of their
 * own, which other users may read than those of the routes.
 */
typedef struct {
	uint64_t id; /* not 0; never of other contents */
	paas_routedb_str_t chain, key;
} paas_routedb_cert_t;

/* What signs the sticky cookie. */
typedef struct {
	uint32_t id; /* told in the cookie */
	uint8_t key[PAAS_ROUTEDB_KEY_SIZE];
} paas_routedb_key_t;

#define PAAS_ROUTEDB_WILDCARD 1 /* "*.example.com" or ".example.com" */
#define PAAS_ROUTEDB_DEFAULT  2 /* "*" or "." */

/*
 * Checks and canonicalises a host: lower case, port and one trailing dot
 * taken off.  Letters, digits, '-' and '_' in labels of 1 to 63 bytes, at
 * most PAAS_ROUTEDB_HOST_MAX in all; also an IPv4 address, or an IPv6 one in
 * brackets.  allow is what else may pass: WILDCARD, stored with a leading
 * dot, and DEFAULT, stored as a dot alone.  out holds PAAS_ROUTEDB_HOST_MAX +
 * 1 bytes and is NUL-terminated.  Returns its length, or PAAS_ROUTEDB_EINVAL.
 */
int paas_routedb_canonical(
    const uint8_t *host, size_t len, int allow, char *out);

/* Is it a path prefix: "/", or whole segments without a slash at the end? */
int paas_routedb_check_prefix(paas_routedb_str_t s);

/* A sentence for an error code; never NULL. */
const char *paas_routedb_strerror(int error);

/* ---- reader ---------------------------------------------------------- */

typedef struct paas_routedb_reader_s paas_routedb_reader_t;

/*
 * Opens the environment at path MDB_RDONLY | MDB_NOLOCK.  Once per process
 * and only after the last fork; a second one, without locks as it is, only to
 * look at a file that has replaced the first one's.  Fails with EMISSING,
 * EVERSION, EDAMAGED or ESYS; *reader is then NULL.
 */
int paas_routedb_reader_open(paas_routedb_reader_t **reader, const char *path);

/*
 * For tools that read for longer: takes a slot in lock.mdb where there is one
 * that may be written, so that a read can last as long as it likes.  Never in
 * a process that an attacker may take over.
 */
int paas_routedb_reader_open_locked(
    paas_routedb_reader_t **reader, const char *path);
void paas_routedb_reader_close(paas_routedb_reader_t *reader);

/*
 * Reads happen between begin and end, in one go and without waiting; what the
 * find functions return points into the map and is gone at end.  *txn is
 * mdb_txn_id() of this read: the only stamp to put on what is cached.
 *
 * On failure (EMISSING: nothing was ever committed, EVERSION, EDAMAGED, ESYS,
 * EAGAIN: commits come faster than anything could be read)
 * nothing has begun, and end is not called; the next begin tries again.
 *
 * The file is mapped.  Whoever truncates it causes SIGBUS in a reader, and
 * where LMDB itself has to read (map.c knows when), damaged page headers
 * can make it run out of its pages (SIGBUS or SIGSEGV).  A process that must
 * outlive this installs a handler for both, which leaves by siglongjmp to a
 * point outside begin and end; the reader is then fit for
 * paas_routedb_reader_close only.  Damaged records need no such guard: their
 * lengths are checked before use, and their CRC before belief.
 */
int paas_routedb_begin(paas_routedb_reader_t *reader, uint64_t *txn);

/*
 * The same for who knows what time it is: ms of CLOCK_MONOTONIC, or less, but
 * not by so much that end takes the read for a long one.
 */
int paas_routedb_begin_at(
    paas_routedb_reader_t *reader, uint64_t now, uint64_t *txn);

/*
 * EAGAIN if there was a commit since, and the read took over
 * PAAS_ROUTEDB_READ_MAX ms: throw away what was read, its pages may have been
 * used again.
 */
#define PAAS_ROUTEDB_READ_MAX 1000
int paas_routedb_end(paas_routedb_reader_t *reader);

/*
 * Outside of begin and end: the number of the last commit, at a fraction of
 * their cost.  It may be ahead of what begin gives, so it says only whether
 * begin is worth calling, and is no stamp.
 */
uint64_t paas_routedb_peek(paas_routedb_reader_t *reader);

/*
 * For who asks at each request: two words in the map, of which the larger one
 * is what peek would say.  -1 if only peek can.  They are there until the next
 * begin or close; reading them may cause SIGBUS.
 */
int paas_routedb_words(
    const paas_routedb_reader_t *reader, const uint64_t *words[2]);

int paas_routedb_get_meta(
    paas_routedb_reader_t *reader, paas_routedb_meta_t *meta);

/*
 * Exact host, else the longest wildcard.  host is canonical; out->name is the
 * part of it that was found.
 */
int paas_routedb_find_host(paas_routedb_reader_t *reader, const char *host,
    size_t len, paas_routedb_host_t *out);

/*
 * What is left when find_host finds nothing and no pattern matches: the host
 * named "*".
 */
int paas_routedb_find_default(
    paas_routedb_reader_t *reader, paas_routedb_host_t *out);

/*
 * The pattern with this number: a PCRE2 expression for the whole of a
 * canonical host, which nobody here compiles.  Patterns are tried in rising
 * order of their numbers; meta.patterns says when they changed.
 */
int paas_routedb_find_pattern(
    paas_routedb_reader_t *reader, uint32_t order, paas_routedb_host_t *out);

/* The longest prefix that covers path in whole segments. */
int paas_routedb_find_path(const paas_routedb_host_t *host, const uint8_t *path,
    size_t len, paas_routedb_path_t *out);

/* Path number i of a host; ENOTFOUND past the last. */
int paas_routedb_get_path(
    const paas_routedb_host_t *host, uint32_t i, paas_routedb_path_t *out);

/* A pool of host (or NULL): the copy inside it, or its own record. */
int paas_routedb_find_pool(paas_routedb_reader_t *reader,
    const paas_routedb_host_t *host, uint64_t id, paas_routedb_pool_t *out);

int paas_routedb_get_instance(
    const paas_routedb_pool_t *pool, uint32_t i, paas_routedb_instance_t *out);

/* The keys of the sticky cookie: the first signs, all verify; *n may be 0. */
int paas_routedb_get_keys(paas_routedb_reader_t *reader,
    paas_routedb_key_t keys[PAAS_ROUTEDB_KEYS_MAX], uint32_t *n);

/* Calls back for each record, in key order; a non-zero result stops it. */
int paas_routedb_each_host(paas_routedb_reader_t *reader,
    int (*cb)(const paas_routedb_host_t *, void *), void *arg);
int paas_routedb_each_pool(paas_routedb_reader_t *reader,
    int (*cb)(const paas_routedb_pool_t *, void *), void *arg);
int paas_routedb_each_pattern(paas_routedb_reader_t *reader,
    int (*cb)(uint32_t order, const paas_routedb_host_t *, void *), void *arg);

/*
 * The certificates for a canonical host: its own, those of ".example.com" for
 * a.example.com, but not for a.b.example.com (RFC 6125: one label), or those
 * of ".".  The ids of one, then 0; or of two, whose keys are of two kinds.
 */
int paas_routedb_find_cert_host(paas_routedb_reader_t *reader, const char *host,
    size_t len, uint64_t ids[PAAS_ROUTEDB_CERTS_MAX]);
int paas_routedb_find_cert(
    paas_routedb_reader_t *reader, uint64_t id, paas_routedb_cert_t *out);
int paas_routedb_each_cert_host(paas_routedb_reader_t *reader,
    int (*cb)(paas_routedb_str_t name, const uint64_t *ids, void *), void *arg);
int paas_routedb_each_cert(paas_routedb_reader_t *reader,
    int (*cb)(const paas_routedb_cert_t *, void *), void *arg);

/*
 * For who compares a database with something else, a slice at a time: names
 * of hosts behind after (of any, if it is empty), and ids of pools from one
 * on.  Keys alone are read, so a damaged value is not seen.
 */
int paas_routedb_each_name(paas_routedb_reader_t *reader,
    paas_routedb_str_t after, int (*cb)(paas_routedb_str_t, void *), void *arg);
int paas_routedb_each_id(paas_routedb_reader_t *reader, uint64_t from,
    int (*cb)(uint64_t, void *), void *arg);

/*
 * Reads every record, between a begin and an end of its own; what is wrong
 * goes to err with its key.  A second or so for a million routes.
 */
int paas_routedb_verify(
    paas_routedb_reader_t *reader, char *err, size_t errlen);

/* ---- writer ---------------------------------------------------------- */

typedef struct paas_routedb_writer_s paas_routedb_writer_t;

/*
 * Opens for writing, creating it if there is none; one writer at a time
 * (ESYS with EBUSY otherwise).  data.mdb is 0640 and lock.mdb 0600 after it.
 * map_size in bytes, 0 for the default that holds a million routes.
 */
int paas_routedb_writer_open(
    paas_routedb_writer_t **writer, const char *path, size_t map_size);

/*
 * With on, commits do not wait for the disk: a killed process loses nothing,
 * a crash of the machine may damage the file, so its owner must write it anew
 * after a boot.
 */
int paas_routedb_writer_nosync(paas_routedb_writer_t *writer, int on);
void paas_routedb_writer_close(paas_routedb_writer_t *writer);

/*
 * Milliseconds until the first commit may be made: readers without a lock
 * may still use pages that were freed before this process started.  0 for a
 * new database, or when the time is over.
 */
int paas_routedb_writer_wait(const paas_routedb_writer_t *writer);

/*
 * begin, any number of changes, commit or abort.  EAGAIN: see above.  EINVAL
 * from a change: nothing was changed, and the transaction may go on; any other
 * failure sticks, and commit will return it.  What is damaged or of another
 * version can only be cleared.  Pools are best put before their hosts.
 */
int paas_routedb_write_begin(paas_routedb_writer_t *writer);
int paas_routedb_put_host(paas_routedb_writer_t *writer,
    paas_routedb_str_t name, const paas_routedb_path_t *paths, uint32_t npaths);
/*
 * The same for one of many hosts of a pool: it gets no copy of that, and
 * the two searches that finding this out takes are saved.
 */
int paas_routedb_put_host_apart(paas_routedb_writer_t *writer,
    paas_routedb_str_t name, const paas_routedb_path_t *paths, uint32_t npaths);
int paas_routedb_del_host(
    paas_routedb_writer_t *writer, paas_routedb_str_t name);
int paas_routedb_put_pattern(paas_routedb_writer_t *writer, uint32_t order,
    paas_routedb_str_t text, const paas_routedb_path_t *paths, uint32_t npaths);
int paas_routedb_del_pattern(paas_routedb_writer_t *writer, uint32_t order);
int paas_routedb_put_pool(paas_routedb_writer_t *writer,
    const paas_routedb_pool_t *pool, const paas_routedb_instance_t *instances);
int paas_routedb_del_pool(paas_routedb_writer_t *writer, uint64_t id);
int paas_routedb_put_revision(paas_routedb_writer_t *writer, uint64_t revision);

/*
 * In place of all keys that are there; n 0 for none.  Where they are the same
 * already, meta.keys does not move.
 */
int paas_routedb_put_keys(
    paas_routedb_writer_t *writer, const paas_routedb_key_t *keys, uint32_t n);

/*
 * EINVAL where the id stands for other contents, or they are over
 * PAAS_ROUTEDB_CERT_MAX together.  A name may be put before its certificate,
 * and stay behind it: find_cert then finds none.
 */
int paas_routedb_put_cert(
    paas_routedb_writer_t *writer, const paas_routedb_cert_t *cert);
int paas_routedb_del_cert(paas_routedb_writer_t *writer, uint64_t id);
int paas_routedb_put_cert_host(paas_routedb_writer_t *writer,
    paas_routedb_str_t name, const uint64_t ids[PAAS_ROUTEDB_CERTS_MAX]);
int paas_routedb_del_cert_host(
    paas_routedb_writer_t *writer, paas_routedb_str_t name);

/* Takes every record out: what a rebuild starts with, in the same commit. */
int paas_routedb_clear(paas_routedb_writer_t *writer);

/* On failure nothing of the transaction remains. */
int paas_routedb_commit(paas_routedb_writer_t *writer);
void paas_routedb_abort(paas_routedb_writer_t *writer);

/*
 * A reader that sees the writer's own open transaction or its last commit,
 * for programs that write and must not open the environment twice.  Belongs
 * to the writer; use it with begin and end as any other.
 */
paas_routedb_reader_t *paas_routedb_writer_reader(
    paas_routedb_writer_t *writer);

#endif
