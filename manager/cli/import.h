/*
 * A file of routes to import, in the order that the manager takes.
 */
#ifndef PAAS_CLI_IMPORT_H
#define PAAS_CLI_IMPORT_H

#include <stddef.h>
#include <sys/types.h>

#include "common/conf.h"

struct import_file;

/* "-" is standard input.  NULL with a sentence in err. */
struct import_file *import_read(const char *path, char err[PAAS_ERRLEN]);
void import_close(struct import_file *);

/* The next bytes, sorted: pools as they stand, then hosts. */
ssize_t import_fill(struct import_file *, char *buf, size_t len);

/* Which line of the file it was that was sent as the n-th, 0 for none. */
size_t import_line(const struct import_file *, size_t n);

#endif
