/*
 * fdatasync(2) that nobody waits for: a large file would hold up the loop.
 */
#ifndef PAAS_ROUTING_IMPORT_SYNC_H
#define PAAS_ROUTING_IMPORT_SYNC_H

#include <systemd/sd-event.h>

struct import_sync;

/*
 * Calls back once, from the loop, with 0 or an errno.  The descriptor stays
 * the caller's, and open.  NULL with errno if it can't be begun.
 */
typedef void (*import_sync_cb)(int error, void *arg);
struct import_sync *import_sync_begin(
    int fd, sd_event *, import_sync_cb, void *arg);

/* Waits if it is under way, and does not call back.  NULL is fine. */
void import_sync_free(struct import_sync *);

#endif
