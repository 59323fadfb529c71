/*
 * Writing the route database.
 *
 * Readers hold no lock, so nothing tells LMDB which pages they still look at.
 * Read transactions of the writer's own stand in for them: one is taken
 * before a commit, at most one each SNAP_EVERY ms, and kept until a younger
 * one is over GRACE ms old.  LMDB then uses no page again that was freed in
 * the last GRACE ms, which is twice what a reader may take.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "writer.h"

/* A million routes take 0.4 GiB, twice that while they are written anew. */
#define MAP_SIZE ((size_t)8 << 30)

/* ---- opening ----------------------------------------------------------- */

static int
open_at(const char *dir, const char *name, int flags, mode_t mode)
{
	int fd, at;

	at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at == -1)
		return -1;
	fd = openat(at, name, flags | O_CLOEXEC | O_NOFOLLOW, mode);
	close(at);
	return fd;
}

/*
 * A file of its own: flock on data.mdb could be taken by any reader, and
 * closing a second descriptor of lock.mdb would drop LMDB's locks.
 */
static int
writer_lock(const char *path)
{
	int fd, saved;

	if (mkdir(path, 0750) == -1 && errno != EEXIST)
		return -1;
	fd = open_at(path, "writer.lock", O_RDWR | O_CREAT, 0600);
	if (fd == -1)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		saved = errno == EWOULDBLOCK ? EBUSY : errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* LMDB makes both files with one mode; they have different readers. */
static int
writer_set_modes(MDB_env *env, const char *path)
{
	char name[4096];
	int fd, n;

	n = snprintf(name, sizeof(name), "%s/lock.mdb", path);
	if (n < 0 || (size_t)n >= sizeof(name))
		return ENAMETOOLONG;
	if (mdb_env_get_fd(env, &fd) != MDB_SUCCESS || fchmod(fd, 0640) == -1 ||
	    chmod(name, 0600) == -1)
		return errno;
	return MDB_SUCCESS;
}

static int
writer_open_env(paas_routedb_writer_t *w, const char *path, size_t map_size)
{
	MDB_envinfo info;
	MDB_txn *txn;
	int rc, dead;

	rc = mdb_env_create(&w->env);
	if (rc == MDB_SUCCESS)
		rc = mdb_env_set_mapsize(
		    w->env, map_size != 0 ? map_size : MAP_SIZE);
	if (rc == MDB_SUCCESS)
		rc = mdb_env_open(w->env, path, MDB_NOTLS, 0600);
	if (rc == MDB_SUCCESS)
		rc = writer_set_modes(w->env, path);
	if (rc == MDB_SUCCESS)
		rc = mdb_reader_check(w->env, &dead);
	if (rc == MDB_SUCCESS)
		rc = mdb_env_info(w->env, &info);
	if (rc != MDB_SUCCESS)
		return rc;
	w->fresh = info.me_last_txnid == 0;
	rc = mdb_txn_begin(w->env, NULL, MDB_RDONLY, &txn);
	if (rc != MDB_SUCCESS)
		return rc;
	rc = mdb_dbi_open(txn, NULL, 0, &w->in.dbi);
	mdb_txn_abort(txn);
	return rc;
}

int
paas_routedb_writer_open(
    paas_routedb_writer_t **out, const char *path, size_t map_size)
{
	paas_routedb_writer_t *w;
	int rc;

	*out = NULL;
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return paas_routedb_error(ENOMEM);
	w->record = malloc(PAAS_ROUTEDB_RECORD_MAX);
	w->scratch = malloc(PAAS_ROUTEDB_RECORD_MAX);
	w->lock = writer_lock(path);
	w->opened = paas_routedb_now(); /* the last writer is gone by now */
	if (w->lock == -1)
		rc = errno;
	else if (w->record == NULL || w->scratch == NULL)
		rc = ENOMEM;
	else
		rc = writer_open_env(w, path, map_size);
	if (rc != MDB_SUCCESS) {
		paas_routedb_writer_close(w);
		return rc == ENOENT ? (errno = rc, PAAS_ROUTEDB_ESYS)
				    : paas_routedb_error(rc);
	}
	w->in.env = w->env;
	w->in.outer = &w->txn;
	w->in.outer_meta = &w->head.meta;
	w->in.outer_error = &w->unreadable;
	w->in.lasting = 1;
	w->in.id = PAAS_ROUTEDB_NO_TXN;
	w->in.jump = &w->in.landing;
	w->reader = w->in;
	mdb_env_set_userctx(w->env, w->in.jump);
	mdb_env_set_assert(w->env, paas_routedb_assert);
	*out = w;
	return PAAS_ROUTEDB_OK;
}

int
paas_routedb_writer_nosync(paas_routedb_writer_t *w, int on)
{
	return paas_routedb_error(
	    mdb_env_set_flags(w->env, MDB_NOSYNC, on != 0));
}

void
paas_routedb_writer_close(paas_routedb_writer_t *w)
{
	int saved = errno;

	if (w == NULL)
		return;
	paas_routedb_abort(w);
	if (w->reader.own != NULL)
		mdb_txn_abort(w->reader.own);
	while (w->nsnaps > 0)
		mdb_txn_abort(w->snaps[--w->nsnaps].txn);
	if (w->env != NULL)
		mdb_env_close(w->env);
	if (w->lock != -1)
		close(w->lock);
	free(w->record);
	free(w->scratch);
	free(w);
	errno = saved;
}

paas_routedb_reader_t *
paas_routedb_writer_reader(paas_routedb_writer_t *w)
{
	return &w->reader;
}

/* ---- transactions ------------------------------------------------------ */

int
paas_routedb_writer_wait(const paas_routedb_writer_t *w)
{
	uint64_t age = paas_routedb_now() - w->opened;

	/* The clock is coarse: a few ms more, lest it be a few less. */
	return w->fresh || age > GRACE + 10 ? 0 : (int)(GRACE + 11 - age);
}

static int
writer_snap(paas_routedb_writer_t *w)
{
	uint64_t now = paas_routedb_now();
	struct paas_routedb_snap *s = w->snaps;
	int rc;

	if (w->nsnaps > 0 && now - s[w->nsnaps - 1].taken < SNAP_EVERY)
		return MDB_SUCCESS;
	while (w->nsnaps > 1 && now - s[1].taken > GRACE + 10) {
		mdb_txn_abort(s[0].txn);
		memmove(s, s + 1, --w->nsnaps * sizeof(*s));
	}
	rc = mdb_txn_begin(w->env, NULL, MDB_RDONLY, &s[w->nsnaps].txn);
	if (rc == MDB_SUCCESS)
		s[w->nsnaps++].taken = now;
	return rc;
}

/* What is known of the database as it is; OK too where nothing is. */
static int
writer_load_head(paas_routedb_writer_t *w)
{
	uint8_t bytes[1];
	MDB_val key = {paas_routedb_key_meta(bytes), bytes}, value;
	MDB_stat st;
	int rc;

	memset(&w->head, 0, sizeof(w->head));
	w->head.meta.version = PAAS_ROUTEDB_VERSION;
	rc = paas_routedb_fetch(&w->in, bytes, key.mv_size, &value);
	if (rc == PAAS_ROUTEDB_OK)
		return paas_routedb_decode_meta(&key, &value, &w->head);
	if (rc != PAAS_ROUTEDB_ENOTFOUND)
		return rc;
	if (mdb_stat(w->txn, w->in.dbi, &st) != MDB_SUCCESS ||
	    st.ms_entries > 0)
		return PAAS_ROUTEDB_EDAMAGED;
	w->appending = 1;
	w->lastlen = 0;
	return PAAS_ROUTEDB_OK;
}

int
paas_routedb_write_begin(paas_routedb_writer_t *w)
{
	int rc;

	if (w->txn != NULL)
		return PAAS_ROUTEDB_EINVAL;
	if (paas_routedb_writer_wait(w) > 0)
		return PAAS_ROUTEDB_EAGAIN;
	rc = writer_snap(w);
	if (rc == MDB_SUCCESS)
		rc = mdb_txn_begin(w->env, NULL, 0, &w->txn);
	if (rc != MDB_SUCCESS) {
		w->txn = NULL;
		return paas_routedb_error(rc);
	}
	w->in.txn = w->txn;
	w->error = PAAS_ROUTEDB_OK;
	w->appending = w->patterns = w->keys = 0;
	w->unreadable = writer_load_head(w);
	return PAAS_ROUTEDB_OK;
}

void
paas_routedb_abort(paas_routedb_writer_t *w)
{
	if (w->txn != NULL)
		mdb_txn_abort(w->txn);
	w->txn = w->in.txn = NULL;
}

int
paas_routedb_put_revision(paas_routedb_writer_t *w, uint64_t revision)
{
	int rc = paas_routedb_writer_ready(w);

	if (rc == PAAS_ROUTEDB_OK)
		w->head.meta.revision = revision;
	return rc;
}

int
paas_routedb_commit(paas_routedb_writer_t *w)
{
	uint8_t key[1];
	uint64_t id;
	size_t len;
	int rc = paas_routedb_writer_ready(w);

	if (w->txn == NULL)
		return PAAS_ROUTEDB_EINVAL;
	if (rc == PAAS_ROUTEDB_OK) {
		id = mdb_txn_id(w->txn);
		if (++w->head.meta.generation < id)
			w->head.meta.generation = id;
		if (w->patterns)
			w->head.meta.patterns = w->head.meta.generation;
		if (w->keys)
			w->head.meta.keys = w->head.meta.generation;
		len = paas_routedb_encode_meta(w->record, &w->head);
		rc = paas_routedb_writer_put(
		    w, key, paas_routedb_key_meta(key), w->record, len, NULL);
	}
	if (rc != PAAS_ROUTEDB_OK) {
		paas_routedb_abort(w);
		return rc;
	}
	if (_setjmp(*w->in.jump) != 0) {
		paas_routedb_abort(w);
		return PAAS_ROUTEDB_EDAMAGED;
	}
	rc = mdb_txn_commit(w->txn); /* frees it, whatever happens */
	w->txn = w->in.txn = NULL;
	return paas_routedb_error(rc);
}
