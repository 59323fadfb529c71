/*
 * push by a manifest: paas-manifest(5).
 */
#ifndef PAAS_CLI_PUSH_MANIFEST_H
#define PAAS_CLI_PUSH_MANIFEST_H

#include "cli/cli.h"

/*
 * If the folder has a manifest, or the command line names one: calls push for
 * each of its apps that is meant, with cli->app and cli->settings set, until
 * one returns no EXIT_OK.  1 with *rc, an exit status; or 0, there is none.
 */
int push_manifest(struct cli *, const char *folder,
    int (*push)(struct cli *, const char *folder), int *rc);

#endif
