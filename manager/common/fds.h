/* Descriptors that come with a message. */
#ifndef PAAS_FDS_H
#define PAAS_FDS_H

#include <stddef.h>
#include <sys/socket.h>

/*
 * How many came; the first max of them are the caller's, and the others are
 * closed.  There may be as many as the control buffer has room for, which
 * alignment gives more of than was asked for.
 */
size_t fds_take(struct msghdr *, int *fds, size_t max);

#endif
