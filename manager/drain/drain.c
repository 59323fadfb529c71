/*
 * paas-drain --conf FILE
 *
 * It keeps nothing: the manager says everything again to the next one.
 */
#include "drain/drain.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <bsd/string.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/places.h"

#define WAIT_MS     10000
#define TARGETS_MAX 2000

int64_t
helper_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- the manager ------------------------------------------------------- */

static void
manager_lose(struct helper *h, const char *why)
{
	struct target *t;

	if (h->manager == -1)
		return;
	log_info("the manager's connection ends: %s", why);
	close(h->manager);
	h->manager = -1;
	/* In the loop they may be in use. */
	TAILQ_FOREACH (t, &h->targets, entry)
		t->gone = 1;
}

void
helper_tell(struct helper *h, const struct target *t,
    const struct drain_head *what, const char *text)
{
	struct drain_head head = *what;
	struct iovec parts[2] = {{&head, sizeof(head)}, {NULL, strlen(text)}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	char copy[CURL_ERROR_SIZE + 64];

	if (h->manager == -1 || t->gone)
		return;
	strlcpy(copy, text, sizeof(copy));
	parts[1].iov_base = copy;
	parts[1].iov_len = strlen(copy);
	strlcpy(head.id, t->id, sizeof(head.id));
	if (sendmsg(h->manager, &message, MSG_NOSIGNAL) == -1)
		manager_lose(h, strerror(errno));
}

static struct target *
target_find(struct helper *h, const char *id)
{
	struct target *t;

	TAILQ_FOREACH (t, &h->targets, entry) {
		if (strcmp(t->id, id) == 0)
			return t;
	}
	return NULL;
}

static void
target_set(struct helper *h, const char *id, const char *payload, size_t len)
{
	const char *token = memchr(payload, '\0', len);
	struct target *t = target_find(h, id);

	if (t != NULL)
		target_free(t);
	if (token == NULL || memchr(token + 1, '\0',
				 len - (size_t)(token + 1 - payload)) == NULL)
		return;
	if (target_new(h, id, payload, token + 1) == NULL)
		log_warn("drain %s can't be set up", id);
}

static void
message_take(struct helper *h, char *bytes, size_t n)
{
	struct drain_head head;
	struct target *t;

	if (n < sizeof(head)) {
		manager_lose(h, "a message is too short");
		return;
	}
	memcpy(&head, bytes, sizeof(head));
	head.id[sizeof(head.id) - 1] = '\0';
	bytes += sizeof(head);
	n -= sizeof(head);
	t = target_find(h, head.id);
	switch (head.type) {
	case DRAIN_SET:
		target_set(h, head.id, bytes, n);
		break;
	case DRAIN_UNSET:
		if (t != NULL)
			target_free(t);
		break;
	case DRAIN_LINES:
		if (t != NULL && queue_add(&t->queue, &head, bytes, n) == -1)
			manager_lose(h, "lines are not as they should be");
		break;
	default:
		manager_lose(h, "a message of no known type");
	}
}

static void
manager_read(struct helper *h)
{
	static char bytes[DRAIN_MESSAGE_MAX + 1];
	int turns = 64;
	ssize_t n;

	while (h->manager != -1 && turns-- > 0) {
		n = recv(h->manager, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0)
			manager_lose(h, n == 0 ? "it closed" : strerror(errno));
		else
			message_take(h, bytes, (size_t)n);
	}
}

/* A new manager takes the place of the one before. */
static void
manager_accept(struct helper *h)
{
	int fd = accept4(h->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd == -1)
		return;
	manager_lose(h, "there is another one");
	h->manager = fd;
}

static int
helper_listen(const struct conf *conf)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd;

	strlcpy(sun.sun_path, conf->run_dir, sizeof(sun.sun_path));
	strlcat(sun.sun_path, "/" PLACE_DRAIN_SOCK, sizeof(sun.sun_path));
	(void)unlink(sun.sun_path);
	umask(0117); /* the folder is for the manager and us */
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    chmod(sun.sun_path, 0666) == -1 || listen(fd, 4) == -1)
		log_fatal("%s: %s", sun.sun_path, strerror(errno));
	umask(027);
	return fd;
}

/* ---- the loop ---------------------------------------------------------- */

static void
curl_reap(struct helper *h)
{
	struct target *t;
	CURLMsg *message;
	char *private;
	int left;

	while ((message = curl_multi_info_read(h->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(
		    message->easy_handle, CURLINFO_PRIVATE, &private);
		t = (struct target *)(void *)private;
		target_done(t, message->data.result);
	}
}

static void
targets_sweep(struct helper *h)
{
	struct target *t, *next;

	for (t = TAILQ_FIRST(&h->targets); t != NULL; t = next) {
		next = TAILQ_NEXT(t, entry);
		if (t->gone)
			target_free(t);
	}
}

static void
helper_wait(struct helper *h, int64_t wait)
{
	static struct curl_waitfd fds[TARGETS_MAX + 2];
	struct target *t;
	unsigned int n = 0;

	memset(fds, 0, sizeof(fds[0]) * 2);
	fds[n].fd = h->listener;
	fds[n++].events = CURL_WAIT_POLLIN;
	if (h->manager != -1) {
		fds[n].fd = h->manager;
		fds[n++].events = CURL_WAIT_POLLIN;
	}
	TAILQ_FOREACH (t, &h->targets, entry) {
		if (n == TARGETS_MAX + 2 || syslog_events(t) == 0)
			continue;
		fds[n].fd = t->sock;
		fds[n].revents = 0;
		fds[n++].events =
		    CURL_WAIT_POLLIN |
		    (syslog_events(t) & POLLOUT ? CURL_WAIT_POLLOUT : 0);
	}
	(void)curl_multi_poll(h->multi, fds, n, (int)wait, NULL);
}

static void
helper_turn(struct helper *h)
{
	int64_t wait = WAIT_MS;
	struct target *t;
	int running;

	manager_accept(h);
	manager_read(h);
	targets_sweep(h);
	curl_multi_perform(h->multi, &running);
	curl_reap(h);
	TAILQ_FOREACH (t, &h->targets, entry)
		target_turn(t, &wait);
	/* What was just begun. */
	curl_multi_perform(h->multi, &running);
	curl_reap(h);
	targets_sweep(h);
	helper_wait(h, wait);
}

int
main(int argc, char **argv)
{
	static struct helper helper;
	char err[PAAS_ERRLEN];

	if (argc != 3 || strcmp(argv[1], "--conf") != 0) {
		fprintf(stderr, "usage: paas-drain --conf FILE\n");
		return 2;
	}
	log_init("paas-drain", 0);
	if (conf_load(&helper.conf, argv[2], err) == -1)
		log_fatal("%s", err);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
	    curl_global_init(CURL_GLOBAL_ALL) != 0 ||
	    (helper.multi = curl_multi_init()) == NULL)
		log_fatal("libcurl can't be started");
	TAILQ_INIT(&helper.targets);
	helper.manager = -1;
	helper.listener = helper_listen(&helper.conf);
	for (;;)
		helper_turn(&helper);
}
