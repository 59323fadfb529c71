/*
 * Runs what cron/APP/ID says, when it is due: as a one-off process, at most
 * once for each time, and never two of an entry side by side unless it says
 * that it may.  What was due while no manager ran is not made up for.
 */
#ifndef PAAS_CRON_H
#define PAAS_CRON_H

#include <systemd/sd-event.h>

#include "common/conf.h"
#include "store/store.h"

struct cron;

/* All is borrowed and must outlive it.  NULL with a sentence in err. */
struct cron *cron_open(
    struct store *, const struct conf *, sd_event *, char err[PAAS_ERRLEN]);
void cron_close(struct cron *);

#endif
