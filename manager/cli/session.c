/* How a session is asked for: HTTP/1.1 by hand, up to the answer of 101. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <bsd/string.h>

#include "cli/cli.h"
#include "cli/session.h"
#include "cli/tunnel.h"
#include "common/session.h"

#define HEAD_MAX   8192
#define ANSWER_MAX (256 * 1024)

int
session_tty(const struct cli *cli)
{
	return !cli_has(cli, OPT_NO_TTY) && isatty(STDIN_FILENO) &&
	       isatty(STDOUT_FILENO);
}

static int
manager_connect(struct cli *cli, pid_t *helper)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	const char *path = http_socket(cli->http);
	char why[PAAS_ERRLEN];
	int fd;

	*helper = 0;
	if (path == NULL) {
		fd = tunnel_open(http_url(cli->http), helper, why);
		if (fd == -1)
			cli_error(cli, "%s", why);
		return fd;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) <
		sizeof(sun.sun_path) &&
	    fd != -1 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	cli_error(cli, "cannot reach the manager at %.200s: %s", path,
	    strerror(errno));
	if (fd != -1)
		close(fd);
	return -1;
}

static int
bytes_send(int fd, const char *bytes, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, bytes, len, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
request_send(struct cli *cli, int fd, const char *method, const char *path,
    const json_t *body)
{
	const char *url = http_url(cli->http), *token = http_token(cli->http);
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	char head[HTTP_PATH_MAX + 512];
	int len, rc = -1;

	len = snprintf(head, sizeof(head),
	    "%s %s HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\n"
	    "%s%s%s"
	    "Connection: Upgrade\r\nUpgrade: " SESSION_UPGRADE "\r\n"
	    "%sContent-Length: %zu\r\n\r\n",
	    method, path, url != NULL ? strstr(url, "://") + 3 : "paas",
	    token != NULL ? "Authorization: Bearer " : "",
	    token != NULL ? token : "", token != NULL ? "\r\n" : "",
	    text != NULL ? "Content-Type: application/json\r\n" : "",
	    text != NULL ? strlen(text) : 0);
	if (len > 0 && (size_t)len < sizeof(head) &&
	    bytes_send(fd, head, (size_t)len) == 0)
		rc = text != NULL ? bytes_send(fd, text, strlen(text)) : 0;
	explicit_bzero(head, sizeof(head));
	free(text);
	return rc;
}

/* Byte by byte: what follows the head is the session's.  -1: it broke off. */
static int
head_read(int fd, char head[HEAD_MAX])
{
	size_t len = 0;
	ssize_t n;

	while (len < HEAD_MAX - 1) {
		n = read(fd, head + len, 1);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		head[++len] = '\0';
		if (len >= 4 && memcmp(head + len - 4, "\r\n\r\n", 4) == 0)
			return 0;
	}
	return -1;
}

/* {"id", "message"} behind the head of a refusal. */
static int
refusal_read(struct cli *cli, int fd, const char *head)
{
	const char *message = NULL, *at = strcasestr(head, "\nContent-Length:");
	size_t len = at != NULL ? strtoul(at + 16, NULL, 10) : 0, got = 0;
	char over[PAAS_ERRLEN], *text;
	json_t *json;
	ssize_t n = 1;

	if (len > ANSWER_MAX || (text = calloc(1, len + 1)) == NULL)
		return EXIT_REFUSED;
	while (got < len && (n = read(fd, text + got, len - got)) > 0)
		got += (size_t)n;
	json = json_loadb(text, got, 0, NULL);
	(void)json_unpack(json, "{s?s}", "message", &message);
	if (strncmp(head, "HTTP/1.1 401 ", 13) == 0 &&
	    http_token(cli->http) != NULL) {
		http_token_over(cli->http, over);
		message = over;
	}
	cli_error(cli, "%s",
	    message != NULL ? message
			    : "the manager refused and did not say why");
	json_decref(json);
	free(text);
	return EXIT_REFUSED;
}

int
session_lead_ends(struct cli *cli, const char *method, const char *path,
    const json_t *body, const struct session_ends *ends)
{
	char head[HEAD_MAX];
	pid_t helper;
	int fd, rc;

	if ((fd = manager_connect(cli, &helper)) == -1)
		return EXIT_UNREACHABLE;
	if (request_send(cli, fd, method, path, body) == -1 ||
	    head_read(fd, head) == -1) {
		cli_error(cli, "the connection to the manager broke off");
		rc = EXIT_REFUSED;
	} else if (strncmp(head, "HTTP/1.1 101 ", 13) != 0) {
		rc = refusal_read(cli, fd, head);
	} else {
		fflush(cli->out.file);
		rc = session_loop(cli, fd, ends);
	}
	if (helper != 0)
		tunnel_close(fd, helper);
	else
		close(fd);
	return rc;
}

int
session_lead(struct cli *cli, const char *method, const char *path,
    const json_t *body, int tty)
{
	const struct session_ends ends = {
	    STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, tty, tty, STDIN_FILENO};

	return session_lead_ends(cli, method, path, body, &ends);
}
