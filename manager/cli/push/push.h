/*
 * One upload with the build that follows it.
 */
#ifndef PAAS_CLI_PUSH_H
#define PAAS_CLI_PUSH_H

#include "cli/cli.h"
#include "cli/push/tar.h"

/* What is pushed. */
struct push_what {
	const char *path;
	int image;   /* an OCI image layout, of which nothing is left out */
	int archive; /* a file: a tar of one */
};

/*
 * Sends it, measured before, as a build of cli->app and shows what the
 * build prints. Returns an exit status; *result is the JSON line at the end
 * ({"build", "release"}; of a detached push the build), the caller's, or NULL.
 * What went wrong has been reported.
 */
int push_send(struct cli *, const struct push_what *, const struct tar_count *,
    json_t **result);

#endif
