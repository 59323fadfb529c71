/*
 * How many processes of a type there should be right now: what people have
 * set, and what was made of it since.  An app that sleeps has none, and one
 * that is scaled by its load has what that asks for; formation/APP/TYPE stays
 * as it was set.
 */
#ifndef PAAS_SCALE_H
#define PAAS_SCALE_H

#include <jansson.h>
#include <stdint.h>

#include "store/store.h"

/* scale/APP: a new reference, NULL if there is none; rev may be NULL. */
json_t *scale_get(struct store *, const char *app, uint64_t *rev);

/*
 * Does the app sleep?  A release, a restart, a stop and the end of its setting
 * wake it by themselves: what was written of it holds of none of them.  Both
 * records are borrowed and may be NULL.
 */
int scale_asleep(const json_t *app, const json_t *scale);

/* Only web does, unless all are to. */
int scale_sleeps(const json_t *app, const json_t *scale, const char *type);

/*
 * What `quantity`, which the formation of the type says, comes to while it is
 * awake.
 */
uint32_t scale_quantity(const json_t *formation, const json_t *scale,
    const char *type, uint32_t quantity);

#endif
