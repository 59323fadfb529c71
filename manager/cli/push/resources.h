/*
 * A folder as a list of its files by their content, for a push that sends
 * only those which the platform does not have (common/push.h).
 */
#ifndef PAAS_CLI_RESOURCES_H
#define PAAS_CLI_RESOURCES_H

#include "cli/cli.h"
#include "cli/push/progress.h"
#include "cli/push/tar.h"

struct resources;

struct resources_count {
	unsigned long long files; /* that are not empty */
	unsigned long long fresh; /* of them, to be sent */
	unsigned long long bytes; /* of those */
};

/*
 * Walks (flags are walk_open's) and hashes, and says so with the bytes that it
 * has read.  *stop ends it early.  NULL with a sentence in err.
 */
struct resources *resources_read(const char *folder, int flags,
    struct progress *, const volatile sig_atomic_t *stop,
    char err[PAAS_ERRLEN]);
void resources_free(struct resources *); /* NULL is fine */

/*
 * Asks which of them the platform has from the last push of cli->app.  An exit
 * status; what went wrong has been reported.
 */
int resources_ask(struct cli *, struct resources *);

/* Nothing is known there: all of them are sent. */
void resources_forget(struct resources *);

void resources_measure(const struct resources *, struct resources_count *);

/*
 * The whole body of a push: head, list and the tar of what is not known.  It
 * reads from the resources, which outlive it.  NULL with a sentence in err.
 */
struct tar *resources_tar(struct resources *, char err[PAAS_ERRLEN]);

#endif
