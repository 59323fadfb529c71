/*
 * A helper process of ours, which does what would block the loop: with an
 * empty environment, no signal held back, and two descriptors.
 */
#ifndef PAAS_API_SPAWN_H
#define PAAS_API_SPAWN_H

#include <sys/types.h>

#include "common/conf.h"

/*
 * argv[0] is a program in libexec_dir; in (-1: there is nothing to read) and
 * out stay the caller's.  0, or -1 after a line in the log.
 */
int spawn_helper(
    const struct conf *, char *const argv[], int in, int out, pid_t *);

#endif
