/*
 * A bar on a terminal; nothing anywhere else.
 */
#ifndef PAAS_CLI_PROGRESS_H
#define PAAS_CLI_PROGRESS_H

#include <stdint.h>

#include "cli/output.h"

struct progress {
	struct out *out;
	const char *what;         /* "Uploading" */
	unsigned long long total; /* bytes to be read */
	unsigned long long sent;  /* bytes on the wire, 0: not told */
	uint64_t drawn;           /* ms, of the monotonic clock */
	int shown;
};

void progress_start(struct progress *, struct out *, const char *what,
    unsigned long long total);

/* Draws at most ten times a second. */
void progress_update(
    struct progress *, unsigned long long done, unsigned long long sent);

/* Takes the bar away. */
void progress_end(struct progress *);

#endif
