/*
 * Takes away what destroyed apps leave behind: destroy/APP says that there is
 * something left.  Small commits, each of which brings it nearer; a crash
 * between any two of them changes nothing.
 */
#ifndef PAAS_API_DESTROY_H
#define PAAS_API_DESTROY_H

#include "common/conf.h"

struct api;
struct destroyer;

/* Goes on where the last process stopped.  NULL with a sentence in err. */
struct destroyer *destroyer_open(struct api *, char err[PAAS_ERRLEN]);
void destroyer_close(struct destroyer *);

#endif
