/*
 * Routes in bulk: one file of lines (paas-routes(5)), which is checked as it
 * comes, kept by its hash like a slug, and named by one record of the store,
 * import/routes.  The routing stage mirrors it into the route database.
 *
 * Memory stays flat: the lines have to come in order, pools before hosts and
 * hosts by their bytes, so that each is checked by the one before.
 */
#ifndef PAAS_ROUTING_IMPORT_H
#define PAAS_ROUTING_IMPORT_H

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/conf.h"

#define IMPORT_KEY       "import/routes"
#define IMPORT_FILE_MAX  65                  /* 64 hex digits and a NUL */
#define IMPORT_BYTES_MAX (512 * 1024 * 1024) /* as they come */
#define IMPORT_POOLS_MAX 16384
#define IMPORT_PATHS_MAX 4194304

struct import;

struct import_info {
	char file[IMPORT_FILE_MAX]; /* hex of BLAKE2b, 32 bytes, of its bytes */
	uint64_t bytes;
	uint32_t pools, hosts, paths;
};

/* conf is borrowed.  NULL with a sentence in err. */
struct import *import_begin(const struct conf *, char err[PAAS_ERRLEN]);

/*
 * The next bytes.  0, or -1 with a sentence in err, which begins with the
 * line's number if it is about that; *full is then set if it is the disk's
 * fault.
 */
int import_append(struct import *, const void *data, size_t len, int *full,
    char err[PAAS_ERRLEN]);

/*
 * It has all its bytes: checks what they end in, has them written to the disk
 * without waiting, and calls back once the file is durable and has its name;
 * error is an errno, or 0.  -1 as for append, then without the callback.
 */
typedef void (*import_done_cb)(
    int error, const struct import_info *, void *arg);
int import_finish(struct import *, sd_event *, import_done_cb, void *arg,
    int *full, char err[PAAS_ERRLEN]);

/* At any time; after the callback, too.  NULL is fine. */
void import_free(struct import *);

/* Of a file that a record names; the path goes to out. */
void import_path_of(
    const struct conf *, const char *file, char *out, size_t len);

#endif
