#ifndef PAAS_API_BUILD_FIND_H
#define PAAS_API_BUILD_FIND_H

#include <jansson.h>
#include <stdint.h>

struct request;

/* The record of the build that the path names; NULL after an answer. */
json_t *build_find(struct request *, uint64_t *id);

#endif
