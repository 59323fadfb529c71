/* What the verbs on dynos share. */
#ifndef PAAS_API_DYNO_H
#define PAAS_API_DYNO_H

#include <jansson.h>
#include <stdint.h>

/* Bytes of a command: of one argument, which is MAX_ARG_STRLEN in Linux. */
#define DYNO_COMMAND_MAX (128 * 1024 - 1)

/* Has one of a type replaced: raises its generation in a formation record. */
void dyno_raise(json_t *formation, uint32_t index);

#endif
