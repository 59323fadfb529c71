/*
 * From a commit to the route database until nginx obeys it, in microseconds.
 *
 *	route_change change DIR PORT HOST WORKERS ROUNDS POOL POOL
 *	route_change hold DIR PORT HOST REQUESTS ROUNDS POOL INSTANCE
 *
 * Each line has two times since the end of a commit.
 *
 * change: a commit leads HOST to the one pool and to the other in turn; from
 * its end on, a request is made in every worker, again and again, until each
 * answers from the new one: when those requests were sent, and when the last
 * answer was there.  hold: REQUESTS wait for POOL, which a commit then gives
 * an instance, this program: when the instance had a request, and when its
 * answer was there, the first ones, the second ones, and so on.  The server's
 * responses say "X-Pool: POOL" and "X-Pid: PID".
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "paas_routedb.h"

#define CONNS_MAX 64
#define TRIES_MAX 1000 /* connections until every worker has taken one */

struct conn {
	int fd;
	long pid; /* of the worker that has it */
	uint64_t pool;
};

struct bench {
	paas_routedb_writer_t *writer;
	const char *host;
	char request[512];
	uint16_t port;
	int rounds, nconns;
	struct conn conns[CONNS_MAX];
};

static uint64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void
check(int rc, const char *what)
{
	if (rc != PAAS_ROUTEDB_OK)
		errx(1, "%s: %s", what, paas_routedb_strerror(rc));
}

static paas_routedb_str_t
str(const char *s)
{
	return (paas_routedb_str_t){(const uint8_t *)s, strlen(s)};
}

static void
print_times(uint64_t first, uint64_t second)
{
	printf("%" PRIu64 " %" PRIu64 "\n", first, second);
}

/* ---- requests -------------------------------------------------------- */

static void
conn_open(struct bench *b, struct conn *c)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
	    .sin_port = htons(b->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (c->fd == -1 ||
	    connect(c->fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		err(1, "connect");
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void
conn_ask(struct bench *b, struct conn *c)
{
	size_t len = strlen(b->request);

	if (write(c->fd, b->request, len) != (ssize_t)len)
		err(1, "write");
}

/* The number in a header's line, or 0. */
static uint64_t
header(const char *head, const char *name, int base)
{
	const char *p = strcasestr(head, name);

	return p == NULL ? 0 : strtoull(p + strlen(name), NULL, base);
}

static void
conn_answer(struct conn *c)
{
	char buf[8192];
	size_t len = 0, want;
	ssize_t n;
	const char *end;

	do {
		n = read(c->fd, buf + len, sizeof(buf) - 1 - len);
		if (n <= 0)
			errx(1, "the connection is closed");
		len += (size_t)n;
		buf[len] = '\0';
		end = strstr(buf, "\r\n\r\n");
		want = end == NULL
			   ? sizeof(buf)
			   : (size_t)(end + 4 - buf) +
				 header(buf, "\r\nContent-Length: ", 10);
	} while (len < want);
	if (strncmp(buf, "HTTP/1.1 200", 12) != 0)
		errx(1, "%s", buf);
	c->pid = (long)header(buf, "\r\nX-Pid: ", 10);
	c->pool = header(buf, "\r\nX-Pool: ", 16);
}

/* ---- a route that changes -------------------------------------------- */

/* One connection in each of n workers. */
static void
reach_workers(struct bench *b, int n)
{
	b->nconns = 0;
	for (int tries = 0; b->nconns < n; tries++) {
		struct conn *c = &b->conns[b->nconns];
		int known = 0;

		if (tries == TRIES_MAX)
			errx(1, "%d of %d workers answer", b->nconns, n);
		conn_open(b, c);
		conn_ask(b, c);
		conn_answer(c);
		for (int i = 0; i < b->nconns; i++)
			known |= b->conns[i].pid == c->pid;
		if (known)
			close(c->fd);
		else
			b->nconns++;
	}
}

static void
commit_host(struct bench *b, uint64_t pool)
{
	paas_routedb_path_t path = {.prefix = str("/"),
	    .ntargets = 1,
	    .targets = {{.pool = pool, .weight = 1}}};

	check(paas_routedb_write_begin(b->writer), "begin");
	check(paas_routedb_put_host(b->writer, str(b->host), &path, 1), "host");
	check(paas_routedb_commit(b->writer), "commit");
}

static int
all_obey(struct bench *b, uint64_t pool)
{
	int n = 0;

	for (int i = 0; i < b->nconns; i++)
		conn_ask(b, &b->conns[i]);
	for (int i = 0; i < b->nconns; i++) {
		conn_answer(&b->conns[i]);
		n += b->conns[i].pool == pool;
	}
	return n == b->nconns;
}

static void
bench_change(struct bench *b, char **words)
{
	uint64_t pools[2] = {
	    strtoull(words[0], NULL, 10), strtoull(words[1], NULL, 10)};

	reach_workers(b, b->nconns);
	for (int i = 0; i < b->rounds; i++) {
		uint64_t from, sent;

		/* some of the time since the last one is in any cache's ms */
		usleep(2000 + (useconds_t)arc4random_uniform(3000));
		commit_host(b, pools[i & 1]);
		from = now_us();
		do
			sent = now_us();
		while (!all_obey(b, pools[i & 1]));
		print_times(sent - from, now_us() - from);
	}
}

/* ---- requests that wait ---------------------------------------------- */

static void
commit_pool(struct bench *b, uint64_t id, const paas_routedb_instance_t *inst)
{
	paas_routedb_pool_t pool = {.id = id,
	    .app = str("held"),
	    .type = str("web"),
	    .hold = 20000,
	    .home = str(b->host),
	    .state =
		inst == NULL ? PAAS_ROUTEDB_STARTING : PAAS_ROUTEDB_RUNNING,
	    .ninstances = inst == NULL ? 0 : 1};

	check(paas_routedb_write_begin(b->writer), "begin");
	check(paas_routedb_put_pool(b->writer, &pool, inst), "pool");
	check(paas_routedb_commit(b->writer), "commit");
}

/* A socket that listens; its port is the instance's. */
static int
instance_listen(paas_routedb_instance_t *inst)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd == -1 || bind(fd, (struct sockaddr *)&sin, len) == -1 ||
	    listen(fd, CONNS_MAX) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		err(1, "listen");
	inst->port = ntohs(sin.sin_port);
	return fd;
}

/* One of the instance's connections has a request: it is the last one. */
static void
instance_answer(int fd)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
				     "Connection: close\r\n\r\n";
	char buf[8192];

	if (read(fd, buf, sizeof(buf)) <= 0 ||
	    write(fd, answer, sizeof(answer) - 1) != sizeof(answer) - 1)
		err(1, "the instance's connection");
	close(fd);
}

/*
 * Both ends of those that waited.  Polled are the instance's socket and
 * connections first, then the clients'.
 */
static void
serve_held(struct bench *b, int listener, uint64_t from)
{
	struct pollfd fds[1 + 2 * CONNS_MAX];
	uint64_t arrived[CONNS_MAX], answered[CONNS_MAX];
	int n = b->nconns, narrived = 0, nanswered = 0;

	for (int i = 0; i < 1 + 2 * n; i++)
		fds[i] = (struct pollfd){-1, POLLIN, 0};
	fds[0].fd = listener;
	for (int i = 0; i < n; i++)
		fds[1 + n + i].fd = b->conns[i].fd;
	while (nanswered < n) {
		if (poll(fds, (nfds_t)(1 + 2 * n), 20000) <= 0)
			errx(1, "%d of %d are answered", nanswered, n);
		/* what has arrived does not wait until others are answered */
		for (int i = 1; i <= n; i++)
			if (fds[i].fd != -1 && fds[i].revents != 0)
				arrived[narrived++] = now_us() - from;
		for (int i = 1; i <= n; i++)
			if (fds[i].fd != -1 && fds[i].revents != 0) {
				instance_answer(fds[i].fd);
				fds[i].fd = -1;
			}
		for (int i = 1 + n; i < 1 + 2 * n; i++)
			if (fds[i].fd != -1 && fds[i].revents != 0) {
				conn_answer(&b->conns[i - 1 - n]);
				answered[nanswered++] = now_us() - from;
				fds[i].fd = -1;
			}
		/* all that are there: the next ones must not wait for us */
		for (int i = 1; i <= n && fds[0].revents != 0; i++)
			if (fds[i].fd == -1) {
				fds[i].fd = accept(listener, NULL, NULL);
				fds[i].revents = 0;
				if (fds[i].fd == -1)
					break;
			}
	}
	for (int i = 0; i < n; i++)
		print_times(arrived[i], answered[i]);
}

static void
bench_hold(struct bench *b, char **words)
{
	uint64_t pool = strtoull(words[0], NULL, 10), from;
	paas_routedb_instance_t inst = {.id = strtoull(words[1], NULL, 10),
	    .addr = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1},
	    .weight = 100};
	int listener = instance_listen(&inst);

	for (int i = 0; i < b->nconns; i++)
		conn_open(b, &b->conns[i]);
	for (int i = 0; i < b->rounds; i++) {
		commit_pool(b, pool, NULL);
		for (int n = 0; n < b->nconns; n++)
			conn_ask(b, &b->conns[n]);
		usleep(30000 + (useconds_t)arc4random_uniform(5000));
		inst.id++;
		commit_pool(b, pool, &inst);
		from = now_us();
		serve_held(b, listener, from);
	}
	close(listener);
}

static const struct mode {
	const char *name;
	int nwords;
	void (*run)(struct bench *, char **);
} modes[] = {
    {"change", 9, bench_change},
    {"hold", 9, bench_hold},
};

int
main(int argc, char **argv)
{
	struct bench b = {0};
	const struct mode *m = NULL;
	int wait;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (argc == modes[i].nwords &&
		    strcmp(argv[1], modes[i].name) == 0)
			m = &modes[i];
	if (m == NULL)
		errx(2, "usage: see the top of route_change.c");
	b.port = (uint16_t)strtoul(argv[3], NULL, 10);
	b.host = argv[4];
	b.nconns = atoi(argv[5]);
	b.rounds = atoi(argv[6]);
	if (b.nconns < 1 || b.nconns > CONNS_MAX)
		errx(2, "1 to %d, not %s", CONNS_MAX, argv[5]);
	snprintf(b.request, sizeof(b.request),
	    "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", b.host);
	check(paas_routedb_writer_open(&b.writer, argv[2], 0), argv[2]);
	check(paas_routedb_writer_nosync(b.writer, 1), "nosync");
	while ((wait = paas_routedb_writer_wait(b.writer)) > 0)
		usleep((useconds_t)wait * 1000);
	m->run(&b, argv + 7);
	paas_routedb_writer_close(b.writer);
	return 0;
}
