/*
 * PRI as Heroku has it: local7 for what an app says, 6 for standard output and
 * 3 for errors; local3 for requests; syslog.notice for the platform.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drain/drain.h"

static const struct {
	char kind;
	unsigned int pri;
	const char *app;
} kinds[] = {
    {'o', 190, "app"},
    {'e', 187, "app"},
    {'r', 158, "router"},
    {'p', 45, "paas"},
};

static int
frame_room(struct frame *frame, size_t more)
{
	size_t size = frame->size == 0 ? 4096 : frame->size;
	char *data;

	while (size < frame->len + more)
		size *= 2;
	if (size == frame->size)
		return 0;
	if ((data = realloc(frame->data, size)) == NULL)
		return -1;
	frame->data = data;
	frame->size = size;
	return 0;
}

static int
head_format(char *out, size_t size, const struct queue_line *line,
    const char *token, int logplex)
{
	time_t seconds = (time_t)(line->head.time / 1000000);
	const char *name = line->name[0] != '\0' ? line->name : "-";
	char at[32] = "";
	struct tm tm;
	size_t i;

	for (i = 0; i + 1 < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].kind == line->head.kind)
			break;
	}
	if (gmtime_r(&seconds, &tm) != NULL)
		(void)strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%S", &tm);
	return snprintf(out, size, "<%u>1 %s.%06d+00:00 %s %s %.60s %s",
	    kinds[i].pri, at, (int)(line->head.time % 1000000),
	    logplex ? "host" : token, kinds[i].app, name,
	    logplex ? "- " : "- - ");
}

int
frame_add(struct frame *frame, const struct queue_line *line, const char *token,
    int logplex)
{
	char head[256], count[24];
	size_t len, digits;
	int n;

	n = head_format(head, sizeof(head), line, token, logplex);
	if (n < 0 || (size_t)n >= sizeof(head))
		return -1;
	len = (size_t)n + line->head.len + (logplex ? 1 : 0);
	digits = (size_t)snprintf(count, sizeof(count), "%zu ", len);
	if (frame_room(frame, digits + len) == -1)
		return -1;
	memcpy(frame->data + frame->len, count, digits);
	frame->len += digits;
	memcpy(frame->data + frame->len, head, (size_t)n);
	frame->len += (size_t)n;
	memcpy(frame->data + frame->len, line->text, line->head.len);
	frame->len += line->head.len;
	if (logplex)
		frame->data[frame->len++] = '\n';
	return 0;
}

void
frame_free(struct frame *frame)
{
	free(frame->data);
	memset(frame, 0, sizeof(*frame));
}
