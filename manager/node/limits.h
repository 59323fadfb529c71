/*
 * What an instance may use: the limits that a process type may have, by name,
 * with the settings that hold where it has none.
 */
#ifndef PAAS_LIMITS_H
#define PAAS_LIMITS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"
#include "launcher/protocol.h"

struct limit {
	const char *name; /* in a formation's record; NULL ends the table */
	const char *conf; /* the setting of paas.conf */
	size_t in_conf;   /* offset of it in struct conf */
	size_t in_start;  /* and in struct launch_start */
	int wide_conf;    /* 64 bits there, or 32 */
	int wide_start;
	uint64_t min, max; /* max 0: conf->memory_max, or what is set if more */
};

/* In the order in which people see them. */
extern const struct limit limits[];

/* NULL: there is none of that name. */
const struct limit *limit_find(const char *name);
/* The most that a formation may say. */
uint64_t limit_most(const struct limit *, const struct conf *);
/* What counts: what the record says, or the setting.  formation may be NULL. */
uint64_t limit_value(
    const struct limit *, const struct conf *, const json_t *formation);

/* All of them, with their values: {"memory": 536870912, ...}. */
json_t *limits_shape(const struct conf *, const json_t *formation);
/*
 * Those that the formation itself has, without its memory: what an assignment
 * carries, beside that.
 */
json_t *limits_own(const json_t *formation);
/* Into a start, all but the memory; own as above. */
void limits_apply(
    struct launch_start *, const struct conf *, const json_t *own);

#endif
