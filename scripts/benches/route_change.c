/*
 * From a commit to the route database until nginx obeys it, in microseconds.
 *
 *	route_change change DIR PORT HOST WORKERS ROUNDS POOL POOL
 *	route_change hold DIR PORT HOST REQUESTS ROUNDS POOL INSTANCE PORT
 *
 * change: a commit leads HOST to the one pool and to the other in turn; from
 * its end on, requests are made in every worker until each has answered from
 * the new one.  hold: REQUESTS wait for POOL, which a commit then gives an
 * instance at 127.0.0.1:PORT; each line is how long one of them took to be
 * answered.  The server's responses say "X-Pool: POOL" and "X-Pid: PID".
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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
		uint64_t from;

		/* some of the time since the last one is in any cache's ms */
		usleep(2000 + (useconds_t)arc4random_uniform(3000));
		commit_host(b, pools[i & 1]);
		from = now_us();
		while (!all_obey(b, pools[i & 1]))
			;
		printf("%" PRIu64 "\n", now_us() - from);
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

static void
bench_hold(struct bench *b, char **words)
{
	uint64_t pool = strtoull(words[0], NULL, 10);
	uint16_t port = (uint16_t)strtoul(words[2], NULL, 10);
	paas_routedb_instance_t inst = {.id = strtoull(words[1], NULL, 10),
	    .addr = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1},
	    .port = port,
	    .weight = 100};

	for (int i = 0; i < b->nconns; i++)
		conn_open(b, &b->conns[i]);
	for (int i = 0; i < b->rounds; i++) {
		uint64_t from;

		commit_pool(b, pool, NULL);
		for (int n = 0; n < b->nconns; n++)
			conn_ask(b, &b->conns[n]);
		usleep(30000 + (useconds_t)arc4random_uniform(5000));
		inst.id++;
		commit_pool(b, pool, &inst);
		from = now_us();
		for (int n = 0; n < b->nconns; n++) {
			conn_answer(&b->conns[n]);
			printf("%" PRIu64 "\n", now_us() - from);
		}
	}
}

static const struct mode {
	const char *name;
	int nwords;
	void (*run)(struct bench *, char **);
} modes[] = {
    {"change", 9, bench_change},
    {"hold", 10, bench_hold},
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
