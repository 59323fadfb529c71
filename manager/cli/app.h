/*
 * Which app a verb is about.
 */
#ifndef PAAS_CLI_APP_H
#define PAAS_CLI_APP_H

#include <stddef.h>

#include "cli/cli.h"

/* A file with the app's name as its first line. */
#define APP_FILE ".paas"

/* [a-z][a-z0-9-]{0,29} */
int app_name_valid(const char *name);

/*
 * Finds the name: -a, else PAAS_APP, else the file .paas or, where there is
 * none, the git remote paas of folder or of the nearest parent that has one.
 * folder is "." but for a push.  0 and
 * cli->app set; -1 and nothing said if no app is named at all; an exit status
 * if one was and it is wrong, which has been reported.
 */
int app_resolve(struct cli *, const char *folder);

/*
 * The app of the git remote paas of a repository at dir, if there is one and
 * it leads to the platform that is asked: that which one is logged in to, or,
 * with `here`, whichever it is.  0, or -1.
 */
int app_from_remote(const char *dir, int here, char name[CLI_APP_MAX + 1]);

/* The sentence for the -1 above; returns EXIT_USAGE. */
int app_missing(struct cli *);

/* A name from a folder's: lower case, what is not allowed as '-'. */
int app_from_folder(const char *folder, char name[CLI_APP_MAX + 1]);

/* Writes .paas in folder unless one is there: 1 written, 0 was there, -1. */
int app_remember(const char *folder, const char *name);

#endif
