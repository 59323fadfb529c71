/*
 * At each start: whatever may hold secrets is sealed with the first key of
 * the file, and nothing that was written before is left in the environment.
 *
 * Database "meta", "sealed" -> the id of a key: all is sealed with that one,
 * and the file has been copied since, without the pages that had the text, or
 * what an older key had sealed.  Until it says so, the steps below are gone
 * through again; each finds what those before it have done.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "store/backend.h"

#define HEADER_LEN 16 /* store_lmdb.c */
#define MARK       "sealed"
#define COPY       "sealed.new"
#define BATCH      256 /* records of one write transaction */

struct sealing {
	MDB_env *env;
	MDB_dbi data, meta;
	const char *dir, *key_file;
	struct seal *seal;
	uint8_t mark[SEAL_ID];
	int marked;
	size_t stale;             /* plain, or sealed with an older key */
	uint8_t foreign[SEAL_ID]; /* a key that is not in the file */
	int nforeign;
};

static MDB_val
text_val(const char *text)
{
	MDB_val val = {strlen(text), (void *)(uintptr_t)text};

	return val;
}

static int
failed(struct sealing *s, const char *what, int rc, char err[PAAS_ERRLEN])
{
	snprintf(err, PAAS_ERRLEN, "cannot %s the store %s: %s", what, s->dir,
	    mdb_strerror(rc));
	return -1;
}

/* ---- what is there ------------------------------------------------------- */

static void
look_at_key(struct sealing *s, const uint8_t *id)
{
	if (seal_has(s->seal, id))
		return;
	memcpy(s->foreign, id, SEAL_ID);
	s->nforeign++;
}

static int
is_stale(const struct sealing *s, const MDB_val *v)
{
	const char *text = (const char *)v->mv_data + HEADER_LEN;

	return v->mv_size > HEADER_LEN &&
	       (s->seal == NULL ||
		   !seal_is_current(s->seal, text, v->mv_size - HEADER_LEN));
}

static void
look_at_value(struct sealing *s, const MDB_val *v)
{
	const char *text = (const char *)v->mv_data + HEADER_LEN;

	if (v->mv_size > HEADER_LEN && seal_is(text, v->mv_size - HEADER_LEN))
		look_at_key(s, (const uint8_t *)text + 1);
	s->stale += (size_t)is_stale(s, v);
}

static int
look_at_prefix(struct sealing *s, MDB_cursor *cursor, const char *prefix)
{
	MDB_val k = text_val(prefix), v;
	int rc;

	for (rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	     rc == 0 && k.mv_size >= strlen(prefix) &&
	     memcmp(k.mv_data, prefix, strlen(prefix)) == 0;
	     rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT))
		look_at_value(s, &v);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
look(struct sealing *s)
{
	MDB_val k = text_val(MARK), v;
	MDB_cursor *cursor;
	const char *prefix;
	MDB_txn *txn;
	int rc;

	s->marked = s->nforeign = 0;
	s->stale = 0;
	if ((rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn)) != 0)
		return rc;
	rc = mdb_get(txn, s->meta, &k, &v);
	if (rc == 0 && v.mv_size == SEAL_ID) {
		s->marked = 1;
		memcpy(s->mark, v.mv_data, SEAL_ID);
		look_at_key(s, s->mark);
	}
	if (rc == 0 || rc == MDB_NOTFOUND)
		rc = mdb_cursor_open(txn, s->data, &cursor);
	if (rc == 0) {
		for (size_t i = 0; rc == 0 && (prefix = seal_prefix(i)) != NULL;
		     i++)
			rc = look_at_prefix(s, cursor, prefix);
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return rc;
}

/* ---- sealed anew --------------------------------------------------------- */

/* In the place of a value: the same, sealed with the first key. */
static int
seal_value(struct sealing *s, MDB_txn *txn, const char *key, const MDB_val *old)
{
	const char *text = (const char *)old->mv_data + HEADER_LEN;
	size_t len = old->mv_size - HEADER_LEN, plain_len = len, out_len;
	char head[HEADER_LEN], *plain = NULL, *out;
	MDB_val k = text_val(key), v;
	int rc;

	memcpy(head, old->mv_data, sizeof(head));
	if (seal_is(text, len)) {
		plain = seal_open(s->seal, key, text, len, &plain_len);
		if (plain == NULL)
			return MDB_CORRUPTED;
		text = plain;
	}
	out = seal_shut(s->seal, key, text, plain_len, &out_len);
	v.mv_size = HEADER_LEN + out_len;
	if ((rc = mdb_put(txn, s->data, &k, &v, MDB_RESERVE)) == 0) {
		memcpy(v.mv_data, head, sizeof(head));
		memcpy((char *)v.mv_data + HEADER_LEN, out, out_len);
	}
	if (plain != NULL)
		explicit_bzero(plain, plain_len);
	free(plain);
	free(out);
	return rc;
}

/*
 * Those of a prefix from `next` on, which moves on; BATCH of them at most.
 * MDB_NOTFOUND once there are no more.
 */
static int
seal_some(struct sealing *s, MDB_txn *txn, const char *prefix, char *next)
{
	MDB_cursor *cursor;
	MDB_val k, v;
	int rc, n;

	if ((rc = mdb_cursor_open(txn, s->data, &cursor)) != 0)
		return rc;
	for (n = 0; rc == 0 && n < BATCH; n++) {
		k = text_val(next);
		rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
		if (rc == 0 &&
		    (k.mv_size < strlen(prefix) || k.mv_size > STORE_KEY_MAX ||
			memcmp(k.mv_data, prefix, strlen(prefix)) != 0))
			rc = MDB_NOTFOUND;
		if (rc != 0)
			break;
		memcpy(next, k.mv_data, k.mv_size);
		next[k.mv_size] = '\0';
		if (is_stale(s, &v))
			rc = seal_value(s, txn, next, &v);
		/* The next one that there can be. */
		next[k.mv_size] = '\x01';
		next[k.mv_size + 1] = '\0';
	}
	mdb_cursor_close(cursor);
	return rc;
}

static int
seal_prefix_all(struct sealing *s, const char *prefix)
{
	char next[STORE_KEY_MAX + 2];
	MDB_txn *txn;
	int rc, end = 0;

	memcpy(next, prefix, strlen(prefix) + 1);
	while (!end) {
		if ((rc = mdb_txn_begin(s->env, NULL, 0, &txn)) != 0)
			return rc;
		rc = seal_some(s, txn, prefix, next);
		end = rc == MDB_NOTFOUND;
		if (rc != 0 && !end) {
			mdb_txn_abort(txn);
			return rc;
		}
		if ((rc = mdb_txn_commit(txn)) != 0)
			return rc;
	}
	return 0;
}

static int
seal_all(struct sealing *s)
{
	const char *prefix;
	int rc = 0;

	for (size_t i = 0; rc == 0 && (prefix = seal_prefix(i)) != NULL; i++)
		rc = seal_prefix_all(s, prefix);
	return rc;
}

/* ---- without what was there before --------------------------------------- */

static int
put_mark(const struct sealing *s, const char *dir)
{
	uint8_t id[SEAL_ID];
	MDB_val k = text_val(MARK), v = {sizeof(id), id};
	MDB_env *env = NULL;
	MDB_txn *txn;
	MDB_dbi meta;
	int rc;

	memcpy(id, seal_id(s->seal), sizeof(id));
	if ((rc = mdb_env_create(&env)) != 0 ||
	    (rc = mdb_env_set_maxdbs(env, 2)) != 0 ||
	    (rc = mdb_env_open(env, dir, MDB_NOLOCK, 0600)) != 0 ||
	    (rc = mdb_txn_begin(env, NULL, 0, &txn)) != 0) {
		mdb_env_close(env);
		return rc;
	}
	rc = mdb_dbi_open(txn, "meta", 0, &meta);
	if (rc == 0)
		rc = mdb_put(txn, meta, &k, &v, 0);
	if (rc == 0)
		rc = mdb_txn_commit(txn);
	else
		mdb_txn_abort(txn);
	mdb_env_close(env);
	return rc;
}

static int
sync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd == -1)
		return errno;
	rc = fsync(fd) == -1 ? errno : 0;
	(void)close(fd);
	return rc;
}

/* A copy without free pages takes the place of the file: 0, or an error. */
static int
copy_clean(const struct sealing *s)
{
	char dir[PATH_MAX], file[PATH_MAX + 16], real[PATH_MAX + 16];
	int rc;

	snprintf(dir, sizeof(dir), "%s/" COPY, s->dir);
	snprintf(file, sizeof(file), "%s/data.mdb", dir);
	snprintf(real, sizeof(real), "%s/data.mdb", s->dir);
	if (mkdir(dir, 0700) == -1 && errno != EEXIST)
		return errno;
	(void)unlink(file); /* of one that was killed */
	if ((rc = mdb_env_copy2(s->env, dir, MDB_CP_COMPACT)) == 0)
		rc = put_mark(s, dir);
	if (rc == 0 && chmod(file, 0600) == -1)
		rc = errno;
	if (rc == 0 && rename(file, real) == -1)
		rc = errno;
	if (rc == 0)
		rc = sync_folder(s->dir);
	(void)unlink(file);
	(void)rmdir(dir);
	return rc;
}

/* ---- all of it ----------------------------------------------------------- */

/* The keys, and what is there: 0, or an error as of store_lmdb_seal(). */
static int
unlock(struct sealing *s, char err[PAAS_ERRLEN])
{
	char id[2 * SEAL_ID + 1];
	int missing, rc;

	s->seal = seal_load(s->key_file, &missing, err);
	if (s->seal == NULL && !missing)
		return STORE_LOCKED;
	if ((rc = look(s)) != 0)
		return failed(s, "read", rc, err);
	if (s->nforeign > 0) {
		(void)sodium_bin2hex(id, sizeof(id), s->foreign, SEAL_ID);
		snprintf(err, PAAS_ERRLEN,
		    "the key file %s %s, and the secrets in the store %s are "
		    "sealed with key %s: put the right file back; nothing is "
		    "changed until then",
		    s->key_file, missing ? "is missing" : "is another one",
		    s->dir, id);
		return STORE_LOCKED;
	}
	if (!missing)
		return 0;
	if (seal_make(s->key_file, err) == -1)
		return -1;
	log_info("store: a new key is made in %s: keep a copy apart from those "
		 "of the state",
	    s->key_file);
	err[0] = '\0';
	s->seal = seal_load(s->key_file, &missing, err);
	return s->seal != NULL ? 0 : -1;
}

static int
seal_now(struct sealing *s, char err[PAAS_ERRLEN])
{
	int rc, replaced = 0;

	if (s->stale > 0) {
		log_info("store: sealing %zu records with the key in %s",
		    s->stale, s->key_file);
		if ((rc = seal_all(s)) != 0)
			return failed(s, "seal", rc, err);
	}
	if (!s->marked || s->stale > 0 ||
	    memcmp(s->mark, seal_id(s->seal), SEAL_ID) != 0) {
		if ((rc = copy_clean(s)) != 0) {
			log_warn("store: free pages of %s may hold what was "
				 "there before it was sealed, until the next "
				 "start: %s",
			    s->dir, mdb_strerror(rc));
			return 0;
		}
		replaced = 1;
	}
	if (seal_has_old(s->seal) &&
	    seal_forget_old(s->seal, s->key_file, err) == -1)
		log_warn("store: %s", err);
	return replaced;
}

int
store_lmdb_seal(MDB_env *env, unsigned int data, unsigned int meta,
    const char *dir, const char *key_file, struct seal **seal,
    char err[PAAS_ERRLEN])
{
	struct sealing s = {.env = env,
	    .data = data,
	    .meta = meta,
	    .dir = dir,
	    .key_file = key_file};
	int rc;

	if ((rc = unlock(&s, err)) == 0)
		rc = seal_now(&s, err);
	if (rc < 0)
		seal_free(s.seal);
	else
		*seal = s.seal;
	return rc;
}
