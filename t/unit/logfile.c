/* sources: manager/node/logfile.c manager/node/loghub.c manager/store/keys.c manager/common/log.c; libs: -lsystemd */
#include <sys/stat.h>

#include <errno.h>
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

#include "node/logfile_read.h"

#define APP 0x0aULL
#define ID  0x10000000bULL

static char dir[] = "/tmp/paas-logfile-XXXXXX";
static sd_event *event;
static FILE *out;
static unsigned written;

struct seen {
	unsigned lines;
	unsigned next;     /* the number that the next line has to have */
	unsigned pause_at; /* lines, 0 for never */
	unsigned wrong;
	char last[128];
	struct logfile *file;
	unsigned close_at;
};

static void
name(char path[PATH_MAX], const char *suffix)
{
	snprintf(path, PATH_MAX, "%s/%016llx/%016llx.%s", dir, APP, ID, suffix);
}

static void
file_open(void)
{
	char path[PATH_MAX];

	name(path, "log");
	out = fopen(path, "ae");
	assert_non_null(out);
	setvbuf(out, NULL, _IONBF, 0);
}

static void
rotate(void)
{
	char from[PATH_MAX], to[PATH_MAX];

	name(from, "log");
	name(to, "log.1");
	fclose(out);
	assert_int_equal(rename(from, to), 0);
	file_open();
}

static void
write_lines(unsigned n)
{
	while (n-- > 0)
		fprintf(out, "2026-11-22T12:00:00.%06uZ o line %u\n",
		    written % 1000000, written),
		    written++;
}

static int
line_seen(const struct logfile_line *line, void *arg)
{
	struct seen *seen = arg;
	char text[128];

	snprintf(text, sizeof(text), "line %u", seen->next);
	if (line->len != strlen(text) ||
	    memcmp(line->text, text, line->len) != 0)
		seen->wrong++;
	snprintf(
	    seen->last, sizeof(seen->last), "%.*s", (int)line->len, line->text);
	seen->next++;
	seen->lines++;
	if (seen->lines == seen->close_at)
		logfile_close(seen->file);
	return seen->pause_at != 0 && seen->lines == seen->pause_at;
}

static void
loop_until(const struct seen *seen, unsigned lines)
{
	int i;

	for (i = 0; i < 400 && seen->lines < lines; i++)
		assert_true(sd_event_run(event, 10000) >= 0);
}

static void
parses_strictly(void **state)
{
	static const char *const wrong[] = {"", "hello",
	    "2026-11-22T12:00:00.123456Z", "2026-11-22T12:00:00.123456Z ",
	    "2026-11-22T12:00:00.123456Z x text",
	    "2026-11-22 12:00:00.123456Z o text",
	    "2026-11-2aT12:00:00.123456Z o text"};
	static const char good[] = "2026-11-22T12:00:00.123456Z e a b";
	struct logfile_line line;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(
		    logfile_parse(wrong[i], strlen(wrong[i]), &line), -1);
	assert_int_equal(logfile_parse(good, strlen(good), &line), 0);
	assert_int_equal(line.stream, 'e');
	assert_int_equal(line.len, 3);
	assert_memory_equal(line.text, "a b", 3);
	assert_int_equal(line.time, 1795348800123456LL);
	assert_int_equal(logfile_parse(good, strlen(good) - 4, &line), 0);
	assert_int_equal(line.len, 0);
}

static int
tail(unsigned lines, size_t max, struct logfile_pos *pos, struct seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	seen->next = written >= lines ? written - lines : 0;
	return logfile_tail(dir, APP, ID, lines, max, pos, line_seen, seen);
}

static void
last_lines(void **state)
{
	struct seen seen;

	(void)state;
	assert_int_equal(tail(10, SIZE_MAX / 2, NULL, &seen), 0);
	assert_int_equal(seen.lines, 0);
	write_lines(3);
	assert_int_equal(tail(10, SIZE_MAX / 2, NULL, &seen), 0);
	assert_int_equal(seen.lines, 3);
	assert_int_equal(tail(2, SIZE_MAX / 2, NULL, &seen), 0);
	assert_int_equal(seen.lines, 2);
	assert_string_equal(seen.last, "line 2");
	write_lines(5000);
	rotate();
	write_lines(2);
	assert_int_equal(tail(2, SIZE_MAX / 2, NULL, &seen), 0);
	assert_int_equal(seen.lines, 2);
	assert_int_equal(tail(4000, SIZE_MAX / 2, NULL, &seen), 0);
	assert_int_equal(seen.lines, 4000);
	assert_int_equal(seen.wrong, 0);
	assert_int_equal(tail(100000, SIZE_MAX / 2, NULL, &seen), 0);
	assert_int_equal(seen.lines, written);
	assert_int_equal(seen.wrong, 0);

	/* No more than so many bytes: 41 for each of these lines. */
	assert_int_equal(tail(100, 410, NULL, &seen), 0);
	assert_in_range(seen.lines, 9, 11);
	assert_string_equal(seen.last, "line 5004");

	/* What has no end yet is no line. */
	fprintf(out, "2026-11-22T12:00:00.000000Z o half");
	assert_int_equal(tail(1, 4096, NULL, &seen), 0);
	assert_int_equal(seen.wrong, 0);
}

static void
follows_behind_the_tail(void **state)
{
	char err[PAAS_ERRLEN];
	struct logfile_pos pos;
	struct loghub *hub = loghub_open(event, dir, err);
	struct seen seen;

	(void)state;
	assert_non_null(hub);
	write_lines(20);
	assert_int_equal(tail(5, 4096, &pos, &seen), 0);
	seen.file = logfile_follow(hub, APP, ID, &pos, line_seen, &seen);
	assert_non_null(seen.file);
	write_lines(7);
	loop_until(&seen, 12);
	assert_int_equal(seen.lines, 12);
	assert_int_equal(seen.wrong, 0);
	loghub_close(hub);
}

static void
follows_across_rotation(void **state)
{
	char err[PAAS_ERRLEN];
	struct loghub *hub = loghub_open(event, dir, err);
	struct seen seen = {0};
	int i;

	(void)state;
	seen.file = logfile_follow(hub, APP, ID, NULL, line_seen, &seen);
	for (i = 0; i < 50; i++) {
		write_lines(200);
		if (i % 3 == 0)
			rotate();
		write_lines(3);
		if (i % 2 == 0)
			loop_until(&seen, written);
		else
			assert_true(sd_event_run(event, 0) >= 0);
	}
	loop_until(&seen, written);
	assert_int_equal(seen.lines, written);
	assert_int_equal(seen.wrong, 0);
	logfile_close(seen.file);
	loghub_close(hub);
}

static void
waits_for_the_directory(void **state)
{
	char err[PAAS_ERRLEN], path[PATH_MAX];
	struct loghub *hub;
	struct seen seen = {0};

	(void)state;
	fclose(out);
	name(path, "log");
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/%016llx", dir, APP);
	assert_int_equal(rmdir(path), 0);
	hub = loghub_open(event, dir, err);
	seen.file = logfile_follow(hub, APP, ID, NULL, line_seen, &seen);
	assert_true(sd_event_run(event, 0) >= 0);
	assert_int_equal(mkdir(path, 0700), 0);
	file_open();
	write_lines(3);
	loop_until(&seen, 3);
	assert_int_equal(seen.lines, 3);
	write_lines(3);
	loop_until(&seen, 6);
	assert_int_equal(seen.lines, 6);
	loghub_close(hub);
}

static void
pauses_and_resumes(void **state)
{
	char err[PAAS_ERRLEN];
	struct loghub *hub = loghub_open(event, dir, err);
	struct seen seen = {.pause_at = 4};
	int i;

	(void)state;
	write_lines(10);
	seen.file = logfile_follow(hub, APP, ID, NULL, line_seen, &seen);
	for (i = 0; i < 5; i++)
		assert_true(sd_event_run(event, 1000) >= 0);
	assert_int_equal(seen.lines, 4);
	write_lines(5);
	logfile_resume(seen.file);
	loop_until(&seen, 15);
	assert_int_equal(seen.lines, 15);
	assert_int_equal(seen.wrong, 0);
	loghub_close(hub);
}

static void
closes_from_within(void **state)
{
	char err[PAAS_ERRLEN];
	struct loghub *hub = loghub_open(event, dir, err);
	struct seen seen = {.close_at = 2, .pause_at = 2};

	(void)state;
	write_lines(10);
	seen.file = logfile_follow(hub, APP, ID, NULL, line_seen, &seen);
	loop_until(&seen, 2);
	write_lines(10);
	assert_true(sd_event_run(event, 1000) >= 0);
	assert_int_equal(seen.lines, 2);
	loghub_close(hub);
}

static void
long_line_is_cut(void **state)
{
	char err[PAAS_ERRLEN];
	struct loghub *hub = loghub_open(event, dir, err);
	struct seen seen = {0};
	int i;

	(void)state;
	fprintf(out, "2026-11-22T12:00:00.000000Z o ");
	for (i = 0; i < 200000; i++)
		fputc('x', out);
	fputc('\n', out);
	write_lines(2);
	seen.file = logfile_follow(hub, APP, ID, NULL, line_seen, &seen);
	loop_until(&seen, 3);
	assert_int_equal(seen.lines, 3);
	assert_string_equal(seen.last, "line 1");
	loghub_close(hub);
}

static int
before(void **state)
{
	char path[PATH_MAX];

	(void)state;
	written = 0;
	snprintf(path, sizeof(path), "%s/%016llx", dir, APP);
	if (mkdir(path, 0700) == -1)
		return -1;
	file_open();
	return 0;
}

static int
after(void **state)
{
	char path[PATH_MAX];

	(void)state;
	fclose(out);
	name(path, "log");
	(void)unlink(path);
	name(path, "log.1");
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/%016llx", dir, APP);
	return rmdir(path);
}

static int
setup(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL || sd_event_new(&event) < 0 ? -1 : 0;
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
	    cmocka_unit_test(parses_strictly),
	    TEST(last_lines),
	    TEST(follows_behind_the_tail),
	    TEST(follows_across_rotation),
	    TEST(waits_for_the_directory),
	    TEST(pauses_and_resumes),
	    TEST(closes_from_within),
	    TEST(long_line_is_cut),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
