/*
 * run/apps: which app has which number, and what its log may have, a line
 * "NUMBER NAME BYTES BYTES_A_SECOND" each, for paas-logger, which has no way
 * to the store.  Always a whole file.
 */
#ifndef PAAS_APPMAP_H
#define PAAS_APPMAP_H

#include <jansson.h>
#include <stdint.h>

#include "common/conf.h"

struct appmap;
struct node;

/* Writes it now and with each change.  NULL with a sentence in err. */
struct appmap *appmap_open(struct node *, char err[PAAS_ERRLEN]);
void appmap_close(struct appmap *);

/* What the logs of an app may have together, by its record and paas.conf. */
struct app_log_limits {
	uint64_t disk; /* bytes */
	uint64_t rate; /* bytes a second */
};
void appmap_log_limits(
    const struct conf *, json_t *app, struct app_log_limits *);

#endif
