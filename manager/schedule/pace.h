/*
 * The pace of apps: puts those to sleep that nobody asks for, wakes them when
 * a request waits, and scales others by their load.  It asks the router for
 * its counters, only while there is an app that needs it, and writes what
 * comes of them to scale/APP: the placer and the routes follow from that.
 */
#ifndef PAAS_PACE_H
#define PAAS_PACE_H

#include <systemd/sd-event.h>

#include "common/conf.h"
#include "node/node.h"
#include "store/store.h"

struct pace;

/* All is borrowed and must outlive it.  NULL with a sentence in err. */
struct pace *pace_open(struct store *, struct node *, const struct conf *,
    sd_event *, char err[PAAS_ERRLEN]);
void pace_close(struct pace *);

#endif
