/*
 * Requests that may take long (a tree of 100,000 files, a list of 500
 * instances to a slow reader) are answered by a child of the launcher.
 */
#ifndef PAAS_LAUNCHER_WORKER_H
#define PAAS_LAUNCHER_WORKER_H

#include <sys/types.h>

#include "launcher/launcher.h"

extern const struct steps list_steps;

/* Takes the steps in a child, and answers.  -EAGAIN: too many are under way. */
int worker_start(struct asked *, const struct steps *);
/* A child has ended: if it was a worker without an answer, it gets one. */
void worker_ended(struct launcher *, pid_t, int status);

#endif
