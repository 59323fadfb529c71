/*
 * The store of a single machine: one LMDB environment.
 *
 * Database "data": key -> 8 bytes revision of its creation, 8 bytes revision
 * of its last change (both little endian), then compact JSON,
 * or what seal.h says.  Database "meta": "head" -> format, epoch, revision, 8
 * bytes each; "sealed" as store_lmdb_seal.c says.
 *
 * Values stay in the map, which is the page cache's and not ours: the memory
 * of this process does not grow with the state of the platform.
 */
#include "store/store_lmdb.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "common/log.h"

#define HEADER_LEN 16

#define ROOM_MIN (1024 * 1024) /* bytes; with less a disk is full */

static uint64_t
value_rev(const MDB_val *val)
{
	uint64_t rev;

	memcpy(&rev, (const char *)val->mv_data + 8, sizeof(rev));
	return le64toh(rev);
}

/* ---- reads ------------------------------------------------------------- */

static void
read_failed(int rc)
{
	log_fatal("store: cannot read: %s", mdb_strerror(rc));
}

/* One snapshot for all the reads that stand inside each other. */
static void
read_begin(struct lmdb *lm)
{
	int rc;

	if (lm->depth++ == 0 && (rc = mdb_txn_renew(lm->read)) != 0)
		read_failed(rc);
}

static void
read_end(struct lmdb *lm)
{
	if (--lm->depth == 0)
		mdb_txn_reset(lm->read);
}

static int
call_back(const MDB_val *key, const MDB_val *val, store_text_cb cb, void *arg)
{
	char name[STORE_KEY_MAX + 1];

	if (key->mv_size > STORE_KEY_MAX || val->mv_size < HEADER_LEN)
		log_fatal("store: a record is damaged; restore the store "
			  "from a backup");
	memcpy(name, key->mv_data, key->mv_size);
	name[key->mv_size] = '\0';
	return cb(name, (const char *)val->mv_data + HEADER_LEN,
	    val->mv_size - HEADER_LEN, value_rev(val), arg);
}

static int
lmdb_get(void *be, const char *key, store_text_cb cb, void *arg)
{
	struct lmdb *lm = be;
	MDB_val k = lmdb_text_val(key), v;
	int rc, result = 0;

	if (k.mv_size == 0 || k.mv_size > STORE_KEY_MAX)
		return 0;
	read_begin(lm);
	rc = mdb_get(lm->read, lm->data, &k, &v);
	if (rc == 0)
		result = call_back(&k, &v, cb, arg);
	else if (rc != MDB_NOTFOUND)
		read_failed(rc);
	read_end(lm);
	return result;
}

/* To the last key that starts with prefix, or before where it would be. */
static int
seek_last(MDB_cursor *cursor, const char *prefix, MDB_val *k, MDB_val *v)
{
	char past[STORE_KEY_MAX + 1];
	size_t len = strlen(prefix);
	int rc;

	if (len == 0 || len > STORE_KEY_MAX)
		return mdb_cursor_get(cursor, k, v, MDB_LAST);
	memcpy(past, prefix, len + 1);
	past[len - 1]++;
	*k = lmdb_text_val(past);
	rc = mdb_cursor_get(cursor, k, v, MDB_SET_RANGE);
	if (rc == MDB_NOTFOUND)
		return mdb_cursor_get(cursor, k, v, MDB_LAST);
	return rc == 0 ? mdb_cursor_get(cursor, k, v, MDB_PREV) : rc;
}

static int
seek_first(MDB_cursor *cursor, const char *from, MDB_val *k, MDB_val *v)
{
	*k = lmdb_text_val(from);
	if (k->mv_size == 0)
		return mdb_cursor_get(cursor, k, v, MDB_FIRST);
	return mdb_cursor_get(cursor, k, v, MDB_SET_RANGE);
}

static int
lmdb_each(void *be, const char *prefix, const char *from, int backwards,
    store_text_cb cb, void *arg)
{
	struct lmdb *lm = be;
	size_t len = strlen(prefix);
	MDB_cursor *cursor;
	MDB_val k, v;
	int rc, result = 0;

	read_begin(lm);
	if ((rc = mdb_cursor_open(lm->read, lm->data, &cursor)) != 0)
		read_failed(rc);
	rc = backwards ? seek_last(cursor, prefix, &k, &v)
		       : seek_first(cursor, from, &k, &v);
	while (rc == 0 && k.mv_size >= len &&
	       memcmp(k.mv_data, prefix, len) == 0) {
		if ((result = call_back(&k, &v, cb, arg)) != 0)
			break;
		rc = mdb_cursor_get(
		    cursor, &k, &v, backwards ? MDB_PREV : MDB_NEXT);
	}
	if (rc != 0 && rc != MDB_NOTFOUND)
		read_failed(rc);
	mdb_cursor_close(cursor);
	read_end(lm);
	return result;
}

static uint64_t
lmdb_revision(void *be)
{
	return ((struct lmdb *)be)->revision;
}

static uint32_t
lmdb_epoch(void *be)
{
	return ((struct lmdb *)be)->epoch;
}

/* ---- commits ----------------------------------------------------------- */

int
lmdb_put_head(struct lmdb *lm, MDB_txn *wtxn, uint64_t revision)
{
	struct head head = {
	    htole64(STORE_FORMAT), htole64(lm->epoch), htole64(revision)};
	MDB_val k = lmdb_text_val("head"), v = {sizeof(head), &head};

	return mdb_put(wtxn, lm->meta, &k, &v, 0);
}

static int
put_value(struct lmdb *lm, MDB_txn *wtxn, struct store_op *op, uint64_t rev)
{
	MDB_val k = lmdb_text_val(op->key), v;
	uint64_t created = htole64(rev), changed = htole64(rev);
	int rc;

	if ((rc = mdb_get(wtxn, lm->data, &k, &v)) == 0)
		memcpy(&created, v.mv_data, sizeof(created));
	else if (rc != MDB_NOTFOUND)
		return rc;
	v.mv_size = HEADER_LEN + op->len;
	if ((rc = mdb_put(wtxn, lm->data, &k, &v, MDB_RESERVE)) != 0)
		return rc;
	memcpy(v.mv_data, &created, 8);
	memcpy((char *)v.mv_data + 8, &changed, 8);
	memcpy((char *)v.mv_data + HEADER_LEN, op->text, op->len);
	op->changed = 1;
	return 0;
}

static int
del_value(struct lmdb *lm, MDB_txn *wtxn, struct store_op *op)
{
	MDB_val k = lmdb_text_val(op->key);
	int rc;

	rc = mdb_del(wtxn, lm->data, &k, NULL);
	op->changed = rc == 0;
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Sets *holds; what transactions before it in the group did counts. */
static int
check_txn(
    struct lmdb *lm, MDB_txn *wtxn, const struct store_txn *txn, int *holds)
{
	const struct store_op *op;
	MDB_val k, v;
	uint64_t rev;
	int rc;

	*holds = 1;
	STAILQ_FOREACH (op, &txn->ops, entry) {
		if (op->kind != STORE_OP_IF && op->kind != STORE_OP_PUT_NEW)
			continue;
		k = lmdb_text_val(op->key);
		rc = mdb_get(wtxn, lm->data, &k, &v);
		if (rc != 0 && rc != MDB_NOTFOUND)
			return rc;
		rev = rc == 0 ? value_rev(&v) : 0;
		if (rev != (op->kind == STORE_OP_IF ? op->rev : 0)) {
			*holds = 0;
			return 0;
		}
	}
	return 0;
}

/* Applies one transaction; *rev moves on if it changed anything. */
static int
apply_txn(struct lmdb *lm, MDB_txn *wtxn, struct store_txn *txn, uint64_t *rev)
{
	struct store_op *op;
	unsigned int nevents = 0;
	int rc, holds, changed = 0;

	if ((txn->result = txn->stuck) != STORE_OK)
		return 0;
	if ((rc = check_txn(lm, wtxn, txn, &holds)) != 0)
		return rc;
	if (!holds) {
		txn->result = STORE_CONFLICT;
		return 0;
	}
	STAILQ_FOREACH (op, &txn->ops, entry) {
		if (op->kind == STORE_OP_IF)
			continue;
		if (op->kind == STORE_OP_EVENT)
			store_event_key(op, *rev + 1, nevents++);
		if (op->kind == STORE_OP_DEL)
			rc = del_value(lm, wtxn, op);
		else
			rc = put_value(lm, wtxn, op, *rev + 1);
		if (rc != 0)
			return rc;
		changed |= op->changed;
	}
	if (changed)
		++*rev;
	txn->rev = *rev;
	return 0;
}

/*
 * One write transaction and one fsync for the list from txn on, up to and
 * without end.  On failure nothing of it is in the store.
 */
static int
apply_list(struct lmdb *lm, struct store_txn *txn, struct store_txn *end)
{
	uint64_t rev = lm->revision;
	MDB_txn *wtxn;
	int rc;

	if ((rc = mdb_txn_begin(lm->env, NULL, 0, &wtxn)) != 0)
		return rc;
	for (; txn != end && rc == 0; txn = STAILQ_NEXT(txn, entry))
		rc = apply_txn(lm, wtxn, txn, &rev);
	if (rc == 0 && rev != lm->revision)
		rc = lmdb_put_head(lm, wtxn, rev);
	if (rc != 0 || rev == lm->revision) {
		mdb_txn_abort(wtxn);
		return rc;
	}
	if ((rc = mdb_txn_commit(wtxn)) == 0)
		lm->revision = rev;
	return rc;
}

/*
 * LMDB says EIO of a write that the disk took a part of, as it does when it
 * gets full in the middle; the transaction is undone then.
 */
static int
is_full(const struct lmdb *lm)
{
	struct statvfs fs;

	return fstatvfs(lm->dir_fd, &fs) == 0 &&
	       (uint64_t)fs.f_bavail * fs.f_frsize < ROOM_MIN;
}

static enum store_result
failure(const struct lmdb *lm, int rc)
{
	if (rc == EIO && is_full(lm))
		return STORE_FULL;
	switch (rc) {
	case MDB_MAP_FULL:
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return STORE_FULL;
	case EIO:
	case MDB_PANIC:
	case MDB_CORRUPTED:
		/* What the disk holds now is unknown until it is read anew. */
		log_fatal("store: cannot write: %s", mdb_strerror(rc));
	default:
		return STORE_ERROR;
	}
}

/*
 * If a group fails, then most likely for a single one that is too much for
 * the disk: each is tried by itself, and only that one is refused.
 */
static void
apply_each(struct lmdb *lm, struct store_group *group)
{
	struct store_txn *txn;
	int rc;

	STAILQ_FOREACH (txn, group, entry) {
		rc = apply_list(lm, txn, STAILQ_NEXT(txn, entry));
		if (rc == 0)
			continue;
		log_err("store: a commit failed: %s", mdb_strerror(rc));
		txn->result = failure(lm, rc);
	}
}

static void
lmdb_commit(void *be, struct store_group *group)
{
	struct lmdb *lm = be;
	struct store_txn *txn;
	struct store *st = STAILQ_FIRST(group)->store;

	if (apply_list(lm, STAILQ_FIRST(group), NULL) != 0)
		apply_each(lm, group);
	while ((txn = STAILQ_FIRST(group)) != NULL) {
		STAILQ_REMOVE_HEAD(group, entry);
		store_settled(st, txn);
	}
	lmdb_grow(lm);
}

const struct store_backend lmdb_backend = {
    lmdb_revision,
    lmdb_epoch,
    lmdb_get,
    lmdb_each,
    lmdb_commit,
    lmdb_close,
};
