/*
 * Hands the stream of a client to an instance: paas-init takes it from there,
 * and neither manager nor launcher are between the two any more.
 */
#ifndef PAAS_ATTACH_H
#define PAAS_ATTACH_H

#include <stdint.h>

#include "node/launch.h"

struct node;

/*
 * To one that was started with LAUNCH_ARGS_ATTACH; with `what`, to a new
 * command in any.  The stream stays the caller's.  0 once the instance's shim
 * has it, or a negative errno: -ENOENT and -ECONNREFUSED if there is no such
 * instance (any more), -EAGAIN if too many are about to be handed over, and
 * those of launch_start.
 */
int node_attach(struct node *, uint64_t instance, int stream,
    const struct launch_argv *what);

/* Whether there is such an instance, whose shim could be asked. */
int node_attachable(const struct node *node, uint64_t instance);

#endif
