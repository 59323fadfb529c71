/*
 * Builds that git's hook waits for.  A hook that is gone can't accept the
 * push any more: its build is stopped, so that nothing is released that the
 * branch does not have.
 */
#ifndef PAAS_API_PUSH_WATCH_H
#define PAAS_API_PUSH_WATCH_H

#include <stdint.h>

#include "common/conf.h"

struct api;
struct push_watch;

/* After a start, hooks have a minute to come back for their builds. */
struct push_watch *push_watch_open(struct api *, char err[PAAS_ERRLEN]);
void push_watch_close(struct push_watch *);

/* The hook of a build is there. */
void push_watch_came(struct push_watch *, uint64_t build);

/* It is gone; nothing happens if the build is over. */
void push_watch_gone(struct push_watch *, const char *app, uint64_t build);

#endif
