/*
 * run/apps: which app has which number, a line "NUMBER NAME" each, for
 * paas-logger, which has no way to the store.  Always a whole file.
 */
#ifndef PAAS_APPMAP_H
#define PAAS_APPMAP_H

#include "common/conf.h"

struct appmap;
struct node;

/* Writes it now and with each change.  NULL with a sentence in err. */
struct appmap *appmap_open(struct node *, char err[PAAS_ERRLEN]);
void appmap_close(struct appmap *);

#endif
