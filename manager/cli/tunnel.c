#include "cli/tunnel.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/trust.h"

#define TUNNEL_BUFFER  16384
#define TUNNEL_CONNECT 20L /* seconds */

/* ---- the process between ----------------------------------------------- */

struct pump {
	CURL *easy;
	int far; /* the connection's descriptor: for poll alone */
	int near;
};

/* All of it; -1 if that end is gone. */
static int
pump_near(struct pump *p, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(p->near, data, len, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
pump_far(struct pump *p, const char *data, size_t len)
{
	struct pollfd writable = {.fd = p->far, .events = POLLOUT};
	CURLcode rc;
	size_t n;

	while (len > 0) {
		n = 0;
		rc = curl_easy_send(p->easy, data, len, &n);
		if (rc == CURLE_AGAIN)
			(void)poll(&writable, 1, -1);
		else if (rc != CURLE_OK)
			return -1;
		data += n;
		len -= n;
	}
	return 0;
}

/* What TLS has decoded already is not seen by poll: as long as there is any. */
static int
pump_from_far(struct pump *p)
{
	char buf[TUNNEL_BUFFER];
	CURLcode rc;
	size_t n;

	while (
	    (rc = curl_easy_recv(p->easy, buf, sizeof(buf), &n)) == CURLE_OK &&
	    n > 0)
		if (pump_near(p, buf, n) == -1)
			return -1;
	return rc == CURLE_AGAIN ? 0 : -1;
}

static int
pump_from_near(struct pump *p)
{
	char buf[TUNNEL_BUFFER];
	ssize_t n = recv(p->near, buf, sizeof(buf), 0);

	if (n == -1 && errno == EINTR)
		return 0;
	return n > 0 ? pump_far(p, buf, (size_t)n) : -1;
}

static void
pump_run(struct pump *p)
{
	struct pollfd fds[] = {{.fd = p->far, .events = POLLIN},
	    {.fd = p->near, .events = POLLIN}};

	for (;;) {
		if (poll(fds, 2, -1) == -1 && errno != EINTR)
			return;
		if ((fds[0].revents != 0 && pump_from_far(p) == -1) ||
		    (fds[1].revents != 0 && pump_from_near(p) == -1))
			return;
	}
}

static void
tunnel_explain(const char *url, CURLcode rc, char why[PAAS_ERRLEN])
{
	if (rc == CURLE_PEER_FAILED_VERIFICATION)
		trust_explain(url, why);
	else
		snprintf(why, PAAS_ERRLEN,
		    "cannot reach the platform at %.200s: %s", url,
		    curl_easy_strerror(rc));
}

/* Says "+", or why not, before anything of the other end's. */
static void
tunnel_serve(const char *url, int near)
{
	struct pump p = {.easy = curl_easy_init(), .near = near};
	char why[PAAS_ERRLEN];
	curl_socket_t far;
	CURLcode rc = CURLE_OUT_OF_MEMORY;

	if (p.easy != NULL) {
		curl_easy_setopt(p.easy, CURLOPT_URL, url);
		curl_easy_setopt(p.easy, CURLOPT_CONNECT_ONLY, 1L);
		curl_easy_setopt(p.easy, CURLOPT_PROTOCOLS_STR, "http,https");
		/* A session begins as HTTP/1.1. */
		curl_easy_setopt(p.easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
		curl_easy_setopt(p.easy, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(
		    p.easy, CURLOPT_CONNECTTIMEOUT, TUNNEL_CONNECT);
		trust_set(p.easy, url);
		rc = curl_easy_perform(p.easy);
	}
	if (rc == CURLE_OK &&
	    curl_easy_getinfo(p.easy, CURLINFO_ACTIVESOCKET, &far) ==
		CURLE_OK &&
	    far != CURL_SOCKET_BAD) {
		p.far = far;
		if (pump_near(&p, "+", 1) == 0)
			pump_run(&p);
	} else {
		tunnel_explain(url, rc, why);
		(void)pump_near(&p, why, strlen(why));
	}
	curl_easy_cleanup(p.easy);
}

/* ---- the other side ---------------------------------------------------- */

static int
tunnel_wait(int fd, char err[PAAS_ERRLEN])
{
	size_t len = 0;
	ssize_t n;

	do
		n = read(fd, err, 1);
	while (n == -1 && errno == EINTR);
	if (n == 1 && err[0] == '+')
		return 0;
	len = n == 1 ? 1 : 0;
	while (len < PAAS_ERRLEN - 1 &&
	       (n = read(fd, err + len, PAAS_ERRLEN - 1 - len)) > 0)
		len += (size_t)n;
	err[len] = '\0';
	return -1;
}

int
tunnel_open(const char *url, pid_t *helper, char err[PAAS_ERRLEN])
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1 ||
	    (*helper = fork()) == -1) {
		snprintf(err, PAAS_ERRLEN, "no process could be started: %s",
		    strerror(errno));
		return -1;
	}
	if (*helper == 0) {
		(void)close(pair[0]);
		/* Ctrl-C is for what runs at the far end. */
		(void)signal(SIGINT, SIG_IGN);
		(void)signal(SIGQUIT, SIG_IGN);
		(void)signal(SIGPIPE, SIG_IGN);
		tunnel_serve(url, pair[1]);
		_exit(0);
	}
	(void)close(pair[1]);
	if (tunnel_wait(pair[0], err) == 0)
		return pair[0];
	tunnel_close(pair[0], *helper);
	return -1;
}

void
tunnel_close(int fd, pid_t helper)
{
	(void)close(fd);
	while (waitpid(helper, NULL, 0) == -1 && errno == EINTR)
		continue;
}
