#include "node/attach.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/places.h"
#include "launcher/protocol.h"
#include "node/launch_wire.h"
#include "node/node_impl.h"

/* 0, or -ENAMETOOLONG. */
static int
shim_name(const struct node *node, uint64_t instance, struct sockaddr_un *sun)
{
	int n = snprintf(sun->sun_path, sizeof(sun->sun_path),
	    "%s/" PLACE_ATTACH "/%016" PRIx64, node->conf->run_dir, instance);

	sun->sun_family = AF_UNIX;
	return n < 0 || (size_t)n >= sizeof(sun->sun_path) ? -ENAMETOOLONG : 0;
}

int
node_attachable(const struct node *node, uint64_t instance)
{
	struct sockaddr_un sun = {0};

	return shim_name(node, instance, &sun) == 0 &&
	       access(sun.sun_path, F_OK) == 0;
}

static int
shim_connect(const struct node *node, uint64_t instance)
{
	struct sockaddr_un sun = {0};
	int error, fd;

	if ((error = shim_name(node, instance, &sun)) != 0)
		return error;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

static int
message_send(int shim, uint32_t type, const int *fds, size_t n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = {.bytes = {0}};
	struct launch_hand hand = {.type = type};
	struct iovec iov = {&hand, sizeof(hand)};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = CMSG_SPACE(n * sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	return sendmsg(shim, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == -1 ? -errno
								      : 0;
}

static int
args_make(const struct launch_argv *what)
{
	size_t len;
	void *args;
	int fd;

	if ((args = launch_args_pack(what, &len)) == NULL)
		return -errno;
	if ((fd = launch_memfd(args, len)) == -1)
		fd = -errno;
	free(args);
	return fd;
}

int
node_attach(struct node *node, uint64_t instance, int stream,
    const struct launch_argv *what)
{
	int error, fds[2] = {stream, -1}, shim;

	if (what != NULL && (fds[1] = args_make(what)) < 0)
		return fds[1];
	shim = error = shim_connect(node, instance);
	if (shim >= 0) {
		error = message_send(shim,
		    what != NULL ? LAUNCH_HAND_EXEC : LAUNCH_HAND_ATTACH, fds,
		    what != NULL ? 2 : 1);
		close(shim);
	}
	if (what != NULL)
		close(fds[1]);
	return error;
}
