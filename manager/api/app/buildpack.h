/*
 * What the verbs on an app's buildpacks share.
 */
#ifndef PAAS_API_BUILDPACK_H
#define PAAS_API_BUILDPACK_H

#include <jansson.h>

/* The array of an app's record, or NULL, as clients know it. */
json_t *buildpack_shape(json_t *packs);

json_t *buildpack_ref(json_t *pack); /* {url, name}: one of them */

#endif
