#include "node/wake.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bsd/string.h>

#include "common/places.h"
#include "node/node_impl.h"
#include "store/keys.h"

/* Of one turn of the loop: a flood has to wait, and may be dropped. */
#define WAKE_TURN 32

#define WAKE_MAX (KEY_NAME_MAX + 1 + 16)

struct wake {
	struct node *node;
	sd_event_source *source;
	uid_t router;
	int fd;
	struct sockaddr_un addr;
};

int
wake_parse(const char *text, size_t len, char *app, size_t applen)
{
	const char *blank = memchr(text, ' ', len);
	char pool[17];
	uint64_t id;
	size_t n;

	if (blank == NULL || len > WAKE_MAX)
		return -1;
	n = (size_t)(blank - text);
	if (n >= applen || len - n - 1 != 16 || memchr(text, '\0', len) != NULL)
		return -1;
	memcpy(pool, blank + 1, 16);
	pool[16] = '\0';
	memcpy(app, text, n);
	app[n] = '\0';
	return key_app_valid(app) && key_parse_id(pool, &id) == 0 ? 0 : -1;
}

/* Anybody may send; the kernel says who it was. */
static int
is_router(const struct wake *wake, struct msghdr *msg)
{
	const struct cmsghdr *cmsg;
	struct ucred cred;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL;
	     cmsg = CMSG_NXTHDR(msg, (struct cmsghdr *)(uintptr_t)cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&cred, CMSG_DATA(cmsg), sizeof(cred));
		return cred.uid == wake->router || cred.uid == 0;
	}
	return 0;
}

/* 0 once there is nothing more to read. */
static int
take_one(struct wake *wake)
{
	char text[WAKE_MAX + 1], app[KEY_NAME_MAX + 1];
	union {
		char data[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {text, sizeof(text)};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.data,
	    .msg_controllen = sizeof(control.data)};
	ssize_t n;

	n = recvmsg(wake->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n == -1)
		return errno == EINTR;
	if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 &&
	    is_router(wake, &msg) &&
	    wake_parse(text, (size_t)n, app, sizeof(app)) == 0) {
		agent_wake(wake->node->agent, app);
		if (wake->node->waker != NULL)
			wake->node->waker(app, wake->node->waker_arg);
	}
	return 1;
}

static int
on_datagram(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	int i;

	(void)source, (void)fd, (void)events;
	for (i = 0; i < WAKE_TURN && take_one(arg); i++)
		;
	return 0;
}

/* Made under another name: nobody meets one that can't be written to. */
static int
bind_at(struct wake *wake)
{
	struct sockaddr_un temp = wake->addr;
	int one = 1;

	(void)strlcat(temp.sun_path, "+", sizeof(temp.sun_path));
	(void)unlink(temp.sun_path);
	if (setsockopt(wake->fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) ==
		-1 ||
	    bind(wake->fd, (struct sockaddr *)&temp, sizeof(temp)) == -1)
		return -1;
	if (chmod(temp.sun_path, 0666) == -1 ||
	    rename(temp.sun_path, wake->addr.sun_path) == -1) {
		(void)unlink(temp.sun_path);
		return -1;
	}
	return 0;
}

static uid_t
router_uid(const struct conf *conf)
{
	const struct passwd *entry = getpwnam(conf->user_router);

	return entry != NULL ? entry->pw_uid : geteuid();
}

struct wake *
wake_open(struct node *node, char err[PAAS_ERRLEN])
{
	struct wake *wake = calloc(1, sizeof(*wake));
	int n;

	if (wake == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	wake->node = node;
	wake->router = router_uid(node->conf);
	wake->addr.sun_family = AF_UNIX;
	n = snprintf(wake->addr.sun_path, sizeof(wake->addr.sun_path),
	    "%s/" PLACE_WAKE_SOCK, node->conf->run_dir);
	wake->fd =
	    socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n >= 0 && (size_t)n < sizeof(wake->addr.sun_path) - 1 &&
	    wake->fd != -1 && bind_at(wake) == 0 &&
	    sd_event_add_io(node->event, &wake->source, wake->fd, EPOLLIN,
		on_datagram, wake) >= 0)
		return wake;
	snprintf(err, PAAS_ERRLEN, "cannot listen on %s: %s",
	    wake->addr.sun_path, strerror(errno));
	wake_close(wake);
	return NULL;
}

/* The socket stays: the next manager puts its own in its place. */
void
wake_close(struct wake *wake)
{
	if (wake == NULL)
		return;
	sd_event_source_disable_unref(wake->source);
	if (wake->fd != -1)
		close(wake->fd);
	free(wake);
}
