#include <sys/socket.h>

#include <bsd/string.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/logdrain_impl.h"

/* 1; 0 if the socket is full; else the helper is lost. */
static int
message_send(struct logdrain *d, struct drain_head *head, const void *payload,
    size_t len)
{
	struct iovec parts[2] = {{head, sizeof(*head)}, {NULL, len}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	char copy[DRAIN_MESSAGE_MAX];

	if (d->all->fd == -1)
		return -1;
	memcpy(copy, payload, len);
	parts[1].iov_base = copy;
	strlcpy(head->id, d->id, sizeof(head->id));
	if (sendmsg(d->all->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) != -1)
		return 1;
	if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)
		return 0;
	logdrains_lose(d->all, strerror(errno));
	return -1;
}

void
logdrain_tell(struct logdrain *d, enum drain_type type)
{
	struct drain_head head = {.type = type};
	char payload[DRAIN_URL_MAX + sizeof(d->token) + 2];
	size_t len = 0;

	if (type == DRAIN_SET) {
		len = strlen(d->url) + 1;
		memcpy(payload, d->url, len);
		memcpy(payload + len, d->token, strlen(d->token) + 1);
		len += strlen(d->token) + 1;
	}
	/* Without it nothing goes: the next connection begins anew. */
	if (message_send(d, &head, payload, len) == 0)
		logdrains_lose(d->all, "it does not read");
}

void
logdrain_flush(struct logdrain *d)
{
	if (d->used == 0 || d->all->blocked)
		return;
	d->head.type = DRAIN_LINES;
	switch (message_send(d, &d->head, d->message, d->used)) {
	case 1:
		d->used = 0;
		d->head.count = 0;
		break;
	case 0:
		logdrains_blocked(d->all);
		break;
	default:
		break;
	}
}

static int
flight_add(struct logdrain *d, const struct drain_flight *flight, size_t bytes)
{
	struct drain_flight *copy = malloc(sizeof(*copy));

	if (copy == NULL)
		return -1;
	*copy = *flight;
	copy->seq = ++d->seq;
	copy->bytes = bytes;
	STAILQ_INSERT_TAIL(&d->flights, copy, entry);
	d->flying++;
	d->flying_bytes += bytes;
	d->telling += flight->tells;
	return 0;
}

/* 0, or -1: there is no room for it now. */
static int
line_put(struct logdrain *d, const struct drain_flight *flight, int64_t at,
    char kind, const char *name, const char *text, size_t len)
{
	struct drain_line line = {.time = at, .kind = kind};
	size_t size;

	if (len > DRAIN_MESSAGE_MAX - 1024)
		len = DRAIN_MESSAGE_MAX - 1024;
	line.len = (uint32_t)len;
	line.name = (uint8_t)strnlen(name, 60);
	size = sizeof(line) + line.name + line.len;
	if (d->used + size > sizeof(d->message) - sizeof(d->head))
		logdrain_flush(d);
	if (d->used + size > sizeof(d->message) - sizeof(d->head) ||
	    flight_add(d, flight, len) == -1)
		return -1;
	if (d->used == 0)
		d->head.seq = d->seq;
	memcpy(d->message + d->used, &line, sizeof(line));
	memcpy(d->message + d->used + sizeof(line), name, line.name);
	memcpy(d->message + d->used + sizeof(line) + line.name, text, len);
	d->used += size;
	d->head.count++;
	sd_event_source_set_enabled(d->all->flush, SD_EVENT_ONESHOT);
	return 0;
}

static void
lines_lose(struct logdrain *d, uint64_t n)
{
	d->lost += n;
	d->untold += n;
	d->dirty = 1;
}

/* It stays to be told until the drain has taken what says so. */
static void
losses_tell(struct logdrain *d, int64_t at)
{
	struct drain_flight flight = {.tells = d->untold - d->telling};
	char note[128];
	int n;

	if (flight.tells == 0)
		return;
	n = snprintf(note, sizeof(note),
	    "%" PRIu64 " lines are lost: this drain refused them, or did not "
	    "take them as fast as they came",
	    flight.tells);
	(void)line_put(d, &flight, at, 'p', "drain", note, (size_t)n);
}

void
logdrain_line(struct logdrain *d, const struct drain_flight *flight, int64_t at,
    char kind, const char *name, const char *text, size_t len)
{
	losses_tell(d, at);
	/* What can't go now is gone by. */
	if (line_put(d, flight, at, kind, name, text, len) == -1)
		lines_lose(d, 1);
	if (d->used > sizeof(d->message) / 2)
		logdrain_flush(d);
	/* Until logdrain_resume: a follower that waits is told then alone. */
	d->full |= d->flying >= DRAIN_WINDOW_LINES ||
		   d->flying_bytes >= DRAIN_WINDOW_BYTES ||
		   d->used > sizeof(d->message) / 2;
}

static void
flight_done(struct logdrain *d, const struct drain_flight *flight, int refused)
{
	struct drain_source *source;

	d->dirty = 1;
	d->telling -= flight->tells;
	if (flight->tells > 0 && !refused)
		d->untold -= flight->tells;
	if (flight->tells > 0)
		return;
	if (refused)
		lines_lose(d, 1);
	else
		d->delivered++;
	if (flight->source == 0) {
		strlcpy(d->event, flight->event, sizeof(d->event));
		return;
	}
	if ((source = logdrain_source(d, flight->source)) != NULL)
		source->done = flight->pos;
}

void
logdrain_acked(struct logdrain *d, uint64_t seq, uint32_t refused)
{
	struct drain_flight *flight;

	while ((flight = STAILQ_FIRST(&d->flights)) != NULL &&
	       flight->seq <= seq) {
		STAILQ_REMOVE_HEAD(&d->flights, entry);
		d->flying--;
		d->flying_bytes -= flight->bytes;
		flight_done(d, flight, refused > 0);
		free(flight);
	}
	if (d->full && d->flying < DRAIN_WINDOW_LINES / 2 &&
	    d->flying_bytes < DRAIN_WINDOW_BYTES / 2)
		logdrain_resume(d);
}

void
logdrain_forget(struct logdrain *d)
{
	struct drain_flight *flight;

	while ((flight = STAILQ_FIRST(&d->flights)) != NULL) {
		STAILQ_REMOVE_HEAD(&d->flights, entry);
		free(flight);
	}
	d->flying = d->flying_bytes = 0;
	d->telling = 0;
	d->used = 0;
	d->head.count = 0;
	d->full = 0;
}
