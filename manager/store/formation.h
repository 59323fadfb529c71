/*
 * How a process type runs in a release: what people have set, and what the
 * release's manifest says.  The later one of the two counts, so that a
 * release that does not get ready changes nothing of the one before.
 */
#ifndef PAAS_FORMATION_H
#define PAAS_FORMATION_H

#include <jansson.h>
#include <stdint.h>

#include "store/store.h"

/*
 * A new reference; NULL if nobody has said anything.  release is a record
 * of release/APP/VERSION, borrowed, or NULL.  rev may be NULL, and is that of
 * formation/APP/TYPE, 0 for none.
 */
json_t *formation_get(struct store *, const char *app, const char *type,
    json_t *release, uint64_t *rev);

#endif
