/*
 * Instance ids: store epoch << 40 | counter, never used twice.  They are
 * reserved in blocks by a commit to counter/instance, and given out once
 * that is durable; the rest of a block is lost with the process.
 */
#ifndef PAAS_IDS_H
#define PAAS_IDS_H

#include <stdint.h>
#include <systemd/sd-event.h>

#include "store/store.h"

#define IDS_BLOCK 1024

struct ids;

/*
 * ready (never from within) says that ids have come after there were none.
 * NULL if out of memory.  The loop must not run between ids_close and
 * store_close: a commit in flight would come back to nobody.
 */
struct ids *ids_open(
    struct store *, sd_event *, void (*ready)(void *arg), void *arg);
void ids_close(struct ids *);

/* 0 if none is at hand: ready will be called. */
uint64_t ids_next(struct ids *);

#endif
