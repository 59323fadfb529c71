#include <sys/socket.h>
#include <bsd/sys/queue.h>

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "node/fetch.h"

struct fetch_call {
	TAILQ_ENTRY(fetch_call) entry;
	struct fetch *fetch;
	CURL *easy;
	struct curl_slist *headers;
	char *body;
	size_t len;
	size_t max;
	int error; /* of its socket */
	fetch_cb cb;
	void *arg;
};

struct fetch {
	sd_event *event;
	sd_event_source *timer;
	CURLM *multi;
	TAILQ_HEAD(fetch_calls, fetch_call) calls;
};

static void
call_free(struct fetch_call *call)
{
	TAILQ_REMOVE(&call->fetch->calls, call, entry);
	if (call->easy != NULL) {
		curl_multi_remove_handle(call->fetch->multi, call->easy);
		curl_easy_cleanup(call->easy);
	}
	curl_slist_free_all(call->headers);
	free(call->body);
	free(call);
}

static void
call_done(struct fetch_call *call, CURLcode code)
{
	struct fetch_answer answer = {0};
	long error = 0;

	call->body[call->len] = '\0';
	answer.body = call->body;
	answer.len = call->len;
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &answer.status);
	if (code == CURLE_WRITE_ERROR && call->len == call->max)
		code = CURLE_OK;
	if (code != CURLE_OK) {
		answer.status = 0;
		curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &error);
		answer.refused = code == CURLE_COULDNT_CONNECT &&
				 (error == ECONNREFUSED || error == ENOENT);
		answer.why = curl_easy_strerror(code);
		answer.error = call->error;
	}
	call->cb(&answer, call->arg);
}

static void
fetch_reap(struct fetch *f)
{
	struct fetch_call *call;
	CURLMsg *msg;
	CURLcode code;
	char *private;
	int left;

	while ((msg = curl_multi_info_read(f->multi, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		code = msg->data.result;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &private);
		call = (struct fetch_call *)(void *)private;
		call_done(call, code);
		call_free(call);
	}
}

static int
fetch_io(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct fetch *f = arg;
	int running, what = 0;

	(void)source;
	if (events & EPOLLIN)
		what |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		what |= CURL_CSELECT_ERR;
	curl_multi_socket_action(f->multi, fd, what, &running);
	fetch_reap(f);
	return 0;
}

static int
fetch_time(sd_event_source *source, uint64_t now, void *arg)
{
	struct fetch *f = arg;
	int running;

	(void)source;
	(void)now;
	curl_multi_socket_action(f->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	fetch_reap(f);
	return 0;
}

/* libcurl says for what a socket is to be watched; socketp is the source. */
static int
curl_wants_socket(
    CURL *easy, curl_socket_t fd, int what, void *arg, void *socketp)
{
	struct fetch *f = arg;
	sd_event_source *source = socketp;
	uint32_t events = 0;
	int r;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		sd_event_source_disable_unref(source);
		curl_multi_assign(f->multi, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	if (source != NULL) {
		r = sd_event_source_set_io_events(source, events);
	} else {
		r = sd_event_add_io(f->event, &source, fd, events, fetch_io, f);
		if (r >= 0)
			curl_multi_assign(f->multi, fd, source);
	}
	return r < 0 ? -1 : 0;
}

static int
curl_wants_timer(CURLM *multi, long ms, void *arg)
{
	struct fetch *f = arg;

	(void)multi;
	/* What is due now is not to wait for company. */
	sd_event_source_set_time_accuracy(f->timer, ms > 0 ? 1000 : 1);
	if (ms < 0)
		return sd_event_source_set_enabled(f->timer, SD_EVENT_OFF) < 0
			   ? -1
			   : 0;
	if (sd_event_source_set_time_relative(f->timer, (uint64_t)ms * 1000) <
		0 ||
	    sd_event_source_set_enabled(f->timer, SD_EVENT_ONESHOT) < 0)
		return -1;
	return 0;
}

struct fetch *
fetch_open(sd_event *event, char err[PAAS_ERRLEN])
{
	struct fetch *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		goto fail;
	TAILQ_INIT(&f->calls);
	f->event = event;
	if ((f->multi = curl_multi_init()) == NULL ||
	    sd_event_add_time_relative(
		event, &f->timer, CLOCK_MONOTONIC, 0, 1000, fetch_time, f) < 0)
		goto fail;
	sd_event_source_set_enabled(f->timer, SD_EVENT_OFF);
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, curl_wants_socket);
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, curl_wants_timer);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
	return f;
fail:
	snprintf(err, PAAS_ERRLEN, "libcurl cannot be set up");
	fetch_close(f);
	return NULL;
}

void
fetch_close(struct fetch *f)
{
	struct fetch_call *call, *next;

	if (f == NULL)
		return;
	TAILQ_FOREACH_SAFE (call, &f->calls, entry, next)
		call_free(call);
	if (f->multi != NULL)
		curl_multi_cleanup(f->multi);
	sd_event_source_disable_unref(f->timer);
	free(f);
}

static size_t
body_take(char *bytes, size_t size, size_t n, void *arg)
{
	struct fetch_call *call = arg;
	size_t len = size * n, keep = call->max - call->len;

	if (keep > len)
		keep = len;
	memcpy(call->body + call->len, bytes, keep);
	call->len += keep;

	/* Less than len ends the transfer: nobody makes us read for ever. */
	return keep;
}

/* As libcurl would: so that its error is known to be ours. */
static curl_socket_t
socket_open(void *arg, curlsocktype purpose, struct curl_sockaddr *addr)
{
	struct fetch_call *call = arg;
	int fd;

	(void)purpose;
	fd =
	    socket(addr->family, addr->socktype | SOCK_CLOEXEC, addr->protocol);
	if (fd == -1)
		call->error = errno;
	return fd == -1 ? CURL_SOCKET_BAD : fd;
}

static void
call_options(struct fetch_call *call, const struct fetch_what *what)
{
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, socket_open);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
	curl_easy_setopt(easy, CURLOPT_URL, what->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, what->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 4096L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "paas-manager");
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_take);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	if (what->socket != NULL)
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, what->socket);
	if (call->headers != NULL)
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
}

static int
headers_take(struct fetch_call *call, char *const *headers)
{
	struct curl_slist *list;

	for (; headers != NULL && *headers != NULL; headers++) {
		if ((list = curl_slist_append(call->headers, *headers)) == NULL)
			return -1;
		call->headers = list;
	}
	return 0;
}

struct fetch_call *
fetch_get(
    struct fetch *f, const struct fetch_what *what, fetch_cb cb, void *arg)
{
	struct fetch_call *call;

	if ((call = calloc(1, sizeof(*call))) == NULL)
		return NULL;
	TAILQ_INSERT_TAIL(&f->calls, call, entry);
	call->fetch = f;
	call->max = what->body_max;
	call->cb = cb;
	call->arg = arg;
	call->body = malloc(what->body_max + 1);
	if (call->body == NULL || headers_take(call, what->headers) == -1 ||
	    (call->easy = curl_easy_init()) == NULL)
		goto fail;
	call_options(call, what);
	if (curl_multi_add_handle(f->multi, call->easy) != CURLM_OK) {
		curl_easy_cleanup(call->easy);
		call->easy = NULL;
		goto fail;
	}
	return call;
fail:
	call_free(call);
	errno = ENOMEM;
	return NULL;
}

void
fetch_cancel(struct fetch_call *call)
{
	if (call != NULL)
		call_free(call);
}
