/*
 * The state of the platform: a flat, ordered space of keys with JSON values
 * and one revision that counts commits, as etcd has it.
 *
 * Reads are local and never wait.  Commits are asynchronous: all or nothing,
 * and the callback comes from the event loop after the change is durable.
 * Watches see every committed change, in order of revision, before the
 * callback of the commit that made it.
 *
 * A read that fails (a damaged file, an I/O error) ends the program instead of
 * showing an absence that is none: nothing here may be taken for "deleted".
 *
 * keys.h has the table of prefixes and of the one writer that each has.
 */
#ifndef PAAS_STORE_H
#define PAAS_STORE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/conf.h"

#define STORE_KEY_MAX       400 /* bytes, without the NUL */
#define STORE_OPS_MAX       64  /* changes of one commit; as many ifs */
#define STORE_EVENTS_ON_TOP 2   /* events of one that is full */
#define STORE_BYTES_MAX     (512 * 1024) /* of one commit */

struct store;
struct store_txn;
struct store_watch;

enum store_result {
	STORE_OK,
	STORE_CONFLICT, /* a comparison did not hold: read again, decide again
			 */
	STORE_TOO_LARGE,
	STORE_FULL, /* disk or quota */
	STORE_ERROR
};

/* A sentence for people. */
const char *store_strerror(enum store_result);

/*
 * Opens the LMDB backend in dir (once per process, after the last fork) and
 * attaches it to the loop.  NULL with a sentence in err.
 */
struct store *store_open_lmdb(
    const char *dir, sd_event *, char err[PAAS_ERRLEN]);

/*
 * The same with all records that may hold secrets sealed by the keys of a
 * file (seal.h), which is made with a new store.  If keys are missing, NULL,
 * and *locked is set: nothing is changed, and to open it may do later.
 */
struct store *store_open_lmdb_sealed(const char *dir, const char *key_file,
    sd_event *, int *locked, char err[PAAS_ERRLEN]);

/*
 * To look at it only, beside a manager or without one: get and each, of what
 * is there at this moment.  Nothing is changed, not even a file's time.
 */
struct store *store_open_lmdb_look(
    const char *dir, const char *key_file, char err[PAAS_ERRLEN]);

/* Commits that were not answered yet are dropped, and never answered. */
void store_close(struct store *);

/* Of the last commit that reads show. */
uint64_t store_revision(const struct store *);

/* Raised by a restore from backup; the high bits of every instance id. */
uint32_t store_epoch(const struct store *);

/*
 * A new reference to the value of key, or NULL.  *rev, if wanted, is the
 * revision of its last change, 0 where there is none: what store_if takes.
 */
json_t *store_get(struct store *, const char *key, uint64_t *rev);

/*
 * Calls back for each key that starts with prefix, in order of bytes, until
 * it returns non-zero, which is returned.  The value is borrowed.  The
 * callback may commit; it sees none of that.
 */
typedef int (*store_each_cb)(
    const char *key, json_t *value, uint64_t rev, void *arg);
int store_each(struct store *, const char *prefix, store_each_cb, void *arg);

/* The same from a key on (itself included if it exists): for paging. */
int store_each_from(struct store *, const char *prefix, const char *from,
    store_each_cb, void *arg);

/*
 * Keys and revisions alone, from a key on: what says whether a record has
 * changed, at a tenth of the cost of its value.
 */
typedef int (*store_key_cb)(const char *key, uint64_t rev, void *arg);
int store_each_key(struct store *, const char *prefix, const char *from,
    store_key_cb, void *arg);

/* The same with values and backwards, from the last one. */
int store_each_last(
    struct store *, const char *prefix, store_each_cb, void *arg);

/*
 * A change.  Errors of the steps stick to it and are told by the commit; to
 * change a key twice is one.
 * put takes its own reference.  event appends to an app's timeline: at is
 * stamped, `key` is made by the store so that order is commit order.
 */
struct store_txn *store_begin(struct store *);
void store_if(struct store_txn *, const char *key, uint64_t rev);
void store_put(struct store_txn *, const char *key, json_t *value);
void store_put_new(struct store_txn *, const char *key, json_t *value);
void store_del(struct store_txn *, const char *key);
void store_event(struct store_txn *, const char *app, const char *kind,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The same of a record that has more: "at" and "text" are set in it. */
void store_event_record(
    struct store_txn *, const char *app, json_t *record, const char *text);
void store_abandon(struct store_txn *);

/*
 * Hands the change over; the callback (may be NULL) is called exactly once,
 * later, never from within.  rev is that of the commit.
 */
typedef void (*store_done_cb)(enum store_result, uint64_t rev, void *arg);
void store_commit(struct store_txn *, store_done_cb, void *arg);

/*
 * The same of what a change gives rise to: requests that are there already go
 * first, for STORE_LATER_US at most, and what they change shares its wait for
 * the disk.  Order is that of the calls, of both.
 */
#define STORE_LATER_US 5000
void store_commit_later(struct store_txn *, store_done_cb, void *arg);

/*
 * Called for each key of a prefix that a commit changed; value is NULL for a
 * deleted one and borrowed otherwise.  Nothing is called for what is there
 * already: list first, from the same turn of the loop.
 */
typedef void (*store_watch_cb)(
    const char *key, json_t *value, uint64_t rev, void *arg);
struct store_watch *store_watch(
    struct store *, const char *prefix, store_watch_cb, void *arg);
void store_unwatch(struct store_watch *);

#endif
