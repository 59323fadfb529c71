/*
 * The placer: which instances there should be.  It reads what is wanted
 * (app, formation, release) and what is (actual), and writes assign/ and
 * rollout/; it never talks to an agent, and an agent never to it.
 *
 * Each app has one pass at a time: read its records, decide (place.h), commit
 * under the condition that the records are still those that were read, and
 * look again if anything changed meanwhile.
 */
#ifndef PAAS_SCHEDULE_H
#define PAAS_SCHEDULE_H

#include <systemd/sd-event.h>

#include "common/conf.h"
#include "store/store.h"

struct schedule;

/*
 * Store, settings and loop are borrowed and must outlive it.  Every app is
 * looked at once after the start.  NULL with a sentence in err.
 */
struct schedule *schedule_open(
    struct store *, const struct conf *, sd_event *, char err[PAAS_ERRLEN]);
void schedule_close(struct schedule *);

#endif
