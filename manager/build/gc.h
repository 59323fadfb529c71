/* What the files of the garbage collection share. */
#ifndef PAAS_BUILD_GC_H
#define PAAS_BUILD_GC_H

#include <jansson.h>

struct build;

/* Sets of hashes, to be freed: {"HASH": true}. */
struct gc_kept {
	json_t *slugs;
	json_t *trees;
};

void gc_kept_find(struct build *, struct gc_kept *);
void gc_kept_free(struct gc_kept *);

#endif
