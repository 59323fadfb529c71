/*
 * What the manager keeps of a session that an instance has: a descriptor of
 * its stream, to end it once whoever asked for it may not any more.
 */
#ifndef PAAS_API_SESSION_KEEP_H
#define PAAS_API_SESSION_KEEP_H

#include <stdint.h>

struct api;
struct request;

/*
 * The stream stays the caller's.  0, or a negative errno: it has to end now,
 * as nobody would end it later.
 */
int session_keep(struct request *, uint64_t instance, int stream);

/* The manager goes, and the sessions go on. */
void session_keep_close(struct api *);

#endif
