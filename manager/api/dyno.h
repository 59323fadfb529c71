/* What the verbs on dynos share. */
#ifndef PAAS_API_DYNO_H
#define PAAS_API_DYNO_H

/* Bytes of a command: of one argument, which is MAX_ARG_STRLEN in Linux. */
#define DYNO_COMMAND_MAX (128 * 1024 - 1)

#endif
