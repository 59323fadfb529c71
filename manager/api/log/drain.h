/*
 * What the verbs on an app's log drains share.
 */
#ifndef PAAS_API_DRAIN_H
#define PAAS_API_DRAIN_H

#include <jansson.h>

#include "api/model.h"
#include "common/drain.h"

#define DRAINS_MAX 5 /* of an app */

struct request;

json_t *model_drain(
    struct api *, const char *name, json_t *app, const char *id, json_t *drain);

/*
 * The record of the drain that the path names, by its id, its token or its
 * URL, with its id and revision.  NULL after an answer.
 */
json_t *drain_find(struct request *, char id[DRAIN_ID_MAX], uint64_t *rev);

#endif
