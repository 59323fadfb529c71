/*
 * A check by a command: the client of a session inside the instance, which
 * says nothing and hears how the command ended.
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/session.h"
#include "node/probe.h"

#define HEARD_MAX (64 * 1024) /* bytes that a check may print */

struct probe_run {
	sd_event_source *io;
	int fd;
	probe_run_cb cb;
	void *arg;
	size_t heard; /* of all frames */
	size_t at;    /* of this one, its head included */
	uint8_t head[SESSION_HEAD];
	uint8_t status[2];
	char said[PROBE_QUOTE];
	size_t said_len;
};

static void
run_exited(struct probe_run *run)
{
	char why[PROBE_WHY], text[PROBE_QUOTE + 1];

	if (run->status[0] == 0 && run->status[1] == 0) {
		run->cb(NULL, run->arg);
		return;
	}
	probe_quote(run->said, run->said_len, text);
	snprintf(why, sizeof(why), "the command %s %u%s%s%s",
	    run->status[0] != 0 ? "was killed by signal" : "exited with status",
	    run->status[1], text[0] != '\0' ? ": \"" : "", text,
	    text[0] != '\0' ? "\"" : "");
	run->cb(why, run->arg);
}

/* A byte of a frame's data. */
static void
data_take(struct probe_run *run, size_t at, uint8_t byte)
{
	switch (run->head[0]) {
	case SESSION_EXIT:
		if (at < sizeof(run->status))
			run->status[at] = byte;
		break;
	case SESSION_DATA:
	case SESSION_ERROR:
	case SESSION_SAY:
		if (run->said_len < sizeof(run->said))
			run->said[run->said_len++] = (char)byte;
		break;
	default:
		break;
	}
}

/* 1 once its last frame is whole, -1 if that is no session. */
static int
bytes_take(struct probe_run *run, const uint8_t *bytes, size_t n)
{
	size_t i;
	int len;

	for (i = 0; i < n; i++) {
		if (run->at < SESSION_HEAD)
			run->head[run->at] = bytes[i];
		else
			data_take(run, run->at - SESSION_HEAD, bytes[i]);
		if (++run->at < SESSION_HEAD)
			continue;
		if ((len = session_length(run->head)) == -1)
			return -1;
		if (run->at < SESSION_HEAD + (size_t)len)
			continue;
		if (run->head[0] == SESSION_EXIT)
			return len == sizeof(run->status) ? 1 : -1;
		run->at = 0;
	}
	return 0;
}

static int
run_heard(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct probe_run *run = arg;
	uint8_t bytes[4096];
	ssize_t n;
	int end;

	(void)source;
	(void)events;
	n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		run->cb("the command could not be run", run->arg);
		return 0;
	}
	end = bytes_take(run, bytes, (size_t)n);
	run->heard += (size_t)n;
	if (end == 1)
		run_exited(run);
	else if (end == -1)
		run->cb("the command could not be run", run->arg);
	else if (run->heard > HEARD_MAX)
		run->cb("the command printed more than 64 KiB", run->arg);
	return 0;
}

struct probe_run *
probe_run_open(sd_event *event, int stream, probe_run_cb cb, void *arg)
{
	struct probe_run *run;
	uint8_t eof[SESSION_HEAD];

	if ((run = calloc(1, sizeof(*run))) == NULL) {
		close(stream);
		errno = ENOMEM;
		return NULL;
	}
	run->fd = stream;
	run->cb = cb;
	run->arg = arg;
	session_head(eof, SESSION_EOF, 0);
	(void)send(stream, eof, sizeof(eof), MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sd_event_add_io(event, &run->io, stream, EPOLLIN, run_heard, run) <
	    0) {
		probe_run_close(run);
		errno = ENOMEM;
		return NULL;
	}
	return run;
}

void
probe_run_close(struct probe_run *run)
{
	if (run == NULL)
		return;
	sd_event_source_disable_unref(run->io);
	close(run->fd);
	free(run);
}
