#include <sys/socket.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "drain/drain.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_LAST_MS  60000
#define CONNECT_S        10L

static void
target_say(struct target *t, const char *text)
{
	if (strcmp(t->said, text) == 0)
		return;
	strlcpy(t->said, text, sizeof(t->said));
	helper_tell(
	    t->helper, t, &(struct drain_head){.type = DRAIN_STATE}, text);
}

static void
lines_done(struct target *t, uint64_t seq, uint32_t refused)
{
	struct drain_head head = {
	    .type = DRAIN_ACK, .seq = seq, .count = refused};

	queue_drop(&t->queue, seq);
	helper_tell(t->helper, t, &head, "");
}

void
target_delivered(struct target *t, uint64_t seq)
{
	lines_done(t, seq, 0);
	t->failures = 0;
	target_say(t, "");
}

void
target_refused(struct target *t, uint64_t seq, uint32_t lines, const char *why)
{
	lines_done(t, seq, lines);
	t->failures = 0;
	target_failed(t, why);
}

/* 1 s, 2 s, 4 s and so on, each a bit off, so that not all come at once. */
void
target_failed(struct target *t, const char *why)
{
	int64_t wait = BACKOFF_FIRST_MS;
	unsigned int i;

	for (i = 0; i < t->failures && wait < BACKOFF_LAST_MS; i++)
		wait *= 2;
	if (wait > BACKOFF_LAST_MS)
		wait = BACKOFF_LAST_MS;
	t->failures++;
	t->not_before = helper_now() + wait * 3 / 4 +
			(int64_t)arc4random_uniform((uint32_t)wait / 2);
	target_say(t, t->denied ? "the address is not one that drains may "
				  "reach: see allow_out in paas.conf(5)"
				: why);
	t->denied = 0;
}

/* By address, after the name was resolved. */
static curl_socket_t
socket_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct target *t = arg;

	(void)purpose;
	if (!drain_may_reach(&address->addr, t->helper->conf.allow_out)) {
		t->denied = 1;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
	    address->protocol);
}

CURL *
target_easy(struct target *t, const char *url)
{
	CURL *easy = curl_easy_init();

	if (easy == NULL)
		return NULL;
	t->error[0] = '\0';
	curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, socket_open);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(easy, CURLOPT_CAINFO, t->helper->conf.drain_ca);
	return easy;
}

void
target_drop_easy(struct target *t)
{
	if (t->easy == NULL)
		return;
	curl_multi_remove_handle(t->helper->multi, t->easy);
	curl_easy_cleanup(t->easy);
	t->easy = NULL;
}

void
target_turn(struct target *t, int64_t *wait)
{
	int64_t left = t->not_before - helper_now();

	if (t->easy == NULL && left > 0) {
		if (!STAILQ_EMPTY(&t->queue.lines) && left < *wait)
			*wait = left;
		return;
	}
	if (t->where.scheme == DRAIN_HTTPS)
		https_turn(t, wait);
	else
		syslog_turn(t, wait);
}

void
target_done(struct target *t, CURLcode code)
{
	if (t->where.scheme == DRAIN_HTTPS)
		https_done(t, code);
	else
		syslog_done(t, code);
}

struct target *
target_new(struct helper *h, const char *id, const char *url, const char *token)
{
	char err[PAAS_ERRLEN];
	struct target *t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return NULL;
	t->helper = h;
	t->sock = CURL_SOCKET_BAD;
	strlcpy(t->id, id, sizeof(t->id));
	strlcpy(t->url, url, sizeof(t->url));
	strlcpy(t->token, token, sizeof(t->token));
	strlcpy(t->said, "?", sizeof(t->said)); /* the first state is told */
	queue_init(&t->queue);
	STAILQ_INIT(&t->marks);
	if (drain_url_parse(url, &t->where, err) == -1) {
		free(t);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&h->targets, t, entry);
	return t;
}

void
target_free(struct target *t)
{
	TAILQ_REMOVE(&t->helper->targets, t, entry);
	syslog_close(t);
	target_drop_easy(t);
	curl_slist_free_all(t->headers);
	frame_free(&t->frame);
	queue_clear(&t->queue);
	free(t);
}
