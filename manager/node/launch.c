#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"
#include "node/launch.h"
#include "node/launch_wire.h"

/*
 * Starts that the launcher has in hand at once.  It works on one after the
 * other; more would only keep a SIGKILL that is urgent waiting behind them.
 */
#define STARTS_MAX 8

#define REPLIES_A_TURN 64
#define RETRY_MIN_US   (50 * 1000ULL)
#define RETRY_MAX_US   (1000 * 1000ULL)
#define SILENCE_US     (15 * 1000 * 1000ULL)

struct request {
	TAILQ_ENTRY(request) entry;
	struct launch_request msg;
	uint64_t since; /* it was sent, CLOCK_MONOTONIC in us */
	void *args;     /* of a start, what goes into its memfd */
	size_t args_len;
	launch_cb cb;
	void *arg;
};

TAILQ_HEAD(requests, request);

struct launch {
	sd_event *event;
	sd_event_source *io;
	sd_event_source *timer;
	char path[108];
	int fd;
	int complained;
	uint64_t seq;
	uint64_t retry;
	unsigned starts;
	struct requests waiting;
	struct requests sent;
	launch_up_cb up;
	void *up_arg;
};

static void link_down(struct launch *, const char *why);

static uint64_t
monotonic_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void
request_free(struct request *req)
{
	free(req->args);
	free(req);
}

static void
request_end(struct request *req, int error, const struct launch_reply *reply)
{
	if (req->cb != NULL)
		req->cb(error, reply, req->arg);
	request_free(req);
}

static void
retry_later(struct launch *l)
{
	int r;

	r = sd_event_source_set_time_relative(l->timer, l->retry);
	if (r >= 0)
		r = sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT);
	if (r < 0)
		log_err("launcher: cannot set a timer: %s", strerror(-r));
	l->retry *= 2;
	if (l->retry > RETRY_MAX_US)
		l->retry = RETRY_MAX_US;
}

/* Says 1 if the request left, 0 if the socket is full, -1 if it is broken. */
static int
request_send(struct launch *l, struct request *req)
{
	int error;

	error = launch_wire_send(l->fd, &req->msg, req->args, req->args_len);
	if (error == EAGAIN)
		return 0;
	TAILQ_REMOVE(&l->waiting, req, entry);
	if (error == 0) {
		free(req->args);
		req->args = NULL;
		req->since = monotonic_us();
		TAILQ_INSERT_TAIL(&l->sent, req, entry);
		if (req->msg.op == LAUNCH_START)
			l->starts++;
		return 1;
	}
	if (error == EMFILE || error == ENFILE || error == ENOMEM) {
		request_end(req, error, NULL);
		return 1;
	}
	TAILQ_INSERT_HEAD(&l->waiting, req, entry);
	link_down(l, strerror(error));
	return -1;
}

static struct request *
request_next(struct launch *l)
{
	struct request *req;

	TAILQ_FOREACH (req, &l->waiting, entry) {
		if (req->msg.op != LAUNCH_START || l->starts < STARTS_MAX)
			return req;
	}
	return NULL;
}

static void
queue_flush(struct launch *l)
{
	struct request *req;
	uint32_t events = EPOLLIN;
	int sent = 1;

	if (l->fd == -1)
		return;
	while (sent == 1 && (req = request_next(l)) != NULL)
		sent = request_send(l, req);
	if (sent == -1 || l->fd == -1)
		return;
	if (sent == 0)
		events |= EPOLLOUT;
	sd_event_source_set_io_events(l->io, events);
}

static void
reply_take(struct launch *l, const struct launch_reply *reply)
{
	struct request *req;

	TAILQ_FOREACH (req, &l->sent, entry) {
		if (req->msg.seq == reply->seq)
			break;
	}
	if (req == NULL) {
		log_warn("launcher: an answer to no request, op %u", reply->op);
		return;
	}
	if (req->msg.op == LAUNCH_LIST && reply->op == LAUNCH_LIST &&
	    reply->error == 0) {
		if (req->cb != NULL)
			req->cb(0, reply, req->arg);
		return;
	}
	TAILQ_REMOVE(&l->sent, req, entry);
	if (req->msg.op == LAUNCH_START)
		l->starts--;
	request_end(req, reply->error, reply);
}

static int
link_io(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct launch *l = arg;
	struct launch_reply reply;
	ssize_t n;
	int i;

	(void)source;
	for (i = 0; (events & ~EPOLLOUT) != 0 && i < REPLIES_A_TURN; i++) {
		n = recv(fd, &reply, sizeof(reply), MSG_DONTWAIT | MSG_TRUNC);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0) {
			link_down(l, n == 0 ? "it closed" : strerror(errno));
			return 0;
		}
		if (n != (ssize_t)sizeof(reply) ||
		    reply.version != LAUNCH_VERSION) {
			link_down(l, "it is of another version than this "
				     "paas-manager: install both together");
			return 0;
		}
		reply_take(l, &reply);
		if (l->fd != fd)
			return 0;
	}
	queue_flush(l);
	return 0;
}

static void
link_down(struct launch *l, const char *why)
{
	struct requests lost = TAILQ_HEAD_INITIALIZER(lost);
	struct request *req;

	if (!l->complained)
		log_warn("launcher: connection lost: %s", why);
	l->complained = 1;
	l->io = sd_event_source_disable_unref(l->io);
	close(l->fd);
	l->fd = -1;
	l->starts = 0;
	retry_later(l);

	/* Back in line are those that come up in the callbacks only. */
	TAILQ_CONCAT(&lost, &l->sent, entry);
	while ((req = TAILQ_FIRST(&lost)) != NULL) {
		TAILQ_REMOVE(&lost, req, entry);
		request_end(req, ECONNRESET, NULL);
	}
}

static void
link_up(struct launch *l)
{
	struct requests before = TAILQ_HEAD_INITIALIZER(before);

	if (l->complained)
		log_info("launcher: connected");
	l->complained = 0;
	TAILQ_CONCAT(&before, &l->waiting, entry);
	if (l->up != NULL)
		l->up(l->up_arg);
	TAILQ_CONCAT(&l->waiting, &before, entry);
	queue_flush(l);
}

static int
link_connect(sd_event_source *source, uint64_t now, void *arg)
{
	struct launch *l = arg;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd, r;

	(void)source;
	(void)now;
	strlcpy(addr.sun_path, l->path, sizeof(addr.sun_path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 ||
	    connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == -1) {
		if (!l->complained)
			log_warn("launcher: cannot connect to %s: %s", l->path,
			    strerror(errno));
		l->complained = 1;
		if (fd != -1)
			close(fd);
		retry_later(l);
		return 0;
	}
	r = sd_event_add_io(l->event, &l->io, fd, EPOLLIN, link_io, l);
	if (r < 0) {
		log_err("launcher: %s", strerror(-r));
		close(fd);
		retry_later(l);
		return 0;
	}
	l->fd = fd;
	l->retry = RETRY_MIN_US;
	link_up(l);
	return 0;
}

struct launch *
launch_open(sd_event *event, const char *path, launch_up_cb up, void *arg,
    char err[PAAS_ERRLEN])
{
	struct launch *l;
	int r;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	TAILQ_INIT(&l->waiting);
	TAILQ_INIT(&l->sent);
	l->event = event;
	l->fd = -1;
	l->retry = RETRY_MIN_US;
	l->up = up;
	l->up_arg = arg;
	if (strlcpy(l->path, path, sizeof(l->path)) >= sizeof(l->path)) {
		snprintf(err, PAAS_ERRLEN,
		    "%s is too long for the name of a socket: "
		    "choose a shorter run_dir",
		    path);
		free(l);
		return NULL;
	}
	r = sd_event_add_time_relative(
	    event, &l->timer, CLOCK_MONOTONIC, 0, 1000, link_connect, l);
	if (r < 0) {
		snprintf(err, PAAS_ERRLEN, "event loop: %s", strerror(-r));
		free(l);
		return NULL;
	}
	return l;
}

void
launch_close(struct launch *l)
{
	struct request *req;

	if (l == NULL)
		return;
	TAILQ_CONCAT(&l->waiting, &l->sent, entry);
	while ((req = TAILQ_FIRST(&l->waiting)) != NULL) {
		TAILQ_REMOVE(&l->waiting, req, entry);
		request_free(req);
	}
	sd_event_source_disable_unref(l->io);
	sd_event_source_disable_unref(l->timer);
	if (l->fd != -1)
		close(l->fd);
	free(l);
}

int
launch_connected(const struct launch *l)
{
	return l->fd != -1;
}

/* A tree may take minutes to remove; all else is answered at once. */
int
launch_answers(const struct launch *l)
{
	const struct request *req;
	uint64_t now = monotonic_us();

	if (l->fd == -1)
		return 0;
	TAILQ_FOREACH (req, &l->sent, entry) {
		if (req->msg.op < LAUNCH_SEAL && now - req->since > SILENCE_US)
			return 0;
	}
	return 1;
}

int
launch_ask(struct launch *l, const struct launch_request *msg, void *args,
    size_t args_len, launch_cb cb, void *arg)
{
	struct request *req;

	if ((req = calloc(1, sizeof(*req))) == NULL)
		return -ENOMEM;
	req->msg = *msg;
	req->msg.version = LAUNCH_VERSION;
	req->msg.seq = ++l->seq;
	req->args = args;
	req->args_len = args_len;
	req->cb = cb;
	req->arg = arg;
	TAILQ_INSERT_TAIL(&l->waiting, req, entry);

	/* Sent from the loop: a callback never comes from within. */
	if (l->fd != -1)
		sd_event_source_set_io_events(l->io, EPOLLIN | EPOLLOUT);
	return 0;
}

void
launch_forget(struct launch *l, const void *arg)
{
	struct request *req;

	TAILQ_FOREACH (req, &l->waiting, entry) {
		if (req->arg == arg)
			req->cb = NULL;
	}
	TAILQ_FOREACH (req, &l->sent, entry) {
		if (req->arg == arg)
			req->cb = NULL;
	}
}
