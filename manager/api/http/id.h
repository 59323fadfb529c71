/*
 * Ids and times as the Heroku API writes them.
 */
#ifndef PAAS_API_ID_H
#define PAAS_API_ID_H

#include <jansson.h>
#include <stdint.h>

/* A new random UUID, version 4. */
void id_uuid(char out[37]);

/*
 * The UUID of a thing that has no id of its own, the same each time: made
 * from the id of its app, its kind and its name.
 */
void id_derive(
    char out[37], const char *app, const char *kind, const char *name);

int id_is_uuid(const char *);

/* Microseconds since the epoch, now. */
int64_t id_now(void);

/* "2026-11-22T12:00:00Z", or null for 0. */
json_t *id_time(int64_t us);

/* "2026-11-22T12:00:00.123456Z", or null for 0. */
json_t *id_time_exact(int64_t us);

/* As id_time, from a record's field; null if it has none. */
json_t *id_time_of(json_t *record, const char *field);

#endif
