/*
 * Waits until the router has let go of instances: it asks nginx's status
 * page, and only while something drains.
 */
#ifndef PAAS_DRAIN_H
#define PAAS_DRAIN_H

#include <stdint.h>
#include <systemd/sd-event.h>

#include "node/fetch.h"

struct drains;
struct drain;

/* The drain is of no use after it, but for drain_stop. */
typedef void (*drain_cb)(void *arg);

/* socket, the path of nginx's status socket, is copied.  NULL: no memory. */
struct drains *drains_open(sd_event *, struct fetch *, const char *socket);
void drains_close(struct drains *);

/*
 * Calls back (never from within) once the router has taken in revision and
 * has no request of the instance in flight, or nobody routes at all.  There
 * is no time limit: that is the caller's.  NULL with errno.
 */
struct drain *drain_start(
    struct drains *, uint64_t id, uint64_t revision, drain_cb, void *arg);
void drain_stop(struct drain *); /* NULL is fine */

/*
 * Reads an answer of the status page (JSON): 1 if the instance is drained,
 * 0 if not yet, -1 if that is no such answer.
 */
int drain_judge(const char *body, size_t len, uint64_t id, uint64_t revision);

#endif
