/* What the files of the garbage collection share. */
#ifndef PAAS_BUILD_GC_H
#define PAAS_BUILD_GC_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct build;

/*
 * Sets of hashes, {"HASH": true}, found in slices, since each app has to be
 * looked at.  A slug whose record is newer than base may be needed again by
 * what changed meanwhile: whoever uses one writes its record.
 */
struct gc_kept {
	json_t *slugs;
	json_t *trees;
	uint64_t base;                /* revision of the store as it began */
	uint64_t end;                 /* of this slice, us */
	size_t prefix;                /* that is being read */
	char from[STORE_KEY_MAX + 1]; /* "": from its first */
};

void gc_kept_start(struct build *, struct gc_kept *);

/* A slice, of at least one record: 1 if that was the last one. */
int gc_kept_more(struct build *, struct gc_kept *);
void gc_kept_free(struct gc_kept *);

#endif
