/*
 * What store.c has in common with the backends below it, and with nobody
 * else.  A backend keeps keys and compact JSON text; what a transaction may
 * hold, who is told about it and in which order is store.c's alone.
 */
#ifndef PAAS_STORE_BACKEND_H
#define PAAS_STORE_BACKEND_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "store/seal.h"
#include "store/store.h"

enum store_op_kind {
	STORE_OP_IF,      /* key is at rev, or absent if rev is 0 */
	STORE_OP_PUT,     /* key := text */
	STORE_OP_PUT_NEW, /* the same, and key must be absent */
	STORE_OP_DEL,
	STORE_OP_EVENT /* as PUT; store_event_key() completes the key */
};

struct store_op {
	STAILQ_ENTRY(store_op) entry;
	enum store_op_kind kind;
	int changed;  /* set by the backend: watches have to see it */
	uint64_t rev; /* IF */
	size_t stem;  /* EVENT: length of "event/APP/" */
	char *text;   /* JSON, maybe sealed; NULL for IF and DEL */
	size_t len;
	char key[STORE_KEY_MAX + 1];
};
STAILQ_HEAD(store_ops, store_op);

struct store_txn {
	STAILQ_ENTRY(store_txn) entry;
	struct store *store;
	struct store_ops ops;
	size_t nchanges, nchecks, bytes;
	enum store_result stuck; /* what its steps came to; kept */
	enum store_result result;
	uint64_t rev;
	store_done_cb done;
	void *arg;
};
STAILQ_HEAD(store_group, store_txn);

/* Raw text of a key, sealed if its record is; valid until the callback returns.
 */
typedef int (*store_text_cb)(
    const char *key, const char *text, size_t len, uint64_t rev, void *arg);

/*
 * A backend.  Reads are local, and a read that fails ends the program: an
 * absence that is none would be obeyed (routes and instances deleted), while
 * to be killed is safe at any step.
 */
struct store_backend {
	uint64_t (*revision)(void *be);
	uint32_t (*epoch)(void *be);

	/* Calls back at most once; 0 if there is no such key. */
	int (*get)(void *be, const char *key, store_text_cb, void *arg);

	/* In order from `from` on, or backwards from the last one. */
	int (*each)(void *be, const char *prefix, const char *from,
	    int backwards, store_text_cb, void *arg);

	/*
	 * Makes a group of transactions durable, each one all or nothing, in
	 * order.  Takes the group, sets result and rev in each and hands each
	 * to store_settled(), now or later, in order.
	 */
	void (*commit)(void *be, struct store_group *);

	void (*close)(void *be);
};

struct store_watch {
	TAILQ_ENTRY(store_watch) entry;
	struct store *store; /* NULL: gone, to be freed after the round */
	store_watch_cb cb;
	void *arg;
	size_t len;
	char prefix[STORE_KEY_MAX + 1];
};
TAILQ_HEAD(store_watches, store_watch);

struct store_timeline;

struct store {
	const struct store_backend *ops;
	void *be;
	struct seal *seal; /* NULL: nothing is sealed */
	sd_event_source *flush;
	sd_event_source *late; /* what may wait has waited */
	int lazy;              /* all that is in the queue may wait */
	uint64_t later_us;     /* how long at most */
	int turn_over;         /* the next call of flush commits */
	struct store_group queue;
	struct store_watches watches;
	unsigned int telling; /* depth of rounds over watches */
	struct store_timeline *timeline;
};

/* store.c.  Takes be and the seal, also when it fails. */
struct store *store_new(const struct store_backend *, void *be, struct seal *,
    sd_event *, const char *events_dir, char err[PAAS_ERRLEN]);
void store_settled(struct store *, struct store_txn *);

/* The same without a loop: for reading alone. */
struct store *store_new_look(
    const struct store_backend *, void *be, struct seal *);

/* store_lmdb.c: with a size of the map, in bytes, for tests of a full one. */
struct store *store_open_lmdb_sized(
    const char *dir, sd_event *, size_t map_size, char err[PAAS_ERRLEN]);

/*
 * store_lmdb_seal.c: all that may hold secrets is sealed with the first key
 * of the file, which is made if nothing was ever sealed.  1 if the file of the
 * environment has been replaced and has to be opened again, 0 if not, else -1
 * with a sentence in err; STORE_LOCKED if it is keys that are missing.  Takes
 * up where one that was killed has left off.
 */
struct MDB_env;
#define STORE_LOCKED (-2)
int store_lmdb_seal(struct MDB_env *, unsigned int data, unsigned int meta,
    const char *dir, const char *key_file, struct seal **,
    char err[PAAS_ERRLEN]);

/* store_event.c */
#define STORE_EVENTS_KEPT 1000 /* of an app, in the store */

void store_event_key(struct store_op *, uint64_t rev, unsigned int n);
struct store_timeline *store_timeline_open(
    struct store *, const char *dir, char err[PAAS_ERRLEN]);
void store_timeline_close(struct store_timeline *);
void store_timeline_added(struct store_timeline *, const char *key);

/* store.c, for store_event.c: an operation on the way into a transaction. */
void store_add(struct store_txn *, enum store_op_kind, const char *key,
    uint64_t rev, json_t *value);

#endif
