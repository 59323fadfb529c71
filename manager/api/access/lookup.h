/*
 * What DNS says of names: asked by paas-resolve, a process each, so that a
 * name server that never answers holds up nobody.
 */
#ifndef PAAS_API_LOOKUP_H
#define PAAS_API_LOOKUP_H

#include "common/conf.h"

struct api;
struct lookups;

/* What paas-resolve printed; NULL: it could not, or not in time. */
typedef void (*lookup_cb)(const char *said, void *arg);

struct lookups *lookups_open(struct api *, char err[PAAS_ERRLEN]);

/* Ends what is under way, each with NULL. */
void lookups_close(struct lookups *);

/* Calls back later, exactly once.  0, or -1 if too many are under way. */
int lookup(
    struct lookups *, const char *host, const char *own, lookup_cb, void *arg);

#endif
