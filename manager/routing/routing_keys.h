/*
 * The keys that sign the sticky cookie: made here, kept in keys/sticky, newest
 * first, {"keys": [{"id", "key" (hex), "created"}]}.  The first one signs.
 */
#ifndef PAAS_ROUTING_KEYS_H
#define PAAS_ROUTING_KEYS_H

#include <jansson.h>
#include <stdint.h>

/* A key signs for so long, and is good for as long again: us. */
#define ROUTING_KEY_AGE (INT64_C(30) * 24 * 3600 * 1000000)

/*
 * What is to take the record's place (NULL: there is none yet) at this time,
 * us since the epoch: a new reference, or NULL if it may stay.
 */
json_t *routing_keys_next(const json_t *record, int64_t now);

#endif
