/*
 * What store_lmdb.c and store_lmdb_open.c share, and nobody else.
 */
#ifndef PAAS_STORE_LMDB_H
#define PAAS_STORE_LMDB_H

#include <endian.h>
#include <lmdb.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "store/backend.h"

#define STORE_FORMAT 1

struct lmdb {
	MDB_env *env;
	MDB_dbi data, meta;
	MDB_txn *read; /* reset whenever depth is 0: it must pin no pages */
	unsigned int depth;
	uint64_t revision;
	uint64_t size; /* of the file, as it was when it was looked at */
	uint32_t epoch;
	int dir_fd; /* carries the lock that keeps a second manager out */
};

struct head {
	uint64_t format, epoch, revision;
};

static inline MDB_val
lmdb_text_val(const char *text)
{
	MDB_val val = {strlen(text), (void *)(uintptr_t)text};

	return val;
}

/* store_lmdb.c */
extern const struct store_backend lmdb_backend;
int lmdb_put_head(struct lmdb *, MDB_txn *, uint64_t revision);

/* store_lmdb_grow.c: there is room in the file for the commits to come. */
void lmdb_grow(struct lmdb *);

/* store_lmdb_open.c */
void lmdb_close(void *lm);

#endif
