/*
 * The listening socket, and who is at the other end of a connection.
 */
#ifndef PAAS_API_PEER_H
#define PAAS_API_PEER_H

#include <sys/types.h>
#include <sys/un.h>

#include "common/conf.h"

/*
 * Listens on dir/name with that mode, of `group` if this process may give it
 * that.  A socket that nobody answers at is replaced; one that somebody
 * answers at is an error.  The descriptor, or -1 with a sentence in err.
 */
int peer_listen(const char *dir, const char *name, mode_t mode, gid_t group,
    struct sockaddr_un *, char err[PAAS_ERRLEN]);

/* The group that administrators are in; that of this process if none. */
gid_t peer_admins(const char *name);

/*
 * Whether the process that connected was root, this daemon's own user, or in
 * the group.  The kernel's word from the time of connect(2).
 */
int peer_is_admin(int fd, gid_t admins, uid_t *);

/* "root", or "uid 1000" for those /etc/passwd does not name. */
void peer_name(uid_t, char *name, size_t len);

#endif
