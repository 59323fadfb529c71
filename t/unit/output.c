/* sources: manager/cli/output.c manager/cli/clean.c manager/cli/table.c; libs: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <locale.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cli/output.h"

static const struct {
	const char *text;
	unsigned let;
	const char *want;
} cleaned[] = {
    {"plain", 0, "plain"},
    {"", 0, ""},
    {"gr\u00fc\u00dfe \u65e5\u672c \U0001f600", 0,
	"gr\u00fc\u00dfe \u65e5\u672c \U0001f600"},
    {"a\nb\rc\td", 0, "a\\nb\\rc\\td"},
    {"a\tb", OUT_TAB, "a\tb"},
    {"\a\b\v\f\177", 0, "\\x07\\x08\\x0b\\x0c\\x7f"},
    {"\033]0;title\a", 0, "\\x1b]0;title\\x07"},
    {"\033]0;title\a", OUT_SGR, "\\x1b]0;title\\x07"},
    {"\033[2J\033[H", OUT_SGR, "\\x1b[2J\\x1b[H"},
    {"\033P1$q\033\\", OUT_SGR, "\\x1bP1$q\\x1b\\"},
    {"\033[31mred\033[0m", 0, "\\x1b[31mred\\x1b[0m"},
    {"\033[31mred", OUT_SGR, "\033[31mred\033[0m"},
    {"\033[38;2;1;2;3mx", OUT_SGR, "\033[38;2;1;2;3mx\033[0m"},
    {"\033[31mred\033[0m", OUT_DROP_SGR, "red"},
    {"\033[?25l", OUT_SGR, "\\x1b[?25l"},
    {"\033[31", OUT_SGR, "\\x1b[31"},
    {"\033", OUT_SGR, "\\x1b"},
    /* the same controls as C1: as code points, and as bytes */
    {"\xc2\x9b"
     "31m",
	OUT_SGR, "\\u009b31m"},
    {"\x9b"
     "31m",
	OUT_SGR, "\\x9b31m"},
    {"\xc2\x85", 0, "\\u0085"},
    /* text that runs the other way */
    {"a\u202etxt.exe", 0, "a\\u202etxt.exe"},
    {"\u2066x\u2069", 0, "\\u2066x\\u2069"},
    {"a\u2028b", 0, "a\\u2028b"},
    /* not UTF-8 */
    {"\xff\xfe", 0, "\\xff\\xfe"},
    {"\xc0\xaf", 0, "\\xc0\\xaf"},
    {"\xe0\x80\xaf", 0, "\\xe0\\x80\\xaf"},
    {"\xed\xa0\x80", 0, "\\xed\\xa0\\x80"},
    {"\xf4\x90\x80\x80", 0, "\\xf4\\x90\\x80\\x80"},
    {"\xc3", 0, "\\xc3"},
    {"\xe2\x82", 0, "\\xe2\\x82"},
    {"\177\xc2\x9b", OUT_JSON, "\\u007f\\u009b"},
};

static void
test_clean(void **state)
{
	char *got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cleaned) / sizeof(cleaned[0]); i++) {
		got = out_clean(
		    cleaned[i].text, strlen(cleaned[i].text), cleaned[i].let);
		assert_string_equal(got, cleaned[i].want);
		free(got);
	}
	got = out_clean("a\0b", 3, 0);
	assert_string_equal(got, "a\\x00b");
	free(got);
}

/* Whatever goes in: nothing a terminal obeys comes out, colours aside. */
static void
test_clean_all_bytes(void **state)
{
	char text[3], *got, *p;
	int a, b;

	(void)state;
	for (a = 0; a < 256; a++) {
		for (b = 0; b < 256; b++) {
			if (a == '\033' && b == '[')
				continue; /* ESC [ m is a colour */
			text[0] = (char)a;
			text[1] = (char)b;
			text[2] = 'm';
			got = out_clean(text, 3, OUT_SGR);
			for (p = got; *p != '\0'; p++)
				assert_true(
				    (unsigned char)*p >= 0x20 && *p != 0x7f);
			free(got);
		}
	}
}

static void
test_columns(void **state)
{
	(void)state;
	assert_int_equal(out_columns(""), 0);
	assert_int_equal(out_columns("abc"), 3);
	assert_int_equal(out_columns("gr\u00fc\u00dfe"), 5);
	assert_int_equal(out_columns("\u65e5\u672c"), 4);
	assert_int_equal(out_columns("e\u0301"), 1);
	assert_int_equal(out_columns("\033[31mred\033[0m"), 3);
}

static const struct table_column columns[] = {
    {"NAME", 0}, {"N", 1}, {"WHAT", 0}, {0}};

static char *
table_text(int tty, unsigned width, int colour)
{
	struct table *t = table_new(columns);
	struct out out = {.tty = tty, .colour = colour, .width = width};
	size_t size;
	char *text;

	out.file = open_memstream(&text, &size);
	table_cell(t, OUT_NONE, "%s", "\u65e5\u672c");
	table_cell(t, OUT_NONE, "%d", 7);
	table_cell(t, OUT_GREEN, "%s", "a\nb and quite some more");
	table_cell(t, OUT_NONE, "%s", "abc");
	table_cell(t, OUT_NONE, "%d", 12345);
	table_cell(t, OUT_NONE, "%s", "");
	table_print(t, &out, "none");
	fclose(out.file);
	return text;
}

static void
test_table(void **state)
{
	char *text;

	(void)state;
	text = table_text(0, 0, 0);
	assert_string_equal(text, "NAME  N  WHAT\n"
				  "\u65e5\u672c  7  a\\nb and quite some more\n"
				  "abc  12345\n");
	free(text);
	text = table_text(1, 0, 0);
	assert_string_equal(text, "NAME      N  WHAT\n"
				  "\u65e5\u672c      7  a\\nb and quite some "
				  "more\n"
				  "abc   12345\n");
	free(text);
	text = table_text(1, 20, 0);
	assert_string_equal(text, "NAME      N  WHAT\n"
				  "\u65e5\u672c      7  a\\nb a\u2026\n"
				  "abc   12345\n");
	free(text);
	text = table_text(1, 0, 1);
	assert_non_null(strstr(text, "\033[32ma\\nb"));
	assert_non_null(strstr(text, "\033[1mNAME\033[0m"));
	free(text);
}

static void
test_empty_table(void **state)
{
	struct out out = {0};
	size_t size;
	char *text;

	(void)state;
	out.file = open_memstream(&text, &size);
	table_print(table_new(columns), &out, "There is none.");
	fclose(out.file);
	assert_string_equal(text, "There is none.\n");
	free(text);
}

static void
test_times_and_sizes(void **state)
{
	char buf[64], iso[64];
	time_t then = time(NULL) - 3700;

	(void)state;
	strftime(iso, sizeof(iso), "%Y-%m-%dT%H:%M:%SZ", gmtime(&then));
	out_ago(buf, sizeof(buf), iso);
	assert_string_equal(buf, "1h ago");
	out_ago(buf, sizeof(buf), "2999-01-01T00:00:00Z");
	assert_string_equal(buf, "just now");
	out_ago(buf, sizeof(buf), "soon");
	assert_string_equal(buf, "soon");
	out_ago(buf, sizeof(buf), "");
	assert_string_equal(buf, "");
	out_bytes(buf, sizeof(buf), 0);
	assert_string_equal(buf, "0 B");
	out_bytes(buf, sizeof(buf), 1023);
	assert_string_equal(buf, "1023 B");
	out_bytes(buf, sizeof(buf), 1536);
	assert_string_equal(buf, "1.5 KiB");
	out_bytes(buf, sizeof(buf), 500ULL << 20);
	assert_string_equal(buf, "500 MiB");
}

static void
test_json(void **state)
{
	json_t *json = json_pack("{s:s}", "k", "a\n\033\177\xc2\x9b\u202e");
	struct out out = {0};
	size_t size;
	char *text;

	(void)state;
	out.file = open_memstream(&text, &size);
	out_json(&out, json);
	fclose(out.file);
	assert_string_equal(text, "{\n  \"k\": \"a\\n\\u001B\\u007f\\u009b"
				  "\\u202e\"\n}\n");
	json_decref(json);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_clean),
	    cmocka_unit_test(test_clean_all_bytes),
	    cmocka_unit_test(test_columns),
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_empty_table),
	    cmocka_unit_test(test_times_and_sizes),
	    cmocka_unit_test(test_json),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
