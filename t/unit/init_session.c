/* sources: manager/launcher/init_session.c manager/launcher/init_command.c manager/launcher/init_frames.c; libs: */
/*
 * Sessions as paas-init starts them, with real commands; the client is this
 * test, at the other end of a socket pair.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/init_session.h"

#define PATIENCE_MS 20000

static char *const env[] = {"PATH=/usr/bin:/bin", NULL};

struct client {
	int fd;
	pid_t pid;
	char said[64]; /* the types of its frames, without repetition */
	char out[65536];
	size_t len;
	int how, status; /* of SESSION_EXIT, -1 before */
};

static void
begin(struct client *c, const char *command, uint32_t flags)
{
	char *argv[] = {"sh", "-c", (char *)(uintptr_t)command, NULL};
	struct init_args args = {
	    .cwd = "/", .argv = argv, .envp = (char **)env, .flags = flags};
	sigset_t set;
	int pair[2];

	memset(c, 0, sizeof(*c));
	c->how = c->status = -1;
	/* As pid 1 has it. */
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	c->pid = session_start(pair[1], &args, 1);
	assert_true(c->pid > 0);
	close(pair[1]);
	c->fd = pair[0];
}

static void
say(struct client *c, enum session_type type, const void *data, size_t len)
{
	uint8_t head[SESSION_HEAD];

	session_head(head, type, len);
	assert_int_equal(send(c->fd, head, sizeof(head), MSG_NOSIGNAL), 4);
	if (len > 0)
		assert_int_equal(send(c->fd, data, len, MSG_NOSIGNAL), len);
}

static int
bytes(struct client *c, void *to, size_t len)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
		n = recv(c->fd, (char *)to + got, len - got, 0);
		if (n <= 0)
			return 0;
		got += (size_t)n;
	}
	return 1;
}

/* One frame; 0 at the end. */
static int
hear(struct client *c)
{
	uint8_t head[SESSION_HEAD], data[SESSION_MAX];
	size_t len, n = strlen(c->said);

	if (!bytes(c, head, sizeof(head)))
		return 0;
	assert_int_not_equal(session_length(head), -1);
	len = (size_t)session_length(head);
	assert_true(len == 0 || bytes(c, data, len));
	if (n == 0 || c->said[n - 1] != (char)head[0])
		c->said[n] = (char)head[0];
	if (head[0] == SESSION_EXIT) {
		c->how = data[0];
		c->status = data[1];
	} else if (head[0] != SESSION_KEEP) {
		assert_true(c->len + len < sizeof(c->out));
		memcpy(c->out + c->len, data, len);
		c->len += len;
		c->out[c->len] = '\0';
	}
	return 1;
}

/* To the end of the stream; the waitpid status of the session's process. */
static int
finish(struct client *c)
{
	int status;

	while (hear(c))
		;
	close(c->fd);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	return status;
}

static void
test_pipes(void **state)
{
	struct client c;
	int status;

	(void)state;
	begin(&c, "cat; echo more >&2; exit 7", 0);
	say(&c, SESSION_DATA, "one ", 4);
	say(&c, SESSION_KEEP, "", 0);
	say(&c, SESSION_DATA, "two ", 4);
	say(&c, SESSION_EOF, "", 0);
	status = finish(&c);
	assert_string_equal(c.out, "one two more\n");
	assert_string_equal(c.said, "dex");
	assert_int_equal(c.how, 0);
	assert_int_equal(c.status, 7);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void
test_frames_in_pieces(void **state)
{
	static const uint8_t frames[] = "d\0\0\3abcd\0\0\1\nz\0\0\0";
	struct client c;
	size_t i;

	(void)state;
	begin(&c, "cat", 0);
	for (i = 0; i < sizeof(frames) - 1; i++) {
		assert_int_equal(send(c.fd, frames + i, 1, MSG_NOSIGNAL), 1);
		(void)poll(NULL, 0, 2);
	}
	(void)finish(&c);
	assert_string_equal(c.out, "abc\n");
	assert_int_equal(c.status, 0);
}

/* It ends as its command did: what the shim is told is exact. */
static void
test_signals(void **state)
{
	static const uint8_t term = SIGTERM, kill9 = SIGKILL;
	struct client c;
	int status;

	(void)state;
	begin(&c, "echo up; exec sleep 600", 0);
	assert_true(hear(&c));
	say(&c, SESSION_SIGNAL, &kill9, 1); /* not one that is passed on */
	say(&c, SESSION_SIGNAL, &term, 1);
	status = finish(&c);
	assert_int_equal(c.how, 1);
	assert_int_equal(c.status, SIGTERM);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void
test_terminal(void **state)
{
	uint16_t size[2] = {htons(33), htons(44)};
	struct client c;

	(void)state;
	begin(&c, "stty size; read x; stty size; exit 2", LAUNCH_ARGS_TTY);
	/* Before there is a terminal it goes nowhere. */
	say(&c, SESSION_DATA, "lost\n", 5);
	say(&c, SESSION_WINDOW, size, 3);
	say(&c, SESSION_WINDOW, size, sizeof(size));
	while (strstr(c.out, "33 44\r\n") == NULL)
		assert_true(hear(&c));
	size[1] = htons(55);
	say(&c, SESSION_WINDOW, size, sizeof(size));
	say(&c, SESSION_DATA, "\n", 1);
	(void)finish(&c);
	assert_non_null(strstr(c.out, "33 55\r\n"));
	assert_int_equal(c.status, 2);
}

/* Whatever comes that is none: the command ends, and nothing else. */
static void
test_garbage(void **state)
{
	static const char *const garbage[] = {
	    "d\1\0\1x", "d\0\377\377", "GET / HTTP/1.1\r\n\r\n"};
	static const size_t lens[] = {5, 4, 18};
	struct client c;
	int status;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		begin(&c, "exec sleep 600", 0);
		assert_int_equal(
		    send(c.fd, garbage[i], lens[i], MSG_NOSIGNAL), lens[i]);
		status = finish(&c);
		assert_int_equal(c.status, -1);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
	}
}

/* Also what left its group, and heeds no SIGHUP. */
static void
test_client_goes(void **state)
{
	struct client c;
	int status;
	pid_t left;

	(void)state;
	begin(&c, "trap '' HUP; setsid sleep 600 & echo $!; wait", 0);
	assert_true(hear(&c));
	left = (pid_t)strtol(c.out, NULL, 10);
	assert_true(left > 1 && kill(left, 0) == 0);
	close(c.fd);
	assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(kill(left, 0), -1);
}

static void
test_no_such_command(void **state)
{
	char *argv[] = {"/there/is/none", NULL};
	struct init_args args = {
	    .cwd = "/", .argv = argv, .envp = (char **)env, .flags = 0};
	struct client c;
	int pair[2];

	(void)state;
	memset(&c, 0, sizeof(c));
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	c.fd = pair[0];
	c.pid = session_start(pair[1], &args, 1);
	close(pair[1]);
	(void)finish(&c);
	assert_int_equal(c.status, 127);
	assert_string_equal(
	    c.out, "paas: /there/is/none: No such file or directory\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pipes),
	    cmocka_unit_test(test_frames_in_pieces),
	    cmocka_unit_test(test_signals),
	    cmocka_unit_test(test_terminal),
	    cmocka_unit_test(test_garbage),
	    cmocka_unit_test(test_client_goes),
	    cmocka_unit_test(test_no_such_command),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
