/*
 * What the verbs on releases share.
 */
#ifndef PAAS_API_RELEASE_H
#define PAAS_API_RELEASE_H

#include <jansson.h>

struct request;

/* By version ("3", "v3", "current") or id; NULL if there is none. */
json_t *release_find(struct request *, const char *which);

/* The newest one of the app with that slug; NULL if there is none. */
json_t *release_of_slug(struct request *, const char *slug);

/* Bytes of a description. */
#define RELEASE_TEXT_MAX 200

#endif
