#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/heroku/heroku.h"

#define TLS_HANDSHAKE 0x16 /* RFC 8446, 5.1: the type of its first record */
#define FIRST_SECONDS 10

static void
time_limit(int fd, time_t seconds)
{
	struct timeval tv = {.tv_sec = seconds};

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

int
heroku_stream_open(struct heroku_stream *s, struct heroku *h, int fd)
{
	unsigned char first;
	ssize_t n;

	s->fd = fd;
	s->tls = NULL;
	time_limit(fd, FIRST_SECONDS);
	do
		n = recv(fd, &first, 1, MSG_PEEK);
	while (n == -1 && errno == EINTR);
	if (n != 1)
		return -1;
	if (first == TLS_HANDSHAKE) {
		s->tls = SSL_new(h->tls);
		if (s->tls == NULL || SSL_set_fd(s->tls, fd) != 1 ||
		    SSL_accept(s->tls) != 1)
			return -1;
	}
	return 0;
}

ssize_t
heroku_stream_read(struct heroku_stream *s, void *buf, size_t len)
{
	ssize_t n;
	int rc;

	if (s->tls == NULL) {
		do
			n = recv(s->fd, buf, len, 0);
		while (n == -1 && errno == EINTR);
		return n;
	}
	rc = SSL_read(s->tls, buf, len < INT32_MAX ? (int)len : INT32_MAX);
	if (rc > 0)
		return rc;
	return SSL_get_error(s->tls, rc) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

int
heroku_stream_write(struct heroku_stream *s, const void *data, size_t len)
{
	const char *at = data;
	ssize_t n;

	while (len > 0) {
		if (s->tls != NULL)
			n = SSL_write(
			    s->tls, at, len < INT32_MAX ? (int)len : INT32_MAX);
		else
			n = send(s->fd, at, len, MSG_NOSIGNAL);
		if (n == -1 && s->tls == NULL && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int
heroku_stream_pending(const struct heroku_stream *s)
{
	return s->tls != NULL && SSL_pending(s->tls) > 0;
}

/* What the other end has sent and was not read would have all of ours lost. */
void
heroku_stream_close(struct heroku_stream *s)
{
	char rest[4096];

	if (s->tls != NULL) {
		(void)SSL_shutdown(s->tls);
		SSL_free(s->tls);
	}
	(void)shutdown(s->fd, SHUT_WR);
	time_limit(s->fd, 1);
	while (recv(s->fd, rest, sizeof(rest), 0) > 0)
		continue;
	(void)close(s->fd);
}
