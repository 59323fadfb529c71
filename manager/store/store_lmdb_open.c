/*
 * The store of a single machine is opened: locked, of a format that is known,
 * and with its secrets sealed.
 */
#include "store/store_lmdb.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"

#define STORE_MAP_SIZE ((size_t)8 << 30) /* address space, not memory */

static struct lmdb *
lmdb_new(void)
{
	struct lmdb *lm = calloc(1, sizeof(*lm));

	if (lm == NULL)
		log_fatal("store: out of memory");
	lm->dir_fd = -1;
	return lm;
}

void
lmdb_close(void *be)
{
	struct lmdb *lm = be;

	if (lm->read != NULL)
		mdb_txn_abort(lm->read);
	if (lm->env != NULL)
		mdb_env_close(lm->env);
	if (lm->dir_fd != -1)
		close(lm->dir_fd);
	free(lm);
}

static int
lock_dir(struct lmdb *lm, const char *dir, char err[PAAS_ERRLEN])
{
	if (mkdir(dir, 0700) == -1 && errno != EEXIST) {
		snprintf(err, PAAS_ERRLEN, "cannot make the folder %s: %s", dir,
		    strerror(errno));
		return -1;
	}
	lm->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lm->dir_fd == -1) {
		snprintf(err, PAAS_ERRLEN, "cannot open the folder %s: %s", dir,
		    strerror(errno));
		return -1;
	}
	if (flock(lm->dir_fd, LOCK_EX | LOCK_NB) == -1) {
		snprintf(err, PAAS_ERRLEN,
		    "another paas-manager has the store "
		    "%s open; stop that one first",
		    dir);
		return -1;
	}
	return 0;
}

/* The databases and the head of a new store, or those that are there. */
static int
load_head(struct lmdb *lm, MDB_txn *txn, struct head *head)
{
	MDB_val k = lmdb_text_val("head"), v;
	int rc;

	rc = mdb_dbi_open(txn, "data", MDB_CREATE, &lm->data);
	if (rc == 0)
		rc = mdb_dbi_open(txn, "meta", MDB_CREATE, &lm->meta);
	if (rc == 0)
		rc = mdb_get(txn, lm->meta, &k, &v);
	if (rc == 0 && v.mv_size == sizeof(*head)) {
		memcpy(head, v.mv_data, sizeof(*head));
		head->format = le64toh(head->format);
		head->epoch = le64toh(head->epoch);
		head->revision = le64toh(head->revision);
		return 0;
	}
	if (rc == 0)
		return MDB_CORRUPTED;
	if (rc != MDB_NOTFOUND)
		return rc;
	head->format = STORE_FORMAT;
	head->epoch = lm->epoch = 1;
	head->revision = 0;
	return lmdb_put_head(lm, txn, 0);
}

static int
open_env(struct lmdb *lm, const char *dir, size_t map_size, struct head *head)
{
	MDB_txn *txn;
	int rc, dead;

	if ((rc = mdb_env_create(&lm->env)) != 0)
		return rc;
	if ((rc = mdb_env_set_maxdbs(lm->env, 2)) != 0 ||
	    (rc = mdb_env_set_mapsize(lm->env, map_size)) != 0 ||
	    (rc = mdb_env_open(lm->env, dir, MDB_NOTLS, 0600)) != 0)
		return rc;
	mdb_reader_check(lm->env, &dead);
	if ((rc = mdb_txn_begin(lm->env, NULL, 0, &txn)) != 0)
		return rc;
	if ((rc = load_head(lm, txn, head)) != 0) {
		mdb_txn_abort(txn);
		return rc;
	}
	if ((rc = mdb_txn_commit(txn)) != 0)
		return rc;
	lm->size = 0;
	lmdb_grow(lm);
	if ((rc = mdb_txn_begin(lm->env, NULL, MDB_RDONLY, &lm->read)) == 0)
		mdb_txn_reset(lm->read);
	return rc;
}

/*
 * A reader's slot where there is a lock file that may be written, as the
 * manager's user and root can: pages that are read are not used again then.
 */
static int
look_env(struct lmdb *lm, const char *dir, struct head *head)
{
	char lock[PATH_MAX];
	unsigned int flags = MDB_RDONLY | MDB_NOTLS;
	MDB_val k = lmdb_text_val("head"), v;
	int rc;

	snprintf(lock, sizeof(lock), "%s/lock.mdb", dir);
	if (access(lock, R_OK | W_OK) == -1)
		flags |= MDB_NOLOCK;
	if ((rc = mdb_env_create(&lm->env)) != 0 ||
	    (rc = mdb_env_set_maxdbs(lm->env, 2)) != 0 ||
	    (rc = mdb_env_open(lm->env, dir, flags, 0600)) != 0 ||
	    (rc = mdb_txn_begin(lm->env, NULL, MDB_RDONLY, &lm->read)) != 0 ||
	    (rc = mdb_dbi_open(lm->read, "data", 0, &lm->data)) != 0 ||
	    (rc = mdb_dbi_open(lm->read, "meta", 0, &lm->meta)) != 0 ||
	    (rc = mdb_get(lm->read, lm->meta, &k, &v)) != 0)
		return rc;
	if (v.mv_size != sizeof(*head))
		return MDB_CORRUPTED;
	memcpy(head, v.mv_data, sizeof(*head));
	lm->depth = 1; /* all that is read is of this moment */
	return le64toh(head->format) == STORE_FORMAT ? 0 : MDB_VERSION_MISMATCH;
}

struct store *
store_open_lmdb_look(
    const char *dir, const char *key_file, char err[PAAS_ERRLEN])
{
	struct head head = {0, 0, 0};
	struct seal *seal = NULL;
	struct lmdb *lm = lmdb_new();
	int missing = 0, rc;

	if (access(key_file, F_OK) == 0 &&
	    (seal = seal_load(key_file, &missing, err)) == NULL) {
		lmdb_close(lm);
		return NULL;
	}
	if ((rc = look_env(lm, dir, &head)) != 0) {
		snprintf(err, PAAS_ERRLEN, "cannot read the store %s: %s", dir,
		    mdb_strerror(rc));
		seal_free(seal);
		lmdb_close(lm);
		return NULL;
	}
	lm->epoch = (uint32_t)le64toh(head.epoch);
	lm->revision = le64toh(head.revision);
	return store_new_look(&lmdb_backend, lm, seal);
}

/* Locked and open; 0, or -1 with a sentence in err. */
static int
open_checked(struct lmdb *lm, const char *dir, size_t map_size,
    struct head *head, char err[PAAS_ERRLEN])
{
	int rc;

	if ((rc = open_env(lm, dir, map_size, head)) != 0) {
		snprintf(err, PAAS_ERRLEN, "cannot open the store %s: %s", dir,
		    mdb_strerror(rc));
		return -1;
	}
	if (head->format != STORE_FORMAT) {
		snprintf(err, PAAS_ERRLEN,
		    "the store %s has format %llu; this "
		    "paas-manager knows %d",
		    dir, (unsigned long long)head->format, STORE_FORMAT);
		return -1;
	}
	return 0;
}

/* The same with secrets sealed. */
static int
open_sealed(struct lmdb *lm, const char *dir, const char *key_file,
    struct seal **seal, struct head *head, char err[PAAS_ERRLEN])
{
	int rc;

	if (open_checked(lm, dir, STORE_MAP_SIZE, head, err) == -1)
		return -1;
	rc = store_lmdb_seal(
	    lm->env, lm->data, lm->meta, dir, key_file, seal, err);
	if (rc <= 0)
		return rc;
	mdb_txn_abort(lm->read);
	mdb_env_close(lm->env);
	lm->read = NULL;
	lm->env = NULL;
	return open_checked(lm, dir, STORE_MAP_SIZE, head, err);
}

/* Takes lm and the seal. */
static struct store *
open_done(struct lmdb *lm, const char *dir, const struct head *head,
    struct seal *seal, sd_event *event, char err[PAAS_ERRLEN])
{
	char events[PATH_MAX];

	lm->epoch = (uint32_t)head->epoch;
	lm->revision = head->revision;
	snprintf(events, sizeof(events), "%s/events", dir);
	return store_new(&lmdb_backend, lm, seal, event, events, err);
}

struct store *
store_open_lmdb_sized(
    const char *dir, sd_event *event, size_t map_size, char err[PAAS_ERRLEN])
{
	struct head head = {0, 0, 0};
	struct lmdb *lm = lmdb_new();

	if (lock_dir(lm, dir, err) == 0 &&
	    open_checked(lm, dir, map_size, &head, err) == 0)
		return open_done(lm, dir, &head, NULL, event, err);
	lmdb_close(lm);
	return NULL;
}

struct store *
store_open_lmdb(const char *dir, sd_event *event, char err[PAAS_ERRLEN])
{
	return store_open_lmdb_sized(dir, event, STORE_MAP_SIZE, err);
}

struct store *
store_open_lmdb_sealed(const char *dir, const char *key_file, sd_event *event,
    int *locked, char err[PAAS_ERRLEN])
{
	struct head head = {0, 0, 0};
	struct lmdb *lm = lmdb_new();
	struct seal *seal = NULL;
	int rc = -1;

	if (lock_dir(lm, dir, err) == 0)
		rc = open_sealed(lm, dir, key_file, &seal, &head, err);
	*locked = rc == STORE_LOCKED;
	if (rc == 0)
		return open_done(lm, dir, &head, seal, event, err);
	seal_free(seal);
	lmdb_close(lm);
	return NULL;
}
