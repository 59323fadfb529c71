/*
 * What the verbs on releases share.
 */
#ifndef PAAS_API_RELEASE_H
#define PAAS_API_RELEASE_H

#include <jansson.h>

struct request;

/* By version ("3", "v3", "current") or id; NULL if there is none. */
json_t *release_find(struct request *, const char *which);

#endif
