/* sources: manager/launcher/shim_log.c manager/launcher/shim_exit.c manager/launcher/init_args.c; libs: */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "launcher/init_args.h"
#include "launcher/protocol.h"
#include "launcher/shim.h"

static struct shim_log logs;
static struct shim_stream stream;
static char path[64];
static int dir;

static int
setup(void **state)
{
	(void)state;
	strcpy(path, "/tmp/paas-shim-XXXXXX");
	if (mkdtemp(path) == NULL)
		return -1;
	dir = open(path, O_RDONLY | O_DIRECTORY);
	memset(&logs, 0, sizeof(logs));
	memset(&stream, 0, sizeof(stream));
	stream.kind = 'o';
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlinkat(dir, "00000000000000ab.log", 0);
	unlinkat(dir, "00000000000000ab.log.1", 0);
	unlinkat(dir, "00000000000000ab", 0);
	close(dir);
	close(logs.fd);
	return rmdir(path);
}

static void
open_log(uint64_t max, uint64_t rate)
{
	assert_int_equal(
	    shim_log_open(&logs, dir, "00000000000000ab", max, rate), 0);
}

static char *
slurp(const char *name)
{
	static char buf[1 << 20];
	int fd = openat(dir, name, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, buf, sizeof(buf) - 1);
	assert_true(n >= 0);
	buf[n] = '\0';
	close(fd);
	return buf;
}

/* "o first\no second\n": without the times, which have 28 bytes. */
static char *
text(void)
{
	char *in = slurp("00000000000000ab.log"), *out = in, *p, *end;

	for (p = in; *p != '\0'; p = end + 1) {
		end = strchr(p, '\n');
		assert_non_null(end);
		assert_true(end - p >= 30);
		assert_int_equal(p[19], '.');
		assert_int_equal(p[26], 'Z');
		memmove(out, p + 28, (size_t)(end + 1 - (p + 28)));
		out += end + 1 - (p + 28);
	}
	*out = '\0';
	return in;
}

static void
feed(const char *bytes)
{
	shim_log_bytes(&logs, &stream, bytes, strlen(bytes));
}

static void
test_lines(void **state)
{
	(void)state;
	open_log(1 << 20, 1 << 20);
	feed("one\ntw");
	feed("o\n\nthr");
	feed("ee");
	shim_log_finish(&logs, &stream);
	shim_log_flush(&logs);
	assert_string_equal(text(), "o one\no two\no \no three\n");
}

static void
test_long(void **state)
{
	char *line = malloc(2 * SHIM_LINE + 2), *out;

	(void)state;
	assert_non_null(line);
	open_log(1 << 20, 1 << 20);
	memset(line, 'x', 2 * SHIM_LINE);
	line[SHIM_LINE] = '\n';
	line[SHIM_LINE + 1] = '\0';
	feed(line); /* as long as may be: whole */
	line[SHIM_LINE] = 'y';
	line[SHIM_LINE + 1] = '\n';
	line[SHIM_LINE + 2] = '\0';
	feed(line); /* one more: two pieces */
	shim_log_flush(&logs);
	out = text();
	assert_int_equal(strlen(out), 2 * (SHIM_LINE + 3) + 4);
	assert_string_equal(out + 2 * (SHIM_LINE + 3), "o y\n");
	free(line);
}

static void
test_rate(void **state)
{
	char line[1001];
	int i;

	(void)state;
	open_log(1 << 20, 10000);
	memset(line, 'x', 999);
	line[999] = '\n';
	line[1000] = '\0';
	for (i = 0; i < 100; i++)
		feed(line);
	assert_true(logs.lost > 50 && logs.lost < 95);
	assert_int_equal(logs.dropped, logs.lost);
	shim_log_report(&logs);
	assert_int_equal(logs.dropped, 0);
	shim_log_flush(&logs);
	assert_non_null(strstr(text(), "\np "));
}

static void
test_rotate(void **state)
{
	char line[101];
	int i;

	(void)state;
	open_log(65536, 1 << 20);
	memset(line, 'x', 99);
	line[99] = '\n';
	line[100] = '\0';
	for (i = 0; i < 600; i++) {
		feed(line);
		shim_log_flush(&logs);
	}
	assert_true(strlen(slurp("00000000000000ab.log")) <= 32768);
	assert_true(strlen(slurp("00000000000000ab.log.1")) <= 32768);
	assert_int_equal(logs.lost, 0);
}

/* A full disk: no half line, and the loss is counted. */
static void
test_full(void **state)
{
	(void)state;
	open_log(1 << 20, 1 << 20);
	feed("before\n");
	shim_log_flush(&logs);
	close(logs.fd);
	logs.fd = open("/dev/full", O_WRONLY);
	feed("one\ntwo\n");
	shim_log_flush(&logs);
	assert_int_equal(logs.dropped, 2);
	close(logs.fd);
	logs.fd = -1;
	feed("after\n");
	shim_log_flush(&logs);
	assert_non_null(strstr(text(), "o before\np 2 lines dropped"));
}

static void
test_exit(void **state)
{
	struct shim_exit e = {CLD_KILLED, 9, 1, 7};
	char file[] = "/tmp/paas-oom-XXXXXX";
	int fd;

	(void)state;
	open_log(1 << 20, 1 << 20);
	assert_int_equal(
	    shim_exit_write(dir, "00000000000000ab", "BOOT", &e), 0);
	assert_memory_equal(slurp("00000000000000ab"),
	    "BOOT how=killed status=9 oom=1 dropped=7 time=", 46);
	shim_exit_guess(&e, 137 << 8);
	assert_int_equal(e.code, CLD_KILLED);
	assert_int_equal(e.status, 9);
	shim_exit_guess(&e, 1 << 8);
	assert_int_equal(e.code, CLD_EXITED);
	assert_int_equal(e.status, 1);
	shim_exit_guess(&e, 9);
	assert_int_equal(e.code, CLD_KILLED);
	fd = mkstemp(file);
	unlink(file);
	assert_int_equal(shim_exit_oom(fd), 0);
	assert_int_equal(
	    pwrite(fd, "oom_kill_disable 1\noom_kill 0\n", 30, 0), 30);
	assert_int_equal(shim_exit_oom(fd), 0);
	assert_int_equal(
	    pwrite(fd, "oom_kill_disable 1\noom_kill 3\n", 30, 0), 30);
	assert_int_equal(shim_exit_oom(fd), 1);
	close(fd);
	assert_int_equal(shim_exit_oom(-1), 0);
}

/* paas-init itself frees nothing: it ends with them. */
static const char *
parse_args(struct init_args *args, char *bytes, size_t len)
{
	free(args->argv);
	free(args->envp);
	memset(args, 0, sizeof(*args));
	return init_args_parse(args, bytes, len);
}

/* Cut off anywhere the arguments are refused, not read past. */
static void
test_args(void **state)
{
	struct launch_args head = {LAUNCH_ARGS_MAGIC, 0, 2, 1};
	char bytes[64], *copy;
	struct init_args args = {0};
	size_t len;

	(void)state;
	open_log(1 << 20, 1 << 20);
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), "/app\0run\0web\0A=b", 17);
	for (len = 0; len < sizeof(head) + 17; len++) {
		copy = malloc(len + 1);
		memcpy(copy, bytes, len);
		assert_non_null(parse_args(&args, copy, len));
		free(copy);
	}
	assert_null(parse_args(&args, bytes, sizeof(head) + 17));
	assert_string_equal(args.cwd, "/app");
	assert_string_equal(args.argv[1], "web");
	assert_null(args.argv[2]);
	assert_string_equal(args.envp[0], "A=b");
	assert_null(args.envp[1]);
	head.argc = UINT32_MAX;
	memcpy(bytes, &head, sizeof(head));
	assert_non_null(parse_args(&args, bytes, sizeof(head) + 17));
	free(args.argv);
	free(args.envp);
}

#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LOG_TEST(test_lines),
	    LOG_TEST(test_long),
	    LOG_TEST(test_rate),
	    LOG_TEST(test_rotate),
	    LOG_TEST(test_full),
	    LOG_TEST(test_exit),
	    LOG_TEST(test_args),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
