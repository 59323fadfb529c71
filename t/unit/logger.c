/* sources: manager/logger/logger_line.c manager/logger/logger_tail.c manager/common/log.c; libs: */
#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "logger/logger.h"

static char dir[] = "/tmp/paas-logger-XXXXXX";
static char path[PATH_MAX], older[PATH_MAX];
static int where;
static unsigned int written, next, wrong;

/* ---- one line ---------------------------------------------------------- */

static int
parse(const char *line, struct logger_request *request)
{
	return logger_line_parse(line, strlen(line), request);
}

#define HEAD "192.0.2.1 [2026-11-22T12:00:00+00:00] "
#define TAIL                                                             \
	" host=a.test app=shop type=web pool=01 instance=00000100000000" \
	"02 attempts=1 hold=- connect=0.001 response=0.017 total=0.018 " \
	"error=- code=- proto=https id=abc msec=1795348800.123"

static void
a_request_is_told(void **state)
{
	struct logger_request r;

	(void)state;
	assert_int_equal(
	    parse(HEAD "\"GET /x?y=1 HTTP/1.1\" 200 13" TAIL, &r), 0);
	assert_string_equal(r.text,
	    "at=info method=GET path=\"/x?y=1\" host=a.test request_id=abc "
	    "fwd=\"192.0.2.1\" dyno=0000010000000002 connect=1ms service=18ms "
	    "status=200 bytes=13 protocol=https");
	assert_int_equal(r.len, strlen(r.text));
	assert_memory_equal(r.app, "shop", r.app_len);
	assert_int_equal(r.app_len, 4);
	assert_int_equal(r.at.tv_sec, 1795348800);
	assert_int_equal(r.at.tv_nsec, 123000000);
}

static void
an_error_is_told(void **state)
{
	struct logger_request r;

	(void)state;
	assert_int_equal(
	    parse(HEAD "\"POST / HTTP/2.0\" 503 0 host=a app=b instance=- "
		       "connect=- total=0.000 error=app_stopped code=H14 "
		       "proto=http id=i msec=1795348800.000",
		&r),
	    0);
	assert_string_equal(r.text,
	    "at=error code=H14 desc=\"app_stopped\" method=POST path=\"/\" "
	    "host=a request_id=i fwd=\"192.0.2.1\" dyno= connect= "
	    "service=0ms status=503 bytes=0 protocol=http");
}

/* nginx escapes quotes: what looks like a field in a request is none. */
static void
a_client_cannot_speak_for_us(void **state)
{
	static char longest[40000];
	struct logger_request r;

	(void)state;
	assert_int_equal(
	    parse(HEAD
		"\"GET /\\x22 200 1 app=other dyno=1 HTTP/1.1\" 200 13" TAIL,
		&r),
	    0);
	assert_memory_equal(r.app, "shop", r.app_len);
	assert_non_null(
	    strstr(r.text, "path=\"/\\x22 200 1 app=other dyno=1\""));
	snprintf(longest, sizeof(longest),
	    HEAD "\"GET /%030000d HTTP/1.1\" 200 13" TAIL, 0);
	assert_int_equal(parse(longest, &r), 0);
	assert_true(r.len < 5000);
	assert_non_null(strstr(r.text, "00...\" host=a.test"));
}

static void
what_is_no_line_is_none(void **state)
{
	static const char *const bad[] = {"", "x", HEAD, HEAD "\"GET / ",
	    HEAD "\"GET /\" 200 1", HEAD "\"GET /\" 200 1 app=-",
	    HEAD "\"GET /\" 200 1 app=a",
	    HEAD "\"GET /\" 200 1 app=a msec=soon"};
	struct logger_request r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i], &r), -1);
}

/* ---- the file ---------------------------------------------------------- */

static void
append(const char *file, unsigned int lines)
{
	FILE *f = fopen(file, "ae");

	assert_non_null(f);
	while (lines-- > 0)
		fprintf(f, "line %u\n", written++);
	fclose(f);
}

static void
rotate(void)
{
	char oldest[PATH_MAX + 4];

	snprintf(oldest, sizeof(oldest), "%s.2", path);
	(void)rename(older, oldest);
	assert_int_equal(rename(path, older), 0);
}

static void
line(const char *text, size_t len, void *arg)
{
	unsigned int n = 0;

	(void)arg;
	(void)len;
	if (sscanf(text, "line %u", &n) != 1 || n != next)
		wrong++;
	next = n + 1;
}

static void
take(struct logger_tail *t)
{
	while (logger_tail_read(t))
		continue;
	logger_tail_save(t);
	assert_int_equal(wrong, 0);
	assert_int_equal(next, written);
}

static void
it_goes_on_across_rotations(void **state)
{
	struct logger_tail *t;

	(void)state;
	t = logger_tail_open(path, where, line, NULL);
	take(t); /* there is none yet */
	append(path, 100);
	take(t);
	rotate();
	append(older, 10); /* a worker that has not heard of it */
	take(t);
	append(path, 10);
	take(t);
	append(older, 10);
	take(t);
	assert_true(logger_tail_lingers(t));
	logger_tail_close(t);
}

static void
a_new_one_goes_on_where_it_was(void **state)
{
	struct logger_tail *t;

	(void)state;
	append(path, 10);
	rotate();
	append(path, 10);
	rotate();
	append(path, 10);
	t = logger_tail_open(path, where, line, NULL);
	take(t);
	logger_tail_close(t);
	t = logger_tail_open(path, where, line, NULL);
	take(t);
	/* Half a line waits for its other half. */
	append(path, 1);
	assert_int_equal(truncate(path, 0), 0);
	written = 0;
	next = 0;
	append(path, 3);
	take(t);
	logger_tail_close(t);
}

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/access.log", dir);
	snprintf(older, sizeof(older), "%s/access.log.1", dir);
	where = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	return where == -1 ? -1 : 0;
}

static int
teardown(void **state)
{
	char oldest[PATH_MAX + 4];

	(void)state;
	snprintf(oldest, sizeof(oldest), "%s.2", path);
	(void)unlink(path);
	(void)unlink(older);
	(void)unlink(oldest);
	close(where);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_request_is_told),
	    cmocka_unit_test(an_error_is_told),
	    cmocka_unit_test(a_client_cannot_speak_for_us),
	    cmocka_unit_test(what_is_no_line_is_none),
	    cmocka_unit_test(it_goes_on_across_rotations),
	    cmocka_unit_test(a_new_one_goes_on_where_it_was),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
