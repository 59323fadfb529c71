#include "api/http/stream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>

#include "api/http/live.h"
#include "api/http/request.h"
#include "api/http/respond.h"

#define STREAM_BLOCK (16 * 1024)
#define STREAM_FIRST 4096
#define STREAM_LAST  (1000 * 1000ULL) /* for what it has been told */

struct stream {
	struct request *request; /* held: MHD may drop the answer last */
	const struct stream_owner *owner;
	struct live *live;
	void *arg;
	sd_event_source *hangup;
	sd_event_source *heartbeat;
	char *data; /* [start, start + used) of size */
	size_t start, used, size;
	int events; /* text/event-stream */
	int full;   /* the owner has been told to pause */
	int beats;
	int ended;
	int cut; /* who asked may not any more */
	int gone;
};

/* Between two signs of life, in microseconds. */
static uint64_t
stream_beat(const struct stream *s)
{
	return s->request->api->conf->api_heartbeat * 1000000ULL;
}

static void
stream_beat_later(struct stream *s)
{
	if (s->heartbeat == NULL || !s->beats || s->cut)
		return;
	(void)sd_event_source_set_time_relative(s->heartbeat, stream_beat(s));
	(void)sd_event_source_set_enabled(s->heartbeat, SD_EVENT_ONESHOT);
}

/* ---- the buffer ------------------------------------------------------ */

static int
stream_make_room(struct stream *s, size_t len)
{
	size_t size = s->size == 0 ? STREAM_FIRST : s->size;
	char *data;

	/* However long one is: who pauses when told to has it go in. */
	if (s->used + len > STREAM_BUFFER_MAX &&
	    s->used > STREAM_BUFFER_MAX / 2)
		return -1;
	while (size < s->used + len)
		size *= 2;
	if (size != s->size) {
		if ((data = realloc(s->data, size)) == NULL)
			return -1;
		s->data = data;
		s->size = size;
	}
	if (s->start + s->used + len > s->size) {
		memmove(s->data, s->data + s->start, s->used);
		s->start = 0;
	}
	return 0;
}

static void
stream_append(struct stream *s, const void *data, size_t len)
{
	memcpy(s->data + s->start + s->used, data, len);
	s->used += len;
}

static void
stream_append_field(struct stream *s, const char *field, const char *value)
{
	if (value == NULL)
		return;
	stream_append(s, field, strlen(field));
	stream_append(s, value, strlen(value));
	stream_append(s, "\n", 1);
}

static void
stream_append_event(struct stream *s, const char *name, const char *id,
    const char *text, size_t len)
{
	const char *end;
	size_t n;

	stream_append_field(s, "event: ", name);
	stream_append_field(s, "id: ", id);
	/* A line ends at either of these: it goes on in another field. */
	for (;; text = end + 1) {
		for (n = 0; n < len && text[n] != '\r' && text[n] != '\n';)
			n++;
		end = text + n;
		stream_append(s, "data: ", 6);
		stream_append(s, text, n);
		stream_append(s, "\n", 1);
		if (n == len)
			break;
		len -= n + 1;
	}
	stream_append(s, "\n", 1);
}

/* What an event may take in the buffer. */
static size_t
stream_event_size(
    const char *name, const char *id, const char *text, size_t len)
{
	size_t size = len + 8;

	size += name != NULL ? strlen(name) + 8 : 0;
	size += id != NULL ? strlen(id) + 5 : 0;
	for (size_t i = 0; i < len; i++)
		size += text[i] == '\r' || text[i] == '\n' ? 6 : 0;
	return size;
}

/* ---- towards the client ---------------------------------------------- */

static ssize_t
stream_read(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct stream *s = cls;
	size_t len = s->used < max ? s->used : max;

	(void)pos;
	if (s->gone || s->request->api->closing)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (len > 0) {
		memcpy(buf, s->data + s->start, len);
		s->start += len;
		s->used -= len;
		if (s->full && !s->ended && s->used < STREAM_BUFFER_MAX / 4) {
			s->full = 0;
			if (s->owner->drained != NULL)
				s->owner->drained(s->arg);
		}
		return (ssize_t)len;
	}
	if (s->ended)
		/* Lines that were cut off are not to look like all of them. */
		return s->cut && !s->events ? MHD_CONTENT_READER_END_WITH_ERROR
					    : MHD_CONTENT_READER_END_OF_STREAM;
	request_suspend(s->request);
	return 0;
}

/* MHD looks at no suspended connection, so a hangup would go unseen. */
static int
stream_on_hangup(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct stream *s = arg;

	(void)fd;
	(void)events;
	(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
	s->gone = 1;
	request_resume(s->request);
	return 0;
}

static int
stream_on_heartbeat(sd_event_source *source, uint64_t usec, void *arg)
{
	struct stream *s = arg;

	(void)source;
	(void)usec;
	if (s->cut) {
		s->gone = 1;
		request_resume(s->request);
		return 0;
	}
	if (!s->beats || s->ended || !live_may(s->live))
		return 0;
	if (s->used == 0 && stream_make_room(s, 3) == 0) {
		stream_append(s, s->events ? ":\n\n" : "", s->events ? 3 : 1);
		request_resume(s->request);
	}
	stream_beat_later(s);
	return 0;
}

static void
stream_free(void *cls)
{
	struct stream *s = cls;

	sd_event_source_disable_unref(s->hangup);
	sd_event_source_disable_unref(s->heartbeat);
	live_end(s->live);
	if (s->owner->closed != NULL)
		s->owner->closed(s->arg);
	request_release(s->request);
	free(s->data);
	free(s);
}

/*
 * What was written before is still to be had, for a moment; and why there is
 * no more, by who gets events.
 */
static void
stream_refuse(void *arg)
{
	static const char text[] =
	    "{\"id\":\"unauthorized\",\"message\":\"What this was asked for "
	    "with is not good any more, or the app is gone.\"}";
	struct stream *s = arg;

	if (s->events && stream_make_room(s, stream_event_size("refused", NULL,
						 text, sizeof(text) - 1)) == 0)
		stream_append_event(s, "refused", NULL, text, sizeof(text) - 1);
	s->cut = s->ended = 1;
	(void)sd_event_source_set_time_relative(s->heartbeat, STREAM_LAST);
	(void)sd_event_source_set_enabled(s->heartbeat, SD_EVENT_ONESHOT);
	request_resume(s->request);
}

/* ---- from the owner -------------------------------------------------- */

static void
stream_watch(struct stream *s)
{
	const union MHD_ConnectionInfo *info;
	struct request *r = s->request;

	info =
	    MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info != NULL)
		(void)sd_event_add_io(r->api->event, &s->hangup,
		    info->connect_fd, EPOLLHUP | EPOLLERR, stream_on_hangup, s);
	if (sd_event_add_time_relative(r->api->event, &s->heartbeat,
		CLOCK_MONOTONIC, stream_beat(s), 0, stream_on_heartbeat,
		s) >= 0)
		stream_beat_later(s);
}

/* By name alone: who takes anything gets lines. */
int
stream_wanted(const struct request *r)
{
	const char *accept = MHD_lookup_connection_value(
	    r->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);

	return accept != NULL &&
	       strcasestr(accept, "text/event-stream") != NULL;
}

struct stream *
stream_open(struct request *r, unsigned int status,
    const struct stream_owner *owner, void *arg)
{
	struct MHD_Response *answer = NULL;
	struct stream *s;
	int events = stream_wanted(r);
	int beats = events || request_query_flag(r, "heartbeat");

	if (respond_given(r))
		return NULL;
	if ((s = calloc(1, sizeof(*s))) == NULL) {
		respond_broken(r, "out of memory");
		return NULL;
	}
	if ((s->live = live_begin(r, stream_refuse, s)) != NULL)
		answer = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN,
		    STREAM_BLOCK, stream_read, s, stream_free);
	if (answer == NULL) {
		live_end(s->live);
		free(s);
		respond_broken(r, "out of memory");
		return NULL;
	}
	s->request = request_hold(r);
	s->owner = owner;
	s->arg = arg;
	s->events = events;
	s->beats = beats;
	(void)MHD_add_response_header(answer, "Content-Type",
	    events ? "text/event-stream" : "text/plain; charset=utf-8");
	/* nginx would hold the lines back. */
	(void)MHD_add_response_header(answer, "X-Accel-Buffering", "no");
	stream_watch(s);
	respond_with(r, status, answer);
	return s;
}

static int
stream_add(struct stream *s, const char *name, const char *id, const char *text,
    size_t len)
{
	size_t room = len + 1;

	if (s->ended || !live_may(s->live))
		return -1;
	if (s->events)
		room = stream_event_size(name, id, text, len);
	if (stream_make_room(s, room) == -1) {
		s->full = 1;
		return -1;
	}
	if (s->events)
		stream_append_event(s, name, id, text, len);
	else {
		stream_append(s, text, len);
		stream_append(s, "\n", 1);
	}
	stream_beat_later(s);
	request_resume(s->request);
	s->full = s->used > STREAM_BUFFER_MAX / 2;
	return s->full;
}

int
stream_event(struct stream *s, const char *id, const char *text, size_t len)
{
	return stream_add(s, NULL, id, text, len);
}

int
stream_note(struct stream *s, const char *name, const char *id,
    const char *text, size_t len)
{
	return s->events ? stream_add(s, name, id, text, len) : 0;
}

int
stream_line(struct stream *s, const char *text, size_t len)
{
	return stream_event(s, NULL, text, len);
}

const char *
stream_last(const struct request *r)
{
	return MHD_lookup_connection_value(
	    r->conn, MHD_HEADER_KIND, "Last-Event-ID");
}

void
stream_end(struct stream *s)
{
	s->ended = 1;
	request_resume(s->request);
}
