/*
 * A session for a client that speaks no session: bytes in TLS at one end, and
 * beside this process another one, that leads it with a pair of sockets for
 * a terminal.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/heroku/heroku.h"
#include "cli/session.h"
#include "cli/trust.h"

#define HELLO "rendezvous\r\n"
#define BLOCK 16384

/* After the command's end, until there is a sign that the input has ended. */
#define AWAIT_TURNS 10
#define AWAIT_MS    100

/* Ctrl-D: with it the program says that its input ends. */
#define INPUT_ENDS 0x04

struct pump {
	struct heroku_stream *client;
	int near;
	int tty;
	char block[BLOCK]; /* from the client, on its way */
	size_t at, len;
	int ended;       /* one of the two is */
	int gone;        /* it is the client */
	int input_ended; /* it has said that it sends no more */
};

/* ---- the session -------------------------------------------------------- */

/* One that the person at this machine looks at; the program sends no sizes. */
static int
window_find(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (isatty(fd))
			return fd;
	return -1;
}

static void
session_between(struct heroku *h, int fd, const char *path, int tty)
{
	struct session_ends ends = {.in = fd, .out = fd, .err = fd, .tty = tty};
	struct cli cli = *h->cli;

	ends.window = window_find();
	cli.http = http_socket(cli.http) != NULL
		       ? http_open(http_socket(cli.http))
		       : http_open_url(http_url(cli.http), http_token(cli.http),
			     &trust_platform);
	if (cli.http != NULL)
		(void)session_lead_ends(&cli, "GET", path, NULL, &ends);
}

static pid_t
session_start(struct heroku *h, const int pair[2], const char *path, int tty)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(pair[0]);
		if (getppid() == parent)
			session_between(h, pair[1], path, tty);
		_exit(0);
	}
	(void)close(pair[1]);
	return pid;
}

/* ---- the bytes ---------------------------------------------------------- */

static void
client_read(struct pump *p)
{
	ssize_t n = heroku_stream_read(p->client, p->block, BLOCK);

	p->at = p->len = 0;
	if (n <= 0) {
		p->ended = p->gone = 1;
		return;
	}
	p->input_ended = p->block[n - 1] == INPUT_ENDS;
	if (n == 1 && p->input_ended && !p->tty)
		(void)shutdown(p->near, SHUT_WR);
	else
		p->len = (size_t)n;
}

static void
near_write(struct pump *p)
{
	ssize_t n = send(p->near, p->block + p->at, p->len - p->at,
	    MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		p->at += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		p->at =
		    p->len; /* nobody takes it: what was said is heard yet */
}

static void
near_read(struct pump *p)
{
	char buf[BLOCK];
	ssize_t n = recv(p->near, buf, sizeof(buf), MSG_DONTWAIT);

	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		p->ended = 1;
	else if (n > 0 && heroku_stream_write(p->client, buf, (size_t)n) == -1)
		p->ended = p->gone = 1;
}

/*
 * The program breaks down if it is still to say that its input ends, and the
 * connection has: without a terminal, what it reads ends some time.
 */
static void
client_await(struct pump *p)
{
	struct pollfd pfd = {.fd = p->client->fd, .events = POLLIN};
	int turns;

	for (turns = 0; turns < AWAIT_TURNS && !p->gone && !p->input_ended &&
			!isatty(STDIN_FILENO);
	     turns++)
		if (heroku_stream_pending(p->client) ||
		    poll(&pfd, 1, AWAIT_MS) == 1)
			client_read(p);
}

/* While a block is on its way to a command that does not read, none is taken.
 */
static void
pump_turn(struct pump *p)
{
	int full = p->at < p->len;
	struct pollfd fds[] = {
	    {.fd = p->near, .events = (short)(POLLIN | (full ? POLLOUT : 0))},
	    {.fd = full ? -1 : p->client->fd, .events = POLLIN},
	};
	int more = !full && heroku_stream_pending(p->client);

	if (poll(fds, 2, more ? 0 : -1) == -1)
		return;
	if (fds[0].revents & POLLOUT)
		near_write(p);
	if (fds[0].revents & ~POLLOUT)
		near_read(p);
	if (!p->ended && !full && (more || fds[1].revents != 0))
		client_read(p);
}

void
heroku_rendezvous(struct heroku *h, struct heroku_stream *client, char *path)
{
	static struct pump p;
	char *query = strchr(path, '?');
	int pair[2];
	pid_t pid;

	p.client = client;
	p.tty = query != NULL && strcmp(query, "?tty") == 0;
	if (query != NULL)
		*query = '\0';
	/* A record by itself: the program takes its first one for this line. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1 ||
	    heroku_stream_write(client, HELLO, strlen(HELLO)) == -1 ||
	    (pid = session_start(h, pair, path, p.tty)) == -1)
		return;
	p.near = pair[0];
	while (!p.ended)
		pump_turn(&p);
	client_await(&p);
	/* Gone before its end, it is a client that went. */
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		continue;
}
