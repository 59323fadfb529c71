#include <sys/socket.h>

#include <arpa/inet.h>
#include <bsd/string.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/log.h"
#include "node/probe.h"

#define SECOND 1000000ULL

struct probe {
	enum health_type type;
	sd_event *event;
	sd_event_source *io;
	sd_event_source *timer; /* its end; not of HTTP, libcurl keeps that */
	struct fetch *fetch;
	struct fetch_call *call;
	struct probe_run *run;
	struct sockaddr_in addr;
	int fd;
	uint32_t timeout; /* seconds */
	char *url;
	char *status;
	char **headers; /* "NAME: VALUE", Host among them; ends with NULL */
	int (*command)(void *);
	void *command_arg;
	probe_cb cb;
	void *arg;
};

static void
probe_stop(struct probe *p)
{
	p->io = sd_event_source_disable_unref(p->io);
	if (p->timer != NULL)
		sd_event_source_set_enabled(p->timer, SD_EVENT_OFF);
	if (p->fd != -1)
		close(p->fd);
	p->fd = -1;
	fetch_cancel(p->call);
	p->call = NULL;
	probe_run_close(p->run);
	p->run = NULL;
}

/* The last thing done with a look. */
static void
probe_end(struct probe *p, const char *why)
{
	probe_stop(p);
	p->cb(why == NULL ? PROBE_WELL : PROBE_ILL, why, p->arg);
}

int
probe_short_of(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM ||
	       error == ENOBUFS || error == EADDRNOTAVAIL;
}

/* The same, for an error of ours or of the instance's. */
static void
probe_fail(struct probe *p, int error)
{
	probe_stop(p);
	p->cb(probe_short_of(error) ? PROBE_UNABLE : PROBE_ILL, strerror(error),
	    p->arg);
}

static int
probe_late(sd_event_source *source, uint64_t now, void *arg)
{
	struct probe *p = arg;
	char why[64];

	(void)source;
	(void)now;
	snprintf(why, sizeof(why), "no answer within %u s", p->timeout);
	probe_end(p, why);
	return 0;
}

static void
timer_set(struct probe *p)
{
	int r =
	    sd_event_source_set_time_relative(p->timer, p->timeout * SECOND);

	if (r >= 0)
		r = sd_event_source_set_enabled(p->timer, SD_EVENT_ONESHOT);
	if (r < 0)
		log_err("health: cannot set a timer: %s", strerror(-r));
}

/* ---- by a path --------------------------------------------------------- */

void
probe_quote(const char *body, size_t len, char text[PROBE_QUOTE + 1])
{
	size_t i, n = 0;

	for (i = 0; i < len && n < PROBE_QUOTE; i++) {
		unsigned char c = (unsigned char)body[i];

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
	struct probe *p = arg;
	char why[PROBE_WHY], text[PROBE_QUOTE + 1];

	p->call = NULL;
	if (answer->error != 0) {
		probe_fail(p, answer->error);
		return;
	}
	probe_quote(answer->body, answer->len, text);
	if (health_status_has(p->status, answer->status)) {
		probe_end(p, NULL);
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
	probe_end(p, why);
}

static void
http_start(struct probe *p)
{
	struct fetch_what what = {
	    .url = p->url,
	    .headers = p->headers,
	    .timeout_ms = (long)p->timeout * 1000,
	    .body_max = 4096,
	};

	p->call = fetch_get(p->fetch, &what, http_answered, p);
	if (p->call == NULL)
		probe_fail(p, errno);
}

/* ---- by its port ------------------------------------------------------- */

static int
connect_done(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct probe *p = arg;
	socklen_t len = sizeof(int);
	int error = 0;

	(void)source;
	(void)events;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error == 0)
		probe_end(p, NULL);
	else
		probe_fail(p, error);
	return 0;
}

static void
port_start(struct probe *p)
{
	int r;

	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd == -1) {
		probe_fail(p, errno);
		return;
	}
	/* Ended in order: a reset would have the app complain of it. */
	if (connect(p->fd, (struct sockaddr *)&p->addr, sizeof(p->addr)) == 0) {
		probe_end(p, NULL);
		return;
	}
	if (errno != EINPROGRESS) {
		probe_fail(p, errno);
		return;
	}
	r = sd_event_add_io(p->event, &p->io, p->fd, EPOLLOUT, connect_done, p);
	if (r < 0)
		probe_fail(p, -r);
	else
		timer_set(p);
}

/* ---- by a command ------------------------------------------------------ */

static void
command_ended(const char *why, void *arg)
{
	probe_end(arg, why);
}

static void
command_start(struct probe *p)
{
	int stream;

	if ((stream = p->command(p->command_arg)) < 0) {
		probe_fail(p, -stream);
		return;
	}
	p->run = probe_run_open(p->event, stream, command_ended, p);
	if (p->run == NULL)
		probe_fail(p, errno);
	else
		timer_set(p);
}

void
probe_start(struct probe *p)
{
	switch (p->type) {
	case HEALTH_PORT:
		port_start(p);
		break;
	case HEALTH_HTTP:
		http_start(p);
		break;
	case HEALTH_COMMAND:
		command_start(p);
		break;
	case HEALTH_PROCESS:
	case HEALTH_TYPES:
		probe_end(p, NULL);
	}
}

/* ---- opening ----------------------------------------------------------- */

static char *
url_make(const struct probe_what *what)
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

static int
headers_make(struct probe *p, const struct probe_what *what)
{
	const char *name;
	json_t *value;
	size_t n = 0;
	int host = 0;

	p->headers =
	    calloc(json_object_size(what->headers) + 2, sizeof(*p->headers));
	if (p->headers == NULL)
		return -1;
	json_object_foreach (what->headers, name, value) {
		if (asprintf(&p->headers[n], "%s: %s", name,
			json_string_value(value)) == -1) {
			p->headers[n] = NULL;
			return -1;
		}
		host |= strcasecmp(name, "host") == 0;
		n++;
	}
	if (!host && asprintf(&p->headers[n], "Host: %s", what->host) == -1) {
		p->headers[n] = NULL;
		return -1;
	}
	return 0;
}

static int
http_open(struct probe *p, const struct probe_what *what)
{
	if ((p->url = url_make(what)) == NULL)
		return -1;
	p->status = strdup(what->status != NULL ? what->status : HEALTH_STATUS);
	return p->status == NULL ? -1 : headers_make(p, what);
}

struct probe *
probe_open(sd_event *event, struct fetch *fetch, const struct probe_what *what,
    probe_cb cb, void *arg)
{
	struct probe *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	p->type = what->type;
	p->event = event;
	p->fetch = fetch;
	p->fd = -1;
	p->command = what->command;
	p->command_arg = what->command_arg;
	p->cb = cb;
	p->arg = arg;
	p->timeout = what->timeout != 0 ? what->timeout : HEALTH_TIMEOUT;
	p->addr.sin_family = AF_INET;
	p->addr.sin_addr = what->address;
	p->addr.sin_port = htons(what->port);
	if (p->type == HEALTH_HTTP && http_open(p, what) == -1)
		goto fail;
	if (p->type == HEALTH_PORT || p->type == HEALTH_COMMAND) {
		if (sd_event_add_time_relative(event, &p->timer,
			CLOCK_MONOTONIC, 0, SECOND / 4, probe_late, p) < 0)
			goto fail;
		sd_event_source_set_enabled(p->timer, SD_EVENT_OFF);
	}
	return p;
fail:
	probe_close(p);
	errno = ENOMEM;
	return NULL;
}

void
probe_close(struct probe *p)
{
	size_t i;

	if (p == NULL)
		return;
	probe_stop(p);
	sd_event_source_disable_unref(p->timer);
	for (i = 0; p->headers != NULL && p->headers[i] != NULL; i++)
		free(p->headers[i]);
	free(p->headers);
	free(p->status);
	free(p->url);
	free(p);
}
