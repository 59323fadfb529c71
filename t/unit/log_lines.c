/* sources: manager/api/log/log_lines.c; libs: */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/log/log_lines.h"

static void
makes_lines(void **state)
{
	size_t len;
	char *line;

	(void)state;
	line = log_line_make(
	    1795348800123456, "app", "web.1", "hello\0x", 7, &len);
	assert_non_null(line);
	assert_int_equal(len, strlen(line) + 2);
	assert_string_equal(
	    line, "2026-11-22T12:00:00.123456+00:00 app[web.1]: hello");
	free(line);
}

static void
add(struct log_lines *lines, int64_t time, const char *text)
{
	log_lines_add(lines, time, strdup(text), strlen(text));
}

static void
sorts_by_time(void **state)
{
	struct log_lines lines;

	(void)state;
	log_lines_init(&lines, 10);
	add(&lines, 3, "c");
	add(&lines, 1, "a");
	add(&lines, 3, "d");
	log_lines_add(&lines, 2, NULL, 0);
	add(&lines, 2, "b");
	log_lines_sort(&lines, 100);
	assert_int_equal(lines.count, 4);
	assert_string_equal(lines.lines[0].text, "a");
	assert_string_equal(lines.lines[1].text, "b");
	assert_string_equal(lines.lines[2].text, "c");
	assert_string_equal(lines.lines[3].text, "d");
	log_lines_sort(&lines, 3);
	assert_int_equal(lines.count, 3);
	assert_string_equal(lines.lines[0].text, "b");
	log_lines_free(&lines);
}

static void
keeps_the_newest(void **state)
{
	struct log_lines lines;
	char text[16];
	int i;

	(void)state;
	log_lines_init(&lines, 3);
	for (i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		add(&lines, (i * 7919) % 100000, text);
		assert_true(lines.size <= 1024);
	}
	log_lines_sort(&lines, SIZE_MAX);
	assert_int_equal(lines.count, 3);
	assert_int_equal(lines.lines[0].time, 99997);
	assert_int_equal(lines.lines[2].time, 99999);
	log_lines_free(&lines);
	log_lines_sort(&lines, 0);
	assert_int_equal(lines.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(makes_lines),
	    cmocka_unit_test(sorts_by_time),
	    cmocka_unit_test(keeps_the_newest),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
