#include "api/access/peer.h"

#include <bsd/string.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PEER_BACKLOG    1024
#define PEER_GROUPS_MAX 65536

gid_t
peer_admins(const char *name)
{
	const struct group *group = getgrnam(name);

	return group != NULL ? group->gr_gid : getegid();
}

/* Whether somebody answers there. */
static int
peer_is_alive(const struct sockaddr_un *addr)
{
	int fd, alive;

	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return 0;
	alive = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0;
	(void)close(fd);
	return alive;
}

/*
 * Bound under another name and moved over: nobody meets a socket that does
 * not answer, or one with the wrong owner.
 */
static int
peer_bind(int fd, const struct sockaddr_un *addr, mode_t mode, gid_t group)
{
	struct sockaddr_un temp = *addr;

	if (strlcat(temp.sun_path, "+", sizeof(temp.sun_path)) >=
	    sizeof(temp.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	(void)unlink(temp.sun_path);
	if (bind(fd, (const struct sockaddr *)&temp, sizeof(temp)) == -1)
		return -1;
	if (chmod(temp.sun_path, 0600) == -1 ||
	    (chown(temp.sun_path, (uid_t)-1, group) == -1 && errno != EPERM) ||
	    chmod(temp.sun_path, mode) == -1 ||
	    listen(fd, PEER_BACKLOG) == -1 ||
	    rename(temp.sun_path, addr->sun_path) == -1) {
		(void)unlink(temp.sun_path);
		return -1;
	}
	return 0;
}

int
peer_listen(const char *dir, const char *name, mode_t mode, gid_t group,
    struct sockaddr_un *addr, char err[PAAS_ERRLEN])
{
	int fd;

	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	/* One byte is for the temporary name. */
	if ((size_t)snprintf(addr->sun_path, sizeof(addr->sun_path), "%s/%s",
		dir, name) >= sizeof(addr->sun_path) - 1) {
		snprintf(err, PAAS_ERRLEN,
		    "run_dir %s is too long: the path of a socket has at most "
		    "%zu bytes",
		    dir, sizeof(addr->sun_path) - 2);
		return -1;
	}
	if (peer_is_alive(addr)) {
		snprintf(err, PAAS_ERRLEN,
		    "another manager answers at %s: stop it first",
		    addr->sun_path);
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || peer_bind(fd, addr, mode, group) == -1) {
		snprintf(err, PAAS_ERRLEN, "cannot listen on %s: %s",
		    addr->sun_path, strerror(errno));
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	return fd;
}

/* SO_PEERGROUPS: the supplementary groups, without asking NSS. */
static int
peer_in_group(int fd, gid_t group)
{
	gid_t *groups;
	socklen_t len = 64 * sizeof(*groups);
	int found = 0;

	if ((groups = malloc(len)) == NULL)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == -1) {
		free(groups);
		if (errno != ERANGE || len > PEER_GROUPS_MAX * sizeof(gid_t) ||
		    (groups = malloc(len)) == NULL)
			return 0;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) ==
		    -1)
			len = 0;
	}
	for (size_t i = 0; i < len / sizeof(*groups); i++)
		found |= groups[i] == group;
	free(groups);
	return found;
}

int
peer_is_admin(int fd, gid_t admins, uid_t *uid)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		return 0;
	*uid = cred.uid;
	return cred.uid == 0 || cred.uid == geteuid() || cred.gid == admins ||
	       peer_in_group(fd, admins);
}

/*
 * /etc/passwd and nothing else: a directory server that does not answer must
 * not stop the loop.
 */
void
peer_name(uid_t uid, char *name, size_t len)
{
	const struct passwd *entry;
	FILE *file;

	snprintf(name, len, "uid %u", (unsigned int)uid);
	if ((file = fopen("/etc/passwd", "re")) == NULL)
		return;
	while ((entry = fgetpwent(file)) != NULL)
		if (entry->pw_uid == uid) {
			strlcpy(name, entry->pw_name, len);
			break;
		}
	(void)fclose(file);
}
