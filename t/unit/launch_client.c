/* sources: manager/node/launch.c manager/node/launch_args.c manager/node/launch_ops.c manager/node/launch_wire.c manager/common/log.c; libs: -lsystemd */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "node/launch.h"

/* The other end: a socket on which the test answers by hand. */
static char dir[] = "/tmp/paas-launch-XXXXXX";
static char path[sizeof(dir) + 16];
static sd_event *event;
static int listener = -1;
static int peer = -1;

/* Seconds that have gone by, as far as anybody here can tell. */
static time_t ahead;

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	int r = (int)syscall(SYS_clock_gettime, clock, ts);

	ts->tv_sec += ahead;
	return r;
}

struct seen {
	int calls;
	int error;
	uint32_t op;
	uint64_t id;
	int null;
};

static void
answered(int error, const struct launch_reply *reply, void *arg)
{
	struct seen *seen = arg;

	seen->calls++;
	seen->error = error;
	seen->null = reply == NULL;
	if (reply != NULL) {
		seen->op = reply->op;
		seen->id = reply->record.id;
	}
}

static void
count(void *arg)
{
	++*(int *)arg;
}

static void
loop(int times)
{
	while (times-- > 0)
		assert_true(sd_event_run(event, 20000) >= 0);
}

static void
listen_up(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	listener =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(listener >= 0);
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 4), 0);
}

static void
accept_one(void)
{
	int tries;

	for (tries = 0; peer == -1 && tries < 100; tries++) {
		loop(1);
		peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	}
	assert_true(peer >= 0);
}

/* A request, or 0 if there is none; *fd is the memfd, -1 for none. */
static int
request_get(struct launch_request *req, int *fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {req, sizeof(*req)};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.buf,
	    .msg_controllen = sizeof(control.buf)};
	struct cmsghdr *cmsg;
	ssize_t n;

	*fd = -1;
	n = recvmsg(peer, &msg, 0);
	if (n == -1 && errno == EAGAIN)
		return 0;
	assert_int_equal(n, sizeof(*req));
	assert_int_equal(req->version, LAUNCH_VERSION);
	if ((cmsg = CMSG_FIRSTHDR(&msg)) != NULL)
		memcpy(fd, CMSG_DATA(cmsg), sizeof(int));
	return 1;
}

static void
reply_send(
    const struct launch_request *req, uint32_t op, int error, uint64_t id)
{
	struct launch_reply reply = {.version = LAUNCH_VERSION,
	    .op = op,
	    .seq = req->seq,
	    .error = error,
	    .record = {.id = id}};

	assert_int_equal(send(peer, &reply, sizeof(reply), 0), sizeof(reply));
}

static struct launch *
client_open(launch_up_cb up, void *arg)
{
	char err[PAAS_ERRLEN];
	struct launch *l = launch_open(event, path, up, arg, err);

	assert_non_null(l);
	return l;
}

static int
start(struct launch *l, uint64_t id, struct seen *seen)
{
	char *argv[] = {(char *)"/.paas/run", (char *)"node x.js", NULL};
	char *envp[] = {(char *)"PORT=5000", (char *)"A=", NULL};
	struct launch_argv what = {.cwd = "/app", .argv = argv, .envp = envp};
	struct launch_start s = {.id = id, .kind = LAUNCH_APP, .slot = 7};

	return launch_start(l, &s, &what, answered, seen);
}

static void
starts_with_sealed_args(void **state)
{
	static const char want[] = "/app\0/.paas/run\0node x.js\0PORT=5000\0A=";
	struct launch_request req;
	struct launch_args head;
	struct seen seen = {0};
	struct launch *l;
	char text[sizeof(want) + 1];
	int fd, up = 0;

	(void)state;
	l = client_open(count, &up);
	assert_int_equal(start(l, 42, &seen), 0);
	accept_one();
	assert_int_equal(up, 1);
	assert_true(launch_connected(l));
	loop(3);
	assert_int_equal(request_get(&req, &fd), 1);
	assert_int_equal(req.op, LAUNCH_START);
	assert_int_equal(req.u.start.id, 42);
	assert_int_equal(req.u.start.slot, 7);
	assert_int_equal(fcntl(fd, F_GET_SEALS),
	    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	assert_int_equal(read(fd, &head, sizeof(head)), sizeof(head));
	assert_int_equal(head.magic, LAUNCH_ARGS_MAGIC);
	assert_int_equal(head.argc, 2);
	assert_int_equal(head.envc, 2);
	assert_int_equal(read(fd, text, sizeof(text)), sizeof(want));
	assert_memory_equal(text, want, sizeof(want));
	close(fd);
	reply_send(&req, LAUNCH_START, 0, 42);
	loop(2);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.error, 0);
	assert_int_equal(seen.id, 42);
	launch_close(l);
}

static void
eight_starts_at_once_others_pass(void **state)
{
	struct launch_request req, last;
	struct seen seen = {0}, other = {0};
	struct launch *l = client_open(NULL, NULL);
	int fd, i;

	(void)state;
	for (i = 0; i < 10; i++)
		assert_int_equal(start(l, 100 + (uint64_t)i, &seen), 0);
	assert_int_equal(launch_kill(l, 5, answered, &other), 0);
	accept_one();
	loop(3);
	for (i = 0; i < 8; i++) {
		assert_int_equal(request_get(&last, &fd), 1);
		assert_int_equal(last.u.start.id, 100 + i);
		close(fd);
	}
	assert_int_equal(request_get(&req, &fd), 1);
	assert_int_equal(req.op, LAUNCH_KILL);
	assert_int_equal(req.u.id, 5);
	assert_int_equal(request_get(&req, &fd), 0);
	reply_send(&last, LAUNCH_START, ENOSPC, 0);
	loop(3);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.error, ENOSPC);
	assert_int_equal(request_get(&req, &fd), 1);
	assert_int_equal(req.u.start.id, 108);
	close(fd);
	assert_int_equal(request_get(&req, &fd), 0);
	launch_close(l);
}

static void
list_in_pieces(void **state)
{
	struct launch_request req;
	struct seen seen = {0};
	struct launch *l = client_open(NULL, NULL);
	int fd;

	(void)state;
	assert_int_equal(launch_list(l, answered, &seen), 0);
	accept_one();
	loop(3);
	assert_int_equal(request_get(&req, &fd), 1);
	reply_send(&req, LAUNCH_LIST, 0, 1);
	reply_send(&req, LAUNCH_LIST, 0, 2);
	loop(3);
	assert_int_equal(seen.calls, 2);
	assert_int_equal(seen.op, LAUNCH_LIST);
	assert_int_equal(seen.id, 2);
	reply_send(&req, LAUNCH_END, 0, 0);
	loop(2);
	assert_int_equal(seen.calls, 3);
	assert_int_equal(seen.op, LAUNCH_END);

	/* Nobody waits for this one any more. */
	reply_send(&req, LAUNCH_END, 0, 0);
	loop(2);
	assert_int_equal(seen.calls, 3);
	launch_close(l);
}

static void
lost_connection(void **state)
{
	struct launch_request req;
	struct seen sent = {0}, waiting = {0}, forgotten = {0};
	struct launch *l;
	int fd, i, up = 0;

	(void)state;
	l = client_open(count, &up);
	assert_int_equal(launch_clean(l, 1, answered, &forgotten), 0);
	for (i = 0; i < 8; i++)
		assert_int_equal(start(l, 10, &sent), 0);
	assert_int_equal(start(l, 11, &waiting), 0);
	accept_one();
	loop(3);
	launch_forget(l, &forgotten);
	close(peer);
	peer = -1;
	loop(2);

	/* What was sent fails, what was not goes out anew. */
	assert_int_equal(sent.calls, 8);
	assert_int_equal(sent.error, ECONNRESET);
	assert_true(sent.null);
	assert_int_equal(waiting.calls, 0);
	assert_int_equal(forgotten.calls, 0);
	accept_one();
	assert_int_equal(up, 2);
	loop(3);
	assert_int_equal(request_get(&req, &fd), 1);
	assert_int_equal(req.u.start.id, 11);
	close(fd);
	assert_int_equal(request_get(&req, &fd), 0);
	launch_close(l);
}

struct lister {
	struct launch *l;
	struct seen seen;
};

static void
list_first(void *arg)
{
	struct lister *lister = arg;

	assert_int_equal(launch_list(lister->l, answered, &lister->seen), 0);
}

static void
asks_first_what_there_is(void **state)
{
	struct lister lister = {0};
	struct launch_request req;
	struct seen seen = {0};
	int fd;

	(void)state;
	lister.l = client_open(list_first, &lister);
	assert_int_equal(start(lister.l, 9, &seen), 0);
	accept_one();
	loop(3);
	assert_int_equal(request_get(&req, &fd), 1);
	assert_int_equal(req.op, LAUNCH_LIST);
	assert_int_equal(request_get(&req, &fd), 1);
	assert_int_equal(req.op, LAUNCH_START);
	close(fd);
	launch_close(lister.l);
}

static void
other_version(void **state)
{
	struct launch_reply reply = {.version = LAUNCH_VERSION + 1};
	struct seen seen = {0};
	struct launch *l = client_open(NULL, NULL);

	(void)state;
	assert_int_equal(launch_kill(l, 1, answered, &seen), 0);
	accept_one();
	loop(2);
	assert_int_equal(send(peer, &reply, sizeof(reply), 0), sizeof(reply));
	loop(2);
	assert_false(launch_connected(l));
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.error, ECONNRESET);
	launch_close(l);
}

static void
silence(void **state)
{
	struct launch_request kill, drop;
	struct seen seen = {0};
	struct launch *l = client_open(NULL, NULL);
	int fd;

	(void)state;
	assert_false(launch_answers(l));
	assert_int_equal(launch_kill(l, 1, answered, &seen), 0);
	assert_int_equal(launch_drop_cache(l, 1, answered, &seen), 0);
	accept_one();
	loop(3);
	assert_int_equal(request_get(&kill, &fd), 1);
	assert_int_equal(request_get(&drop, &fd), 1);
	assert_true(launch_answers(l));
	ahead = 20;
	assert_true(launch_connected(l));
	assert_false(launch_answers(l));
	reply_send(&kill, LAUNCH_KILL, 0, 1);
	loop(2);
	assert_int_equal(seen.calls, 1);
	/* What is left may take its time. */
	assert_true(launch_answers(l));
	ahead = 0;
	launch_close(l);
}

static void
too_much(void **state)
{
	struct seen seen = {0};
	struct launch *l = client_open(NULL, NULL);
	struct launch_start s = {.id = 1};
	char *big = malloc(LAUNCH_ARGS_MAX), *none[] = {NULL};
	char *argv[] = {(char *)"x", NULL}, *envp[] = {big, NULL};
	struct launch_argv what = {.cwd = "/app", .argv = argv, .envp = envp};

	(void)state;
	assert_non_null(big);
	memset(big, 'x', LAUNCH_ARGS_MAX - 1);
	big[LAUNCH_ARGS_MAX - 1] = '\0';
	assert_int_equal(launch_start(l, &s, &what, answered, &seen), -E2BIG);
	big[LAUNCH_ARGS_MAX - 1 - sizeof(struct launch_args) - 7] = '\0';
	assert_int_equal(launch_start(l, &s, &what, answered, &seen), 0);
	what.argv = none;
	assert_int_equal(launch_start(l, &s, &what, answered, &seen), -EINVAL);
	launch_close(l);
	assert_int_equal(seen.calls, 0);
	free(big);
}

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL || sd_event_new(&event) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/sock", dir);
	return 0;
}

static int
before(void **state)
{
	(void)state;
	listen_up();
	return 0;
}

static int
after(void **state)
{
	(void)state;
	if (peer != -1)
		close(peer);
	peer = -1;
	close(listener);
	return unlink(path);
}

static int
teardown(void **state)
{
	(void)state;
	sd_event_unref(event);
	return rmdir(dir);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, before, after)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(starts_with_sealed_args),
	    TEST(eight_starts_at_once_others_pass),
	    TEST(list_in_pieces),
	    TEST(lost_connection),
	    TEST(asks_first_what_there_is),
	    TEST(other_version),
	    TEST(silence),
	    TEST(too_much),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
