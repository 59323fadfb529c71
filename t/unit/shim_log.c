/* sources: manager/launcher/shim_log.c manager/launcher/shim_bounds.c manager/launcher/shim_exit.c; libs: */
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
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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
	unlinkat(dir, ".bounds", 0);
	shim_log_close(&logs);
	close(dir);
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
	assert_int_equal(logs.dropped[SHIM_DROP_RATE], logs.lost);
	shim_log_report(&logs);
	assert_false(shim_log_owes(&logs));
	shim_log_flush(&logs);
	assert_non_null(strstr(text(), "\np "));
}

/* Lines of that name's, all of whose texts are whole, and what it tells. */
static unsigned int
count(const char *name, const char *mark, unsigned int *told)
{
	unsigned int lines = 0, n;
	char *p, *end;

	if (faccessat(dir, name, F_OK, 0) == -1)
		return 0;
	for (p = slurp(name); *p != '\0'; p = end + 1) {
		end = strchr(p, '\n');
		assert_non_null(end);
		assert_true(end - p > 30);
		if (p[28] == 'o')
			lines++;
		else if (strstr(p, mark) < end && strstr(p, mark) != NULL &&
			 sscanf(p + 30, "%u", &n) == 1)
			*told += n;
	}
	return lines;
}

static void
test_rotate(void **state)
{
	unsigned int told = 0, left;
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
	left = count("00000000000000ab.log", "older lines", &told) +
	       count("00000000000000ab.log.1", "older lines", &told);
	assert_true(told > 0);
	assert_int_equal(left + told, 600);
}

/* ---- what several logs have together ----------------------------------- */

static struct shim_log others[3];

static void
open_others(uint64_t max, uint64_t rate)
{
	static const char *const ids[] = {
	    "00000000000000a1", "00000000000000a2", "00000000000000a3"};
	int i;

	for (i = 0; i < 3; i++) {
		memset(&others[i], 0, sizeof(others[i]));
		assert_int_equal(
		    shim_log_open(&others[i], dir, ids[i], 1 << 20, 1 << 30),
		    0);
	}
	shim_bounds_set(others[0].bounds, max, rate);
}

static void
close_others(void)
{
	static const char *const names[] = {"00000000000000a1.log",
	    "00000000000000a2.log", "00000000000000a3.log",
	    "00000000000000a1.log.1", "00000000000000a2.log.1",
	    "00000000000000a3.log.1"};
	size_t i;

	for (i = 0; i < 3; i++)
		shim_log_close(&others[i]);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(dir, names[i], 0);
}

static uint64_t
size_of(const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, 0) == 0 ? (uint64_t)st.st_size : 0;
}

static uint64_t
size_of_all(void)
{
	return size_of("00000000000000a1.log") +
	       size_of("00000000000000a2.log") +
	       size_of("00000000000000a3.log") +
	       size_of("00000000000000a1.log.1") +
	       size_of("00000000000000a2.log.1") +
	       size_of("00000000000000a3.log.1");
}

static void
test_app_rate(void **state)
{
	unsigned int told = 0, kept = 0;
	struct timespec begun, ended;
	char line[470];
	int i;

	(void)state;
	open_others(0, 50000);
	memset(line, 'x', sizeof(line));
	/* 300 of 500 bytes: a second's worth, and what the time allows. */
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (i = 0; i < 300; i++)
		shim_log_line(&others[i % 3], 'o', line, 469);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	for (i = 0; i < 3; i++) {
		shim_log_report(&others[i]);
		shim_log_flush(&others[i]);
		assert_false(shim_log_owes(&others[i]));
		kept += count(others[i].name, "bytes a second of all", &told);
	}
	assert_int_equal(kept + told, 300);
	assert_in_range(
	    kept, 100, 100 * (unsigned int)(ended.tv_sec - begun.tv_sec + 2));
	close_others();
}

/* A time of before a boot holds nobody up. */
static void
test_app_clock(void **state)
{
	(void)state;
	open_others(0, 50000);
	atomic_store(&others[0].bounds->due, UINT64_MAX / 2);
	shim_log_line(&others[0], 'o', "after", 5);
	assert_false(shim_log_owes(&others[0]));
	close_others();
}

/* Left by one that was killed: on a full disk a hole would kill the next. */
static void
test_app_hole(void **state)
{
	struct stat st;
	int fd;

	(void)state;
	fd = openat(dir, ".bounds", O_RDWR | O_CREAT | O_TRUNC, 0640);
	assert_int_not_equal(fd, -1);
	assert_int_equal(ftruncate(fd, 4096), 0);
	open_others(0, 0);
	assert_non_null(others[0].bounds);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(st.st_blocks > 0);
	(void)close(fd);
	close_others();
}

/* What another holds back is counted when it goes out, whoever looks before. */
static void
test_app_flying(void **state)
{
	char line[1000];

	(void)state;
	open_others(1 << 20, 0);
	memset(line, 'x', sizeof(line));
	shim_log_line(&others[1], 'o', line, 969);
	assert_int_equal(size_of_all(), 0);
	assert_int_equal(shim_bounds_free(others[2].bounds, dir, 100), 0);
	shim_log_flush(&others[1]);
	assert_int_equal(size_of_all(), 1000);
	assert_int_equal(atomic_load(&others[0].bounds->used), 1000);
	close_others();
}

/* So many lines, some of them at a time. */
static void
flood(struct shim_log *log)
{
	char line[500];
	int i;

	memset(line, 'x', sizeof(line));
	for (i = 0; i < 20000; i++) {
		log->look = 0;
		shim_log_line(log, 'o', line, (size_t)(i % 400));
		if (i % 100 == 0)
			shim_log_flush(log);
	}
	shim_log_report(log);
	shim_log_flush(log);
	_exit(0);
}

/* Several at full speed, each in a process of its own: not a byte more. */
static void
test_app_crowd(void **state)
{
	pid_t pids[3];
	int round, i, status;

	(void)state;
	open_others(1 << 20, 0);
	for (i = 0; i < 3; i++)
		shim_log_close(&others[i]);
	for (round = 0; round < 5; round++) {
		for (i = 0; i < 3; i++) {
			char id[32];

			snprintf(id, sizeof(id), "00000000000000a%d", i + 1);
			if ((pids[i] = fork()) == 0) {
				memset(&others[i], 0, sizeof(others[i]));
				if (shim_log_open(&others[i], dir, id, 1 << 20,
					1 << 30) == -1)
					_exit(1);
				flood(&others[i]);
			}
		}
		for (i = 0; i < 3; i++) {
			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			assert_int_equal(status, 0);
		}
		assert_in_range(size_of_all(), 500000, 1 << 20);
	}
	close_others();
}

/* A report that found no room is made again, and is no line of the app's. */
static void
test_app_told(void **state)
{
	(void)state;
	open_others(20, 0);
	others[0].dropped[SHIM_DROP_RATE] = 7;
	shim_log_line(&others[0], 'o', "text", 4);
	shim_log_flush(&others[0]);
	assert_int_equal(size_of_all(), 0);
	assert_int_equal(others[0].dropped[SHIM_DROP_RATE], 7);
	assert_int_equal(others[0].dropped[SHIM_DROP_APP_DISK], 1);
	assert_int_equal(others[0].lost, 1);
	close_others();
}

static void
test_app_disk(void **state)
{
	unsigned int told = 0, kept = 0;
	char line[1000];
	int i;

	(void)state;
	open_others(100000, 0);
	memset(line, 'x', sizeof(line));
	/* One ends after 50 lines, and what it left is what goes first. */
	for (i = 0; i < 50; i++)
		shim_log_line(&others[0], 'o', line, 969);
	shim_log_flush(&others[0]);
	assert_int_equal(size_of_all(), 50000);
	assert_int_equal(atomic_load(&others[0].bounds->used), 50000);
	shim_log_close(&others[0]);
	for (i = 0; i < 80; i++) {
		shim_log_line(&others[1], 'o', line, 969);
		shim_log_flush(&others[1]);
		assert_true(size_of_all() <= 100000);
	}
	assert_int_equal(size_of("00000000000000a1.log"), 0);
	/* Both write, and there is nothing but what they have. */
	for (i = 0; i < 200; i++) {
		shim_log_line(&others[1 + i % 2], 'o', line, 969);
		shim_log_flush(&others[1 + i % 2]);
		assert_true(size_of_all() <= 100000);
	}
	for (i = 1; i < 3; i++) {
		others[i].look = 0;
		shim_log_report(&others[i]);
		shim_log_flush(&others[i]);
		kept += count(
		    others[i].name, "dropped: the logs of the app", &told);
	}
	assert_true(size_of_all() <= 100000);
	assert_true(kept > 50);
	/* What was said in a file that went later is gone with it. */
	assert_true(told > 0 && kept + told <= 330);
	/* Whatever was counted wrong is looked at again. */
	atomic_store(&others[1].bounds->used, 1ULL << 40);
	others[1].look = 0;
	shim_log_line(&others[1], 'o', line, 969);
	shim_log_flush(&others[1]);
	assert_true(atomic_load(&others[1].bounds->used) <= 100000);
	close_others();
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
	assert_int_equal(logs.dropped[SHIM_DROP_RATE], 2);
	close(logs.fd);
	logs.fd = -1;
	feed("after\n");
	shim_log_flush(&logs);
	assert_non_null(strstr(text(), "o before\np 2 lines dropped"));
}

/* Only those reports are made again that are not in the file. */
static void
test_half(void **state)
{
	struct rlimit usual, half;
	uint64_t at;
	int i;

	(void)state;
	open_log(1 << 20, 1 << 20);
	logs.dropped[SHIM_DROP_RATE] = 7;
	feed("first\n");
	at = logs.used;
	logs.dropped[SHIM_DROP_RATE] = 5;
	logs.dropped[SHIM_DROP_APP_RATE] = 3;
	feed("second\n");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &usual), 0);
	half = usual;
	half.rlim_cur = at + 20;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &half), 0);
	shim_log_flush(&logs);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &usual), 0);
	assert_true(signal(SIGXFSZ, SIG_DFL) != SIG_ERR);
	assert_int_equal(logs.size, at);
	assert_int_equal(logs.dropped[SHIM_DROP_RATE], 5 + 1);
	assert_int_equal(logs.dropped[SHIM_DROP_APP_RATE], 3);
	assert_int_equal(logs.lost, 1);

	/* More of them than are kept apart: the buffer goes out before. */
	for (i = 0; i < 2 * SHIM_TOLD; i++) {
		logs.dropped[SHIM_DROP_OLDER] = 1;
		shim_log_report(&logs);
	}
	shim_log_flush(&logs);
	assert_false(shim_log_owes(&logs));
	assert_int_equal(logs.lost, 1);
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
	assert_int_equal(shim_exit_oom(fd), 3);
	close(fd);
	assert_int_equal(shim_exit_oom(-1), 0);
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
	    LOG_TEST(test_app_rate),
	    LOG_TEST(test_app_clock),
	    LOG_TEST(test_app_hole),
	    LOG_TEST(test_app_flying),
	    LOG_TEST(test_app_crowd),
	    LOG_TEST(test_app_told),
	    LOG_TEST(test_app_disk),
	    LOG_TEST(test_full),
	    LOG_TEST(test_half),
	    LOG_TEST(test_exit),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
