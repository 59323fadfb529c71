/*
 * An answer of 101: from then on the connection is a session
 * (common/session.h) with an instance, and not the manager's any more.  It
 * outlives a restart of the manager.
 */
#ifndef PAAS_API_SESSION_H
#define PAAS_API_SESSION_H

#include <jansson.h>
#include <stdint.h>

#include "node/release_env.h"

struct request;

/* Does it ask for one?  Else it has got its answer. */
int session_asked(struct request *);

/* With a process that waits for its client. */
void session_attach(struct request *, uint64_t instance);

/* With a new command in an instance; what is borrowed is copied. */
void session_exec(struct request *, const struct release_process *,
    const char *command, int tty);

#endif
