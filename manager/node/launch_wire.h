/* Between the files of the launcher's client only. */
#ifndef PAAS_LAUNCH_WIRE_H
#define PAAS_LAUNCH_WIRE_H

#include "node/launch.h"

/*
 * One packet, with args (if not NULL) in a sealed memfd.  0 or an errno:
 * EAGAIN if the socket is full, EMFILE, ENFILE or ENOMEM if the memfd cannot
 * be made, anything else if the connection is of no more use.
 */
int launch_wire_send(
    int fd, const struct launch_request *, const void *args, size_t args_len);

/* A sealed memfd with those bytes; -1 with errno. */
int launch_memfd(const void *bytes, size_t len);

/* Puts it in line; args, malloc'ed or NULL, are the queue's from then on. */
int launch_ask(struct launch *, const struct launch_request *, void *args,
    size_t args_len, launch_cb, void *arg);

#endif
