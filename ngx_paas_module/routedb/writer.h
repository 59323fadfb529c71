/*
 * The writer's own: writer.c opens, begins and commits, writer_put.c changes.
 */
#ifndef PAAS_ROUTEDB_WRITER_H
#define PAAS_ROUTEDB_WRITER_H

#include "internal.h"

#define GRACE      2000 /* ms */
#define SNAP_EVERY 100  /* ms */
#define SNAPS      (GRACE / SNAP_EVERY + 4)

struct paas_routedb_snap {
	MDB_txn *txn;
	uint64_t taken;
};

struct paas_routedb_writer_s {
	MDB_env *env;
	MDB_txn *txn;
	int lock;        /* of writer.lock */
	uint64_t opened; /* ms; the first commit is GRACE later */
	int fresh;       /* nobody has read this database yet */
	struct paas_routedb_snap snaps[SNAPS];
	unsigned nsnaps;
	int error;      /* of the open transaction: the first that happened */
	int unreadable; /* why there is no head: only clear helps */
	paas_routedb_head_t head;
	int patterns, keys; /* changed in this transaction */
	int appending;      /* all keys there are came in this transaction, */
	size_t lastlen;     /* and this is the highest */
	uint8_t last[PAAS_ROUTEDB_KEY_MAX];
	uint8_t *record, *scratch;    /* PAAS_ROUTEDB_RECORD_MAX each */
	paas_routedb_reader_t in;     /* the open transaction's gets */
	paas_routedb_reader_t reader; /* handed out */
};

/* Keeps the first failure for commit; EINVAL has changed nothing. */
int paas_routedb_writer_fail(paas_routedb_writer_t *w, int error);

/* OK if a change may be made now. */
int paas_routedb_writer_ready(paas_routedb_writer_t *w);

/*
 * Seals value and puts it under key.  *isnew, if wanted, tells whether there
 * was none.
 */
int paas_routedb_writer_put(paas_routedb_writer_t *w, const uint8_t *key,
    size_t keylen, uint8_t *value, size_t len, int *isnew);

/*
 * The same where a record that is there already with these bytes stays; 1 in
 * *changed if it was not.
 */
int paas_routedb_writer_change(paas_routedb_writer_t *w, const uint8_t *key,
    size_t keylen, uint8_t *value, size_t len, int *isnew, int *changed);

/* ENOTFOUND where there is none. */
int paas_routedb_writer_del(
    paas_routedb_writer_t *w, const uint8_t *key, size_t keylen);

#endif
