/*
 * Cron entries as the API shows them: cron.c makes, lists and removes them.
 */
#ifndef PAAS_API_CRON_H
#define PAAS_API_CRON_H

#include <jansson.h>
#include <stdint.h>

/* Of one app. */
#define CRON_ENTRIES_MAX 100
#define CRON_TEXT_MAX    200 /* bytes of a schedule */

struct request;

/* A new reference; entry is the record, of the id. */
json_t *cron_shape(struct request *, uint32_t id, json_t *entry);

#endif
