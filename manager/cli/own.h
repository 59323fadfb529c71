/*
 * Files that are their owner's alone: below ~/.config/paas, or
 * XDG_CONFIG_HOME/paas, 0600 in folders of 0700.
 */
#ifndef PAAS_CLI_OWN_H
#define PAAS_CLI_OWN_H

#include <limits.h>

/*
 * The path of "NAME" or "FOLDER/NAME" there; with make the folders are made.
 * 0, or -1 with errno.
 */
int own_path(char path[PATH_MAX], const char *name, int make);

/* Whole or not at all.  0, or -1 with errno. */
int own_write(const char *name, const char *text);

#endif
