/* A process for each connection: whoever is slow holds up nobody. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/heroku/heroku.h"

#define CONNECTIONS_MAX 64 /* more wait */

struct proxy {
	struct heroku *heroku;
	pid_t program;
	pid_t busy[CONNECTIONS_MAX];
	int nbusy;
	int ended;
	int status;
};

/* ---- one connection ---------------------------------------------------- */

int
heroku_key_is(const struct heroku *h, const char *text)
{
	return strlen(text) == HEROKU_KEY - 1 &&
	       sodium_memcmp(text, h->key, HEROKU_KEY - 1) == 0;
}

int
heroku_key_leads(const struct heroku *h, const char *text)
{
	return text[0] == '~' && strnlen(text, HEROKU_KEY) == HEROKU_KEY &&
	       sodium_memcmp(text + 1, h->key, HEROKU_KEY - 1) == 0;
}

/* "~KEY/..." and a line's end: no request of HTTP begins like that. */
static int
line_is_rendezvous(struct heroku *h, char *line)
{
	char *end = strpbrk(line, "\r\n");

	if (end == NULL || !heroku_key_leads(h, line) ||
	    line[HEROKU_KEY] != '/')
		return 0;
	*end = '\0';
	return 1;
}

static void
connection_serve(struct heroku *h, int fd)
{
	static char head[HEROKU_HEAD_MAX];
	struct heroku_stream s;
	int one = 1, read;
	size_t len = 0;
	ssize_t n;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (heroku_stream_open(&s, h, fd) == -1)
		return;
	/* A line first: what is behind a rendezvous' is not to be awaited. */
	do {
		n = heroku_stream_read(&s, head + len, sizeof(head) - 1 - len);
		if (n <= 0)
			return;
		len += (size_t)n;
		head[len] = '\0';
		read = strchr(head, '\n') != NULL;
	} while (!read && len < sizeof(head) - 1);
	if (s.tls != NULL && line_is_rendezvous(h, head))
		heroku_rendezvous(h, &s, head + HEROKU_KEY);
	else
		heroku_http(h, &s, head, len);
	heroku_stream_close(&s);
}

/* It goes with the process that has started it. */
static void
connection_start(struct proxy *p, int fd)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)signal(SIGPIPE, SIG_IGN);
		if (getppid() == parent)
			connection_serve(p->heroku, fd);
		_exit(0);
	}
	if (pid > 0)
		p->busy[p->nbusy++] = pid;
}

static void
connection_accept(struct proxy *p)
{
	int fd = accept4(p->heroku->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd == -1)
		return;
	connection_start(p, fd);
	(void)close(fd);
}

/* ---- all of them ------------------------------------------------------- */

int
heroku_proxy_open(struct heroku *h, char err[PAAS_ERRLEN])
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	sigset_t heeded;

	h->listener =
	    socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (h->listener == -1 ||
	    bind(h->listener, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(h->listener, CONNECTIONS_MAX) == -1 ||
	    getsockname(h->listener, (struct sockaddr *)&sin, &len) == -1) {
		snprintf(err, PAAS_ERRLEN,
		    "no port of this machine is to be had: %s",
		    strerror(errno));
		return -1;
	}
	h->port = ntohs(sin.sin_port);
	sigemptyset(&heeded);
	sigaddset(&heeded, SIGCHLD);
	sigaddset(&heeded, SIGINT);
	sigaddset(&heeded, SIGQUIT);
	sigaddset(&heeded, SIGTERM);
	sigaddset(&heeded, SIGHUP);
	sigprocmask(SIG_BLOCK, &heeded, &h->mask);
	h->signals = signalfd(-1, &heeded, SFD_CLOEXEC | SFD_NONBLOCK);
	if (h->signals != -1)
		return 0;
	snprintf(err, PAAS_ERRLEN, "signals: %s", strerror(errno));
	return -1;
}

static void
children_reap(struct proxy *p)
{
	int status, i;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == p->program) {
			p->ended = 1;
			p->status = WIFEXITED(status) ? WEXITSTATUS(status)
						      : 128 + WTERMSIG(status);
			continue;
		}
		for (i = 0; i < p->nbusy; i++)
			if (p->busy[i] == pid)
				p->busy[i] = p->busy[--p->nbusy];
	}
}

/* A key at the terminal reaches the program by itself, a kill does not. */
static void
signals_heed(struct proxy *p)
{
	struct signalfd_siginfo si;

	while (
	    read(p->heroku->signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			children_reap(p);
		else if (si.ssi_code <= 0 && !p->ended)
			(void)kill(p->program, (int)si.ssi_signo);
	}
}

int
heroku_proxy_run(struct heroku *h, pid_t program)
{
	struct proxy p = {.heroku = h, .program = program};
	struct pollfd fds[] = {
	    {.fd = h->signals, .events = POLLIN}, {.events = POLLIN}};
	int i;

	children_reap(&p);
	while (!p.ended) {
		fds[1].fd = p.nbusy < CONNECTIONS_MAX ? h->listener : -1;
		if (poll(fds, 2, -1) == -1)
			continue;
		if (fds[0].revents != 0)
			signals_heed(&p);
		if (fds[1].revents != 0)
			connection_accept(&p);
	}
	for (i = 0; i < p.nbusy; i++)
		(void)kill(p.busy[i], SIGKILL);
	return p.status;
}
