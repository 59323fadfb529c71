/*
 * Sources: archives that come before the build that names them, by URLs that
 * were given out for that.
 */
#ifndef PAAS_API_SOURCE_H
#define PAAS_API_SOURCE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "build/build.h"

struct request;

/*
 * The source of a get_url that we gave out, if that can be built still: 1; 0
 * after an answer; -1: it is a URL of somebody else.
 */
int source_of_url(struct request *, const char *url, struct build_source *);

/* Where an archive of that owner and id may be PUT for an hour. */
json_t *source_put_url(const struct request *, uint64_t owner, uint64_t id);

/* Of stream_get.c: tells of a source by either of its URLs; or -1. */
int source_open(struct request *, const char *text, size_t len);

#endif
