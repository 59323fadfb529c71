#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "launcher/init_session.h"

/* 1 if there are `want` bytes in all. */
static int
stream_read(struct session_frames *f, uint8_t *to, size_t have, size_t want)
{
	ssize_t n;

	if (have >= want)
		return 1;
	n = recv(f->stream, to + have, want - have, MSG_DONTWAIT);
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		f->lost = 1;
	if (n <= 0)
		return 0;
	f->in += (size_t)n;
	return have + (size_t)n == want;
}

size_t
frames_length(const struct session_frames *f)
{
	int len = session_length(f->head_in);

	return len > 0 ? (size_t)len : 0;
}

int
frames_read(struct session_frames *f)
{
	size_t len;

	if (!stream_read(f, f->head_in, f->in, SESSION_HEAD))
		return 0;
	if (session_length(f->head_in) == -1) {
		f->lost = 1;
		return 0;
	}
	len = frames_length(f);
	return stream_read(f, f->data_in, f->in - SESSION_HEAD, len);
}

void
frames_taken(struct session_frames *f)
{
	f->in = 0;
}

uint8_t *
frames_room(struct session_frames *f)
{
	return f->data_out + SESSION_HEAD;
}

void
frames_fill(struct session_frames *f, enum session_type type, size_t len)
{
	session_head(f->data_out, type, len);
	f->at = 0;
	f->out = SESSION_HEAD + len;
	frames_write(f);
}

void
frames_put(struct session_frames *f, enum session_type type, const void *data,
    size_t len)
{
	memcpy(frames_room(f), data, len);
	frames_fill(f, type, len);
}

int
frames_waiting(const struct session_frames *f)
{
	return f->at < f->out && !f->lost;
}

void
frames_write(struct session_frames *f)
{
	ssize_t n;

	if (!frames_waiting(f))
		return;
	n = send(f->stream, f->data_out + f->at, f->out - f->at,
	    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		f->at += (size_t)n;
	else if (n == -1 && errno != EAGAIN && errno != EINTR)
		f->lost = 1;
}
