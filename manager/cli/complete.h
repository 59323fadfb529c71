/*
 * Completion scripts, made from the grammar.
 */
#ifndef PAAS_CLI_COMPLETE_H
#define PAAS_CLI_COMPLETE_H

#include "cli/output.h"

/* shell is "bash", "zsh" or "fish"; -1 for another one. */
int complete_print(struct out *, const char *shell);

#endif
