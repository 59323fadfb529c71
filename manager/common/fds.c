#include "common/fds.h"

#include <string.h>
#include <unistd.h>

size_t
fds_take(struct msghdr *msg, int *fds, size_t max)
{
	struct cmsghdr *c;
	size_t n = 0, at;
	int fd;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (at = CMSG_LEN(0); at + sizeof(fd) <= c->cmsg_len;
		     at += sizeof(fd)) {
			memcpy(&fd, (char *)c + at, sizeof(fd));
			if (n++ < max)
				fds[n - 1] = fd;
			else
				(void)close(fd);
		}
	}
	return n;
}
