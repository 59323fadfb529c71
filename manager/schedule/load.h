/*
 * What nginx's status page says of the load of apps: read once for all of
 * those that somebody cares about.
 */
#ifndef PAAS_LOAD_H
#define PAAS_LOAD_H

#include <jansson.h>
#include <stdint.h>

/* The module's histogram: upper ends in ms, the last one without any. */
#define LOAD_BUCKETS 12
extern const uint32_t load_limits[LOAD_BUCKETS];

/* Of the web processes of one app, all instances together. */
struct load {
	uint64_t in_flight; /* with websockets, and whoever waits at the door */
	uint64_t requests;  /* that have ended, since nginx began to count */
	uint64_t latency[LOAD_BUCKETS]; /* of those, each counted once */
};

/*
 * Adds up what the page has of each app that `find` has a load for; it
 * returns NULL for others.  The loads are zero before.  -1 if it is no such
 * page: then nothing was added that could be relied on.
 */
typedef struct load *(*load_find_cb)(const char *app, void *arg);
int load_read(json_t *page, load_find_cb find, void *arg);

#endif
