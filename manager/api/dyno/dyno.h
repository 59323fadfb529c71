/* What the verbs on dynos share. */
#ifndef PAAS_API_DYNO_H
#define PAAS_API_DYNO_H

#include <jansson.h>
#include <stdint.h>

#include "common/conf.h"

/* Bytes of a command: of one argument, which is MAX_ARG_STRLEN in Linux. */
#define DYNO_COMMAND_MAX (128 * 1024 - 1)

/* Has one of a type replaced: raises its generation in a formation record. */
void dyno_raise(json_t *formation, uint32_t index);

/* ---- dyno_size.c */

#define DYNO_SIZE "standard"

/* Ends the sentence that refuses another one. */
#define DYNO_SIZE_FORM                                                   \
	"\"" DYNO_SIZE "\", which is the only one: paas ps:limits sets " \
	"memory and CPU"

/* {"id", "name"} */
json_t *dyno_size_ref(void);

/* Its name, in letters of any case, or its id. */
int dyno_size_is(const char *which);

/*
 * The dyno_size of an update, if it has one: 0, or -1 with a sentence in err.
 * where names the update in it, "" is the body.
 */
int dyno_size_check(json_t *update, const char *where, char err[PAAS_ERRLEN]);

#endif
