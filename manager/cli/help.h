/*
 * Help, made from the grammar.
 */
#ifndef PAAS_CLI_HELP_H
#define PAAS_CLI_HELP_H

#include "cli/grammar.h"
#include "cli/output.h"

void help_overview(struct out *);
void help_verb(struct out *, const struct grammar_verb *);

/* paas.1 in mdoc(7). */
void mdoc_print(struct out *);

/* STATES, a section of paas.1 (mdoc_states.c). */
extern const char mdoc_states[];

/* HEROKU, a section of paas.1 (mdoc_heroku.c). */
extern const char mdoc_heroku[];

#endif
