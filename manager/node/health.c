#include <sys/socket.h>

#include <arpa/inet.h>
#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "node/health.h"

#define MS            1000ULL
#define START_MIN_US  (20 * MS)
#define START_MAX_US  (250 * MS)
#define LIVE_US       (10000 * MS) /* if it does not say */
#define LIVE_AGAIN_US (1000 * MS)  /* after one that failed */
#define LIVE_FAILURES 3            /* in a row, before it counts as sick */
#define CHECK_US      (5000 * MS)  /* likewise */
#define PROCESS_US    (1000 * MS)  /* what is not asked is ready by then */
#define PATH_LEN      1024
#define QUOTE_MAX     80 /* bytes of an answer that are told */
#define WHY_MAX       128

struct health {
	sd_event *event;
	sd_event_source *timer; /* next check, or the end of this one */
	sd_event_source *io;
	struct fetch *fetch;
	struct fetch_call *call;
	struct sockaddr_in addr;
	int fd;
	int process;
	int live;
	int good;
	uint64_t check_us; /* an answer takes at most so long */
	uint64_t live_us;  /* between two checks */
	unsigned failures;
	uint64_t delay; /* of the start */
	char *url;
	char *host;
	char why[WHY_MAX];
	health_cb cb;
	void *arg;
};

int
health_path_valid(const char *path)
{
	size_t i;

	if (path[0] != '/')
		return 0;
	for (i = 0; path[i] != '\0'; i++) {
		if (i >= PATH_LEN || path[i] <= ' ' || path[i] >= 127 ||
		    path[i] == '#')
			return 0;
	}
	return 1;
}

static void
timer_set(struct health *h, uint64_t us)
{
	int r;

	r = sd_event_source_set_time_relative(h->timer, us);
	if (r >= 0)
		r = sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT);
	if (r < 0)
		log_err("health: cannot set a timer: %s", strerror(-r));
}

static void
check_stop(struct health *h)
{
	h->io = sd_event_source_disable_unref(h->io);
	if (h->fd != -1)
		close(h->fd);
	h->fd = -1;
	fetch_cancel(h->call);
	h->call = NULL;
}

static void
check_next(struct health *h)
{
	uint64_t delay = h->live_us;

	if (!h->live) {
		delay = h->delay;
		h->delay += h->delay / 8;
		if (h->delay > START_MAX_US)
			h->delay = START_MAX_US;
	} else if (h->good && h->failures > 0) {
		delay = LIVE_AGAIN_US;
	}
	timer_set(h, delay);
}

/* why is NULL for a good answer.  The last thing done with a check. */
static void
check_end(struct health *h, const char *why)
{
	int good = why == NULL, was = h->good;

	check_stop(h);
	if (!good)
		strlcpy(h->why, why, sizeof(h->why));
	if (good) {
		h->live = 1;
		h->failures = 0;
		h->good = 1;
	} else if (h->live && ++h->failures >= LIVE_FAILURES) {
		h->good = 0;
	}
	check_next(h);
	if (h->good != was)
		h->cb(h->arg);
}

/* The beginning of what it said: one line of plain text. */
static void
quote_answer(const struct fetch_answer *answer, char text[QUOTE_MAX + 1])
{
	size_t i, n = 0;

	for (i = 0; i < answer->len && n < QUOTE_MAX; i++) {
		unsigned char c = (unsigned char)answer->body[i];

		if (c > ' ' && c < 127 && c != '"')
			text[n++] = (char)c;
		else if (n > 0 && text[n - 1] != ' ')
			text[n++] = ' ';
	}
	while (n > 0 && text[n - 1] == ' ')
		n--;
	text[n] = '\0';
}

static void
http_answered(const struct fetch_answer *answer, void *arg)
{
	struct health *h = arg;
	char why[WHY_MAX], text[QUOTE_MAX + 1];

	h->call = NULL;
	quote_answer(answer, text);
	if (answer->status >= 200 && answer->status < 400) {
		check_end(h, NULL);
		return;
	}
	if (answer->status != 0 && text[0] != '\0')
		snprintf(why, sizeof(why), "it answered %ld: \"%s\"",
		    answer->status, text);
	else if (answer->status != 0)
		snprintf(why, sizeof(why), "it answered %ld", answer->status);
	else
		snprintf(why, sizeof(why), "%s",
		    answer->refused ? "connection refused" : answer->why);
	check_end(h, why);
}

static void
http_check(struct health *h)
{
	struct fetch_what what = {
	    .url = h->url,
	    .host = h->host,
	    .timeout_ms = (long)(h->check_us / 1000),
	    .body_max = 4096,
	};

	/* libcurl keeps the time: ours is for connects. */
	h->call = fetch_get(h->fetch, &what, http_answered, h);
	if (h->call == NULL)
		check_end(h, strerror(errno));
}

static int
connect_done(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct health *h = arg;
	socklen_t len = sizeof(int);
	int error = 0;

	(void)source;
	(void)events;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	check_end(h, error == 0 ? NULL : strerror(error));
	return 0;
}

static void
connect_check(struct health *h)
{
	int fd, r;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1) {
		check_end(h, strerror(errno));
		return;
	}
	h->fd = fd;
	/* Ended in order: a reset would have the app complain of it. */
	if (connect(fd, (struct sockaddr *)&h->addr, sizeof(h->addr)) == 0) {
		check_end(h, NULL);
		return;
	}
	if (errno != EINPROGRESS) {
		check_end(h, strerror(errno));
		return;
	}
	r = sd_event_add_io(h->event, &h->io, fd, EPOLLOUT, connect_done, h);
	if (r < 0) {
		check_end(h, strerror(-r));
		return;
	}
	timer_set(h, h->check_us);
}

static int
health_time(sd_event_source *source, uint64_t now, void *arg)
{
	struct health *h = arg;
	char why[64];

	(void)source;
	(void)now;
	snprintf(why, sizeof(why), "no answer within %u s",
	    (unsigned)(h->check_us / (1000 * MS)));
	if (h->process)
		check_end(h, NULL);
	else if (h->fd != -1)
		check_end(h, why);
	else if (h->url != NULL)
		http_check(h);
	else
		connect_check(h);
	return 0;
}

static char *
url_make(const struct health_what *what)
{
	char address[INET_ADDRSTRLEN], *url;

	if (inet_ntop(AF_INET, &what->address, address, sizeof(address)) ==
	    NULL)
		return NULL;
	if (asprintf(&url, "http://%s:%u%s", address, what->port, what->path) ==
	    -1)
		return NULL;
	return url;
}

struct health *
health_open(sd_event *event, struct fetch *fetch,
    const struct health_what *what, health_cb cb, void *arg)
{
	struct health *h;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return NULL;
	h->event = event;
	h->fetch = fetch;
	h->fd = -1;
	h->cb = cb;
	h->arg = arg;
	h->live = what->live;
	h->good = what->live && what->good;
	h->delay = START_MIN_US;
	h->process = what->process;
	h->check_us = what->timeout != 0 ? what->timeout * 1000 * MS : CHECK_US;
	h->live_us = what->interval != 0 ? what->interval * 1000 * MS : LIVE_US;
	h->addr.sin_family = AF_INET;
	h->addr.sin_addr = what->address;
	h->addr.sin_port = htons(what->port);
	strlcpy(h->why, "it was not asked yet", sizeof(h->why));
	if (what->path != NULL && ((h->url = url_make(what)) == NULL ||
				      (h->host = strdup(what->host)) == NULL))
		goto fail;
	if (sd_event_add_time_relative(event, &h->timer, CLOCK_MONOTONIC,
		h->process && !h->live ? PROCESS_US : 0, START_MIN_US / 4,
		health_time, h) < 0)
		goto fail;
	return h;
fail:
	health_close(h);
	errno = ENOMEM;
	return NULL;
}

void
health_close(struct health *h)
{
	if (h == NULL)
		return;
	check_stop(h);
	sd_event_source_disable_unref(h->timer);
	free(h->url);
	free(h->host);
	free(h);
}

int
health_good(const struct health *h)
{
	return h->good;
}

const char *
health_why(const struct health *h)
{
	return h->why;
}
