/*
 * A client of paas-launcher for tests, one request a call:
 *
 *   launchctl SOCKET start KEY=VALUE... -- ARGV...
 *   launchctl SOCKET signal ID SIGNO | kill ID | clean ID | list
 *   launchctl SOCKET seal BUILD HASH | discard BUILD | drop-slug HASH |
 *       drop-tree HASH |
 *       drop-cache APP | raw BYTES | descriptors N
 *
 * Ids are hexadecimal.  Prints "ok ..." (a start with sent=NANOSECONDS) or
 * "error NAME step N"; the exit status is 0 or 1.  `memfd=none|unsealed|file`
 * spoils a start on purpose.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <bsd/string.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "launcher/protocol.h"

static const char *spoil = "";
static const char *envs[64];
static uint32_t nenvs;
static const char *cwd = "/";

static int
connect_to(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd;

	strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd == -1 || connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		err(2, "%s", path);
	return fd;
}

static void
put(int fd, const void *bytes, size_t len)
{
	if (write(fd, bytes, len) != (ssize_t)len)
		err(2, "memfd");
}

static int
args_make(char **argv)
{
	struct launch_args head = {LAUNCH_ARGS_MAGIC, 0, 0, nenvs};
	uint32_t i;
	int fd;

	if (strcmp(spoil, "none") == 0)
		return -1;
	if (strcmp(spoil, "file") == 0)
		return open("/tmp", O_PATH | O_DIRECTORY);
	while (argv[head.argc] != NULL)
		head.argc++;
	fd = memfd_create("args", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		err(2, "memfd");
	put(fd, &head, sizeof(head));
	put(fd, cwd, strlen(cwd) + 1);
	for (i = 0; i < head.argc; i++)
		put(fd, argv[i], strlen(argv[i]) + 1);
	for (i = 0; i < nenvs; i++)
		put(fd, envs[i], strlen(envs[i]) + 1);
	if (strcmp(spoil, "unsealed") != 0 &&
	    fcntl(fd, F_ADD_SEALS,
		F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == -1)
		err(2, "seals");
	return fd;
}

static void
hash_parse(uint8_t hash[LAUNCH_HASH], const char *text)
{
	unsigned int byte;
	size_t i;

	if (strlen(text) != 2 * LAUNCH_HASH)
		errx(2, "a hash has 64 digits");
	for (i = 0; i < LAUNCH_HASH; i++) {
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			errx(2, "not a hash: %s", text);
		hash[i] = (uint8_t)byte;
	}
}

static uint64_t
id(const char *text)
{
	return text == NULL ? 0 : strtoull(text, NULL, 16);
}

static int
start_key(struct launch_start *s, const char *key, const char *value)
{
	static const char *const kinds[] = {
	    "", "app", "build", "inspect", "unpack"};
	uint64_t n = strtoull(value, NULL, 0);
	uint32_t i;

	if (strcmp(key, "id") == 0)
		s->id = id(value);
	else if (strcmp(key, "app") == 0)
		s->app = id(value);
	else if (strcmp(key, "build") == 0)
		s->build = id(value);
	else if (strcmp(key, "slug") == 0)
		hash_parse(s->slug, value);
	else if (strcmp(key, "slot") == 0)
		s->slot = (uint32_t)n;
	else if (strcmp(key, "memory") == 0)
		s->memory = n;
	else if (strcmp(key, "tmp") == 0)
		s->tmp = n;
	else if (strcmp(key, "log_max") == 0)
		s->log_max = n;
	else if (strcmp(key, "log_rate") == 0)
		s->log_rate = (uint32_t)n;
	else if (strcmp(key, "pids") == 0)
		s->pids = (uint32_t)n;
	else if (strcmp(key, "files") == 0)
		s->files = (uint32_t)n;
	else if (strcmp(key, "swap") == 0)
		s->swap = n;
	else if (strcmp(key, "cpu") == 0)
		s->cpu_quota = (uint32_t)n;
	else if (strcmp(key, "weight") == 0)
		s->cpu_weight = (uint32_t)n;
	else if (strcmp(key, "root_uid") == 0)
		s->root_uid = (uint32_t)n;
	else if (strcmp(key, "cwd") == 0)
		cwd = value;
	else if (strcmp(key, "env") == 0 && nenvs < 64)
		envs[nenvs++] = value;
	else if (strcmp(key, "memfd") == 0)
		spoil = value;
	else if (strcmp(key, "kind") == 0)
		for (i = 1; i < LAUNCH_KINDS; i++)
			s->kind = strcmp(kinds[i], value) == 0 ? i : s->kind;
	else
		return -1;
	return 0;
}

static int
start_parse(struct launch_start *s, char **argv)
{
	char *value;

	*s = (struct launch_start){.app = 1,
	    .kind = LAUNCH_APP,
	    .memory = 128ULL << 20,
	    .tmp = 16ULL << 20,
	    .log_max = 1ULL << 20,
	    .log_rate = 10U << 20,
	    .cpu_weight = 100,
	    .pids = 64,
	    .files = 1024};
	for (; *argv != NULL && strcmp(*argv, "--") != 0; argv++) {
		if ((value = strchr(*argv, '=')) == NULL)
			errx(2, "not KEY=VALUE: %s", *argv);
		*value++ = '\0';
		if (start_key(s, *argv, value) == -1)
			errx(2, "no such key: %s", *argv);
	}
	return args_make(*argv == NULL ? argv : argv + 1);
}

#define SENT_MAX 8

/* With n times the descriptor. */
static void
request_send(int fd, const void *bytes, size_t len, int memfd, size_t n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(SENT_MAX * sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)bytes, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;
	size_t i;

	if (memfd != -1 && n <= SENT_MAX) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		for (i = 0; i < n; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &memfd,
			    sizeof(int));
	}
	if (sendmsg(fd, &msg, 0) == -1)
		err(2, "send");
}

static void
record_print(const char *word, const struct launch_record *r, uint64_t sent)
{
	printf("%s id=%016" PRIx64 " app=%" PRIx64 " build=%" PRIx64
	       " kind=%" PRIu32 " slot=%" PRIu32 " state=%" PRIu32
	       " pid=%" PRId32,
	    word, r->id, r->app, r->build, r->kind, r->slot, r->state, r->pid);
	if (sent != 0)
		printf(" sent=%" PRIu64, sent);
	printf("\n");
}

/* CLOCK_MONOTONIC in nanoseconds. */
static uint64_t
monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int
replies_read(int fd, uint32_t op, uint64_t sent)
{
	struct launch_reply reply;
	ssize_t n;

	for (;;) {
		n = recv(fd, &reply, sizeof(reply), 0);
		if (n != (ssize_t)sizeof(reply))
			errx(2, "the connection was closed");
		if (reply.error != 0) {
			printf("error %s step %u\n",
			    strerrorname_np(reply.error), reply.step);
			return 1;
		}
		if (op == LAUNCH_LIST && reply.op == LAUNCH_LIST) {
			record_print("record", &reply.record, 0);
			continue;
		}
		if (op == LAUNCH_START)
			record_print("ok", &reply.record, sent);
		else
			printf("ok\n");
		return 0;
	}
}

static const struct {
	const char *name;
	uint32_t op;
} ops[] = {
    {"start", LAUNCH_START},
    {"signal", LAUNCH_SIGNAL},
    {"kill", LAUNCH_KILL},
    {"list", LAUNCH_LIST},
    {"clean", LAUNCH_CLEAN},
    {"seal", LAUNCH_SEAL},
    {"discard", LAUNCH_DISCARD},
    {"drop-slug", LAUNCH_DROP_SLUG},
    {"drop-tree", LAUNCH_DROP_TREE},
    {"drop-cache", LAUNCH_DROP_CACHE},
    {"repository", LAUNCH_REPOSITORY},
    {"empty-cache", LAUNCH_EMPTY_CACHE},
};

static int
request_make(struct launch_request *q, char **argv)
{
	int memfd = -1;

	switch (q->op) {
	case LAUNCH_START:
		memfd = start_parse(&q->u.start, argv);
		break;
	case LAUNCH_SIGNAL:
		q->u.signal.id = id(argv[0]);
		q->u.signal.signo = argv[1] == NULL ? 0 : atoi(argv[1]);
		break;
	case LAUNCH_SEAL:
		q->u.seal.build = id(argv[0]);
		hash_parse(q->u.seal.hash, argv[1] == NULL ? "" : argv[1]);
		break;
	case LAUNCH_DROP_SLUG:
	case LAUNCH_DROP_TREE:
		hash_parse(q->u.seal.hash, argv[0] == NULL ? "" : argv[0]);
		break;
	default:
		q->u.id = id(argv[0]);
		break;
	}
	return memfd;
}

int
main(int argc, char **argv)
{
	struct launch_request q = {.version = LAUNCH_VERSION, .seq = 7};
	uint64_t sent;
	size_t i;
	int fd, memfd;

	if (argc < 3)
		errx(2, "launchctl SOCKET VERB ...");
	fd = connect_to(argv[1]);
	if (strcmp(argv[2], "raw") == 0) {
		request_send(fd, argv[3], strlen(argv[3]), -1, 0);
		return replies_read(fd, 0, 0);
	}
	if (strcmp(argv[2], "descriptors") == 0) {
		q.op = LAUNCH_KILL;
		q.u.id = 1;
		request_send(fd, &q, sizeof(q), fd, (size_t)atoi(argv[3]));
		return replies_read(fd, 0, 0);
	}
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (strcmp(ops[i].name, argv[2]) == 0)
			q.op = ops[i].op;
	}
	memfd = request_make(&q, argv + 3);
	sent = monotonic_ns();
	request_send(fd, &q, sizeof(q), memfd, 1);
	return replies_read(fd, q.op, sent);
}
