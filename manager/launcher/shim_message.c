/* What shim and init say to each other, with descriptors. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/fds.h"
#include "launcher/shim.h"

void
shim_fds_close(const int *fds, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		close(fds[i]);
}

ssize_t
shim_message_read(
    int sock, struct shim_message *m, int fds[SHIM_FDS_MAX], size_t *n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(SHIM_FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = {m, sizeof(*m)};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes)};
	ssize_t got;

	*n = 0;
	memset(m, 0, sizeof(*m));
	got = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got <= 0)
		return got;
	*n = fds_take(&msg, fds, SHIM_FDS_MAX);
	if (*n > SHIM_FDS_MAX)
		*n = SHIM_FDS_MAX;
	if (got == (ssize_t)sizeof(*m) &&
	    (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0)
		return got;
	shim_fds_close(fds, *n);
	*n = 0;
	memset(m, 0, sizeof(*m));
	return 1;
}

int
shim_message_send(
    int sock, const struct shim_message *m, const int *fds, size_t n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(SHIM_FDS_MAX * sizeof(int))];
	} control = {.bytes = {0}};
	struct iovec iov = {(void *)(uintptr_t)m, sizeof(*m)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (n > 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) ==
		       (ssize_t)sizeof(*m)
		   ? 0
		   : -errno;
}
