/*
 * Log drains: what an app's stream has is handed to paas-drain (common/
 * drain.h), for each drain/APP/ID from where it got to.
 *
 * Log files are the buffer.  What is on its way and not acknowledged is
 * bounded; beyond that files are not read further, and what is rotated away
 * in the meantime is lost.  How far a drain got is in
 * state/drains/ID, written each second: killed in between, the lines of that
 * second come twice.
 */
#ifndef PAAS_LOGDRAIN_H
#define PAAS_LOGDRAIN_H

#include <jansson.h>
#include <stdint.h>

#include "common/conf.h"

struct logdrains;
struct node;

/* NULL with a sentence in err. */
struct logdrains *logdrains_open(struct node *, char err[PAAS_ERRLEN]);
void logdrains_close(struct logdrains *);

/*
 * {"state", "lost", "delivered"} of a drain by its id, a new reference: state
 * is "connecting", "ok", or what is wrong.  NULL if it is not known.
 */
json_t *logdrains_state(struct logdrains *, const char *id);

#endif
