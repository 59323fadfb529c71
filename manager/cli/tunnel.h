/*
 * Bytes to and from a platform elsewhere, in TLS or not, as a descriptor.
 */
#ifndef PAAS_CLI_TUNNEL_H
#define PAAS_CLI_TUNNEL_H

#include <sys/types.h>

#include "common/conf.h"

/*
 * Connects to the host of a URL: a process of its own goes between.  The
 * descriptor and that process, which ends once the descriptor is closed; or -1
 * with a sentence in err.
 */
int tunnel_open(const char *url, pid_t *helper, char err[PAAS_ERRLEN]);
void tunnel_close(int fd, pid_t helper);

#endif
