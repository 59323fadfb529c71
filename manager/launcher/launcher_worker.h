/*
 * Requests that may take long (a tree of 100,000 files, a list of 500
 * instances to a slow reader) are answered by a child of the launcher.
 */
#ifndef PAAS_LAUNCHER_WORKER_H
#define PAAS_LAUNCHER_WORKER_H

#include <sys/types.h>

#include "launcher/launcher.h"

/* In the child; may send replies of its own before the last one. */
typedef int worker_fn(
    struct launcher *, int client, const struct launch_request *);

worker_fn worker_list, worker_seal, worker_discard, worker_drop_slug,
    worker_drop_tree, worker_drop_cache;

/* -EAGAIN if too many are under way. */
int worker_start(
    struct launcher *, int client, const struct launch_request *, worker_fn *);
/* A child has ended: if it was a worker without an answer, it gets one. */
void worker_ended(struct launcher *, pid_t, int status);

#endif
