/*
 * Reading the route database without its lock file: opening, and where a read
 * begins and ends.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

uint64_t
paas_routedb_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int
paas_routedb_error(int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return PAAS_ROUTEDB_OK;
	case MDB_NOTFOUND:
		return PAAS_ROUTEDB_ENOTFOUND;
	case EAGAIN:
		return PAAS_ROUTEDB_EAGAIN;
	case ENOENT:
		return PAAS_ROUTEDB_EMISSING;
	case MDB_VERSION_MISMATCH:
		return PAAS_ROUTEDB_EVERSION;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
	case ENOSPC:
	case EDQUOT:
		return PAAS_ROUTEDB_EFULL;
	}
	if (rc < 0)
		return PAAS_ROUTEDB_EDAMAGED;
	errno = rc;
	return PAAS_ROUTEDB_ESYS;
}

const char *
paas_routedb_strerror(int error)
{
	switch (error) {
	case PAAS_ROUTEDB_OK:
		return "no error";
	case PAAS_ROUTEDB_ENOTFOUND:
		return "not found";
	case PAAS_ROUTEDB_EMISSING:
		return "there is no database";
	case PAAS_ROUTEDB_EVERSION:
		return "the database has another format version";
	case PAAS_ROUTEDB_EDAMAGED:
		return "the database is damaged";
	case PAAS_ROUTEDB_EFULL:
		return "the database's map or disk is full";
	case PAAS_ROUTEDB_EINVAL:
		return "a host, path, pool, instance, pattern or key "
		       "breaks a rule";
	case PAAS_ROUTEDB_ESYS:
		return "a system call failed";
	case PAAS_ROUTEDB_EAGAIN:
		return "too early to write, or read for too long";
	}
	return "unknown error";
}

/* LMDB aborts on what it cannot believe; a router must not. */
void
paas_routedb_assert(MDB_env *env, const char *msg)
{
	jmp_buf *jump = mdb_env_get_userctx(env);

	(void)msg;
	longjmp(*jump, 1);
}

/*
 * Does the value lie where LMDB puts one?  Within its page, or right after
 * the header of overflow pages, which tells how many they are.  Otherwise its
 * length was damaged, and could lead out of the file.  (lmdb.c: MDB_page.)
 */
int
paas_routedb_holds(const paas_routedb_reader_t *reader, const MDB_val *v)
{
	const uint8_t *data = v->mv_data;
	size_t page = reader->page, at = (uintptr_t)data & (page - 1);
	uint32_t pages;

	if (reader->outer != NULL || v->mv_size <= page - at)
		return 1;
	if (at != 16)
		return 0;
	memcpy(&pages, data - 4, sizeof(pages));
	return pages <= 2 * PAAS_ROUTEDB_RECORD_MAX / page &&
	       v->mv_size <= pages * page - 16;
}

int
paas_routedb_fetch(paas_routedb_reader_t *reader, const uint8_t *key,
    size_t keylen, MDB_val *value)
{
	MDB_val k = {keylen, (void *)(uintptr_t)key};
	int rc;

	if (reader->txn == NULL)
		return paas_routedb_map_find(&reader->map, key, keylen, value);
	if (_setjmp(*reader->jump) != 0)
		return PAAS_ROUTEDB_EDAMAGED;
	rc = mdb_get(reader->txn, reader->dbi, &k, value);
	if (rc == MDB_SUCCESS && !paas_routedb_holds(reader, value))
		rc = MDB_CORRUPTED;
	return paas_routedb_error(rc);
}

static int
reader_open(paas_routedb_reader_t **out, const char *path, int locked)
{
	paas_routedb_reader_t *reader;
	unsigned flags = MDB_RDONLY | (locked ? 0 : MDB_NOLOCK);
	MDB_stat st;
	uint64_t txn;
	int rc;

	*out = NULL;
	reader = calloc(1, sizeof(*reader));
	if (reader == NULL)
		return paas_routedb_error(ENOMEM);
	reader->lasting = locked;
	reader->id = PAAS_ROUTEDB_NO_TXN;
	reader->jump = &reader->landing;
	rc = mdb_env_create(&reader->env);
	if (rc == MDB_SUCCESS)
		rc = mdb_env_open(reader->env, path, flags, 0600);
	if (rc == EBADF) /* empty, and LMDB would have written to it */
		rc = ENOENT;
	if (rc != MDB_SUCCESS) {
		rc = paas_routedb_error(rc);
		paas_routedb_reader_close(reader);
		return rc;
	}
	mdb_env_stat(reader->env, &st);
	reader->page = st.ms_psize;
	mdb_env_set_userctx(reader->env, reader->jump);
	mdb_env_set_assert(reader->env, paas_routedb_assert);
	if (!locked)
		paas_routedb_map(&reader->map, reader->env);
	rc = paas_routedb_begin(reader, &txn);
	if (rc != PAAS_ROUTEDB_OK) {
		paas_routedb_reader_close(reader);
		return rc;
	}
	(void)paas_routedb_end(reader);
	*out = reader;
	return PAAS_ROUTEDB_OK;
}

int
paas_routedb_reader_open(paas_routedb_reader_t **reader, const char *path)
{
	return reader_open(reader, path, 0);
}

int
paas_routedb_reader_open_locked(
    paas_routedb_reader_t **reader, const char *path)
{
	char lock[4096];
	int n = snprintf(lock, sizeof(lock), "%s/lock.mdb", path);

	return reader_open(reader, path,
	    n > 0 && (size_t)n < sizeof(lock) && access(lock, W_OK) == 0);
}

void
paas_routedb_reader_close(paas_routedb_reader_t *reader)
{
	if (reader == NULL)
		return;
	paas_routedb_unmap(&reader->map);
	if (reader->own != NULL)
		mdb_txn_abort(reader->own);
	if (reader->env != NULL)
		mdb_env_close(reader->env);
	free(reader);
}

/* A read transaction, in the map's present size if a writer has changed it. */
static int
reader_try(paas_routedb_reader_t *reader)
{
	int rc = MDB_SUCCESS;

	for (int tries = 0; tries < 2; tries++) {
		if (reader->own == NULL)
			rc = mdb_txn_begin(
			    reader->env, NULL, MDB_RDONLY, &reader->own);
		else
			rc = mdb_txn_renew(reader->own);
		if (rc != MDB_MAP_RESIZED)
			break;
		mdb_env_set_mapsize(reader->env, 0);
	}
	if (rc == MDB_SUCCESS && reader->dbi == 0)
		rc = mdb_dbi_open(reader->own, NULL, 0, &reader->dbi);
	return rc;
}

/*
 * LMDB copies the newest of its two meta pages, and the commit after the next
 * writes over that page.  A reader that was stopped in between would have the
 * number of one transaction and the pages of another (seen: once in three
 * million reads, at 1,000 commits a second).  If the transaction is still the
 * newest after the copy, the page was left alone meanwhile.
 */
static int
reader_renew(paas_routedb_reader_t *reader)
{
	MDB_envinfo info;
	int rc;

	for (int tries = 0; tries < 1000; tries++) {
		rc = reader_try(reader);
		if (rc != MDB_SUCCESS)
			return rc;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		mdb_env_info(reader->env, &info);
		if (info.me_last_txnid == mdb_txn_id(reader->own))
			return MDB_SUCCESS;
		mdb_txn_reset(reader->own);
	}
	return EAGAIN;
}

static int
reader_is_empty(const paas_routedb_reader_t *reader)
{
	MDB_stat st;

	return reader->txn == NULL
		   ? reader->map.depth == 0
		   : mdb_stat(reader->txn, reader->dbi, &st) == MDB_SUCCESS &&
			 st.ms_entries == 0;
}

static int
reader_load_meta(paas_routedb_reader_t *reader)
{
	uint8_t bytes[1];
	MDB_val key = {paas_routedb_key_meta(bytes), bytes}, value;
	paas_routedb_head_t head;
	int rc;

	rc = paas_routedb_fetch(reader, bytes, key.mv_size, &value);
	if (rc == PAAS_ROUTEDB_ENOTFOUND)
		return reader_is_empty(reader) ? PAAS_ROUTEDB_EMISSING
					       : PAAS_ROUTEDB_EDAMAGED;
	if (rc == PAAS_ROUTEDB_OK)
		rc = paas_routedb_decode_meta(&key, &value, &head);
	if (rc == PAAS_ROUTEDB_OK)
		reader->meta = head.meta;
	return rc;
}

/* The snapshot of the map, or else of a transaction of LMDB's. */
static int
reader_begin(paas_routedb_reader_t *reader, uint64_t *txn)
{
	int rc;

	reader->txn = NULL;
	if (reader->map.base != NULL &&
	    paas_routedb_map_begin(&reader->map) == 0) {
		*txn = reader->map.txn;
		return PAAS_ROUTEDB_OK;
	}
	rc = paas_routedb_error(reader_renew(reader));
	if (rc != PAAS_ROUTEDB_OK)
		return rc;
	reader->txn = reader->own;
	*txn = mdb_txn_id(reader->txn);
	if (reader->map.base != NULL) /* it may have grown */
		paas_routedb_map(&reader->map, reader->env);
	return PAAS_ROUTEDB_OK;
}

int
paas_routedb_begin(paas_routedb_reader_t *reader, uint64_t *txn)
{
	return paas_routedb_begin_at(reader, paas_routedb_now(), txn);
}

int
paas_routedb_begin_at(
    paas_routedb_reader_t *reader, uint64_t now, uint64_t *txn)
{
	int rc;

	reader->began = now;
	if (reader->outer != NULL && *reader->outer != NULL) {
		reader->txn = *reader->outer;
		reader->meta = *reader->outer_meta;
		reader->id = PAAS_ROUTEDB_NO_TXN;
		*txn = mdb_txn_id(reader->txn);
		return *reader->outer_error;
	}
	rc = reader_begin(reader, txn);
	if (rc != PAAS_ROUTEDB_OK || *txn == reader->id)
		return rc;
	rc = reader_load_meta(reader);
	if (rc != PAAS_ROUTEDB_OK) {
		reader->id = PAAS_ROUTEDB_NO_TXN;
		(void)paas_routedb_end(reader);
		return rc;
	}
	reader->id = *txn;
	return PAAS_ROUTEDB_OK;
}

/* Without a commit since the beginning, no page can have been used again. */
int
paas_routedb_end(paas_routedb_reader_t *reader)
{
	MDB_txn *txn = reader->txn;

	reader->txn = NULL;
	if (txn != NULL && txn == reader->own)
		mdb_txn_reset(reader->own);
	if (reader->lasting ||
	    (txn == NULL &&
		paas_routedb_map_peek(&reader->map) == reader->map.txn))
		return PAAS_ROUTEDB_OK;
	return paas_routedb_now() - reader->began > PAAS_ROUTEDB_READ_MAX
		   ? PAAS_ROUTEDB_EAGAIN
		   : PAAS_ROUTEDB_OK;
}

uint64_t
paas_routedb_peek(paas_routedb_reader_t *reader)
{
	MDB_envinfo info;

	if (reader->map.base != NULL)
		return paas_routedb_map_peek(&reader->map);
	mdb_env_info(reader->env, &info);
	return info.me_last_txnid;
}

int
paas_routedb_words(
    const paas_routedb_reader_t *reader, const uint64_t *words[2])
{
	if (reader->map.base == NULL)
		return -1;
	paas_routedb_map_words(&reader->map, words);
	return 0;
}

int
paas_routedb_get_meta(paas_routedb_reader_t *reader, paas_routedb_meta_t *meta)
{
	*meta = reader->meta;
	return PAAS_ROUTEDB_OK;
}
