/*
 * A line is delivered once the other machine has its bytes: what is still in
 * the socket's queue (SIOCOUTQ) is sent again on the next connection.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drain/drain.h"

#define FRAME_MAX  (256 * 1024)
#define LOOK_MS    20    /* at what is not acknowledged */
#define STALLED_MS 60000 /* without any progress */

static void
marks_clear(struct target *t)
{
	struct mark *mark;

	while ((mark = STAILQ_FIRST(&t->marks)) != NULL) {
		STAILQ_REMOVE_HEAD(&t->marks, entry);
		free(mark);
	}
}

void
syslog_close(struct target *t)
{
	if (t->where.scheme == DRAIN_HTTPS)
		return;
	target_drop_easy(t);
	t->sock = CURL_SOCKET_BAD;
	t->frame.len = t->sent = 0;
	t->total = t->framed = 0;
	t->blocked = 0;
	marks_clear(t);
}

static void
syslog_failed(struct target *t, const char *why)
{
	syslog_close(t);
	target_failed(t, why);
}

static void
syslog_connect(struct target *t)
{
	char url[320];

	snprintf(url, sizeof(url), "%s://%s%s%s:%u",
	    t->where.scheme == DRAIN_SYSLOG_TLS ? "https" : "http",
	    t->where.literal6 ? "[" : "", t->where.host,
	    t->where.literal6 ? "]" : "", t->where.port);
	if ((t->easy = target_easy(t, url)) == NULL)
		return;
	curl_easy_setopt(t->easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(t->easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
	curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
	if (curl_multi_add_handle(t->helper->multi, t->easy) != CURLM_OK)
		syslog_failed(t, "out of memory");
}

void
syslog_done(struct target *t, CURLcode code)
{
	char why[CURL_ERROR_SIZE];

	if (code == CURLE_OK &&
	    curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &t->sock) ==
		CURLE_OK &&
	    t->sock != CURL_SOCKET_BAD) {
		t->not_before = helper_now() + STALLED_MS;
		return;
	}
	snprintf(why, sizeof(why), "%s",
	    t->error[0] != '\0' ? t->error : curl_easy_strerror(code));
	syslog_failed(t, why);
}

/* Lines that are in no frame yet. */
static int
syslog_fill(struct target *t)
{
	struct queue_line *line;
	struct mark *mark;

	if (t->sent > 0 && t->sent == t->frame.len)
		t->frame.len = t->sent = 0;
	STAILQ_FOREACH (line, &t->queue.lines, entry) {
		if (line->seq <= t->framed)
			continue;
		if (t->frame.len > FRAME_MAX)
			break;
		if ((mark = malloc(sizeof(*mark))) == NULL ||
		    frame_add(&t->frame, line, t->token, 0) == -1) {
			free(mark);
			return -1;
		}
		mark->end = t->total + (t->frame.len - t->sent);
		mark->seq = line->seq;
		STAILQ_INSERT_TAIL(&t->marks, mark, entry);
		t->framed = line->seq;
	}
	return 0;
}

static CURLcode
syslog_send(struct target *t)
{
	CURLcode code;
	size_t n;

	t->blocked = 0;
	while (t->sent < t->frame.len) {
		code = curl_easy_send(t->easy, t->frame.data + t->sent,
		    t->frame.len - t->sent, &n);
		if (code == CURLE_AGAIN) {
			t->blocked = 1;
			return CURLE_OK;
		}
		if (code != CURLE_OK)
			return code;
		t->sent += n;
		t->total += n;
	}
	return CURLE_OK;
}

/* With TLS what is queued is more than the text of it: less is taken as sent.
 */
static void
syslog_acknowledge(struct target *t)
{
	struct mark *mark;
	uint64_t there, seq = 0;
	int queued = 0;

	if (ioctl(t->sock, SIOCOUTQ, &queued) == -1 || queued < 0)
		queued = 0;
	there = t->total > (uint64_t)queued ? t->total - (uint64_t)queued : 0;
	while ((mark = STAILQ_FIRST(&t->marks)) != NULL && mark->end <= there) {
		STAILQ_REMOVE_HEAD(&t->marks, entry);
		seq = mark->seq;
		free(mark);
	}
	if (seq == 0)
		return;
	t->not_before = helper_now() + STALLED_MS;
	target_delivered(t, seq);
}

/* Nobody says anything on such a connection; its end is to be seen. */
static int
syslog_ended(struct target *t)
{
	char bytes[512];
	CURLcode code;
	size_t n;

	do
		code = curl_easy_recv(t->easy, bytes, sizeof(bytes), &n);
	while (code == CURLE_OK && n > 0);
	return code != CURLE_AGAIN;
}

void
syslog_turn(struct target *t, int64_t *wait)
{
	CURLcode code;

	if (t->easy == NULL) {
		if (!STAILQ_EMPTY(&t->queue.lines))
			syslog_connect(t);
		return;
	}
	if (t->sock == CURL_SOCKET_BAD)
		return; /* libcurl is at it */
	if (syslog_ended(t)) {
		syslog_failed(t, "the other side closed the connection");
		return;
	}
	if (syslog_fill(t) == -1) {
		syslog_failed(t, "out of memory");
		return;
	}
	if ((code = syslog_send(t)) != CURLE_OK) {
		syslog_failed(t, curl_easy_strerror(code));
		return;
	}
	syslog_acknowledge(t);
	if (STAILQ_EMPTY(&t->marks))
		t->not_before = helper_now() + STALLED_MS;
	else if (helper_now() > t->not_before)
		syslog_failed(t, "the other side takes nothing");
	else if (*wait > LOOK_MS)
		*wait = LOOK_MS;
}

short
syslog_events(const struct target *t)
{
	if (t->where.scheme == DRAIN_HTTPS || t->sock == CURL_SOCKET_BAD)
		return 0;
	return t->blocked ? POLLIN | POLLOUT : POLLIN;
}
