/*
 * What the verbs on an app's domains share.
 */
#ifndef PAAS_API_DOMAIN_H
#define PAAS_API_DOMAIN_H

#include <jansson.h>
#include <stdint.h>

#include "api/host.h"
#include "api/model.h"

/* The host that the app has for being there. */
void domain_own_host(struct request *, char host[HOST_MAX + MODEL_NAME_MAX]);

/*
 * The record of the domain that the path names, its host and its revision.
 * NULL after an answer.
 */
json_t *domain_find(struct request *, char host[HOST_MAX], uint64_t *rev);

#endif
