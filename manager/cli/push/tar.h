/*
 * A folder as a tar (pax, gzip) that is made while it is read: tar_read packs
 * no more than what is asked for, so that memory stays flat.
 */
#ifndef PAAS_CLI_TAR_H
#define PAAS_CLI_TAR_H

#include <stddef.h>
#include <sys/types.h>

#include "common/conf.h"

struct tar;

struct tar_count {
	unsigned long long entries;
	unsigned long long bytes;   /* of file content */
	unsigned long long skipped; /* sockets, pipes, devices */
};

/*
 * What a folder would send; flags are walk_open's.  0, or -1 with a sentence
 * in err.
 */
int tar_measure(
    const char *folder, int flags, struct tar_count *, char err[PAAS_ERRLEN]);

/* NULL with a sentence in err. */
struct tar *tar_open(const char *folder, int flags, char err[PAAS_ERRLEN]);

/* An archive that is there already, byte for byte. */
struct tar *tar_open_file(const char *path, char err[PAAS_ERRLEN]);

/* Entries from elsewhere, as walk_next gives them. */
struct walk_entry;
struct tar_source {
	int (*next)(void *arg, struct walk_entry *, char err[PAAS_ERRLEN]);
	void *arg;
};

/* head, copied, goes before the archive. */
struct tar *tar_open_source(const struct tar_source *, const char *head,
    size_t len, char err[PAAS_ERRLEN]);
void tar_close(struct tar *);

/*
 * At most len bytes; 0 at the end, -1 on an error, which tar_error tells.
 */
ssize_t tar_read(struct tar *, char *buf, size_t len);
const char *tar_error(const struct tar *);

/* What has been packed so far, to be held against tar_measure's. */
const struct tar_count *tar_done(const struct tar *);

#endif
