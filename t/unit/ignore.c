/* sources: manager/cli/push/ignore.c manager/cli/push/glob.c; libs: */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/push/glob.h"
#include "cli/push/ignore.h"

#define OUT IGNORE_EXCLUDE
#define IN  IGNORE_INCLUDE
#define NO  IGNORE_NONE

/* A path with a slash at its end is a folder. */
static const struct {
	const char *rules;
	const char *path;
	enum ignore_verdict want;
} cases[] = {
    /* names at any depth */
    {"a", "a", OUT},
    {"a", "b", NO},
    {"a", "x/y/a", OUT},
    {"a", "a/", OUT},
    {"a", "ab", NO},
    {"A", "a", NO},
    {"*.log", "x.log", OUT},
    {"*.log", "d/x.log", OUT},
    {"*.log", "x.logs", NO},
    {"*", "x", OUT},
    {".*", ".env", OUT},
    {"?", "ab", NO},
    {"?", "\xc3", OUT},
    /* a slash binds to the folder of the file */
    {"/a", "a", OUT},
    {"/a", "d/a", NO},
    {"d/a", "d/a", OUT},
    {"d/a", "e/d/a", NO},
    {"/d/a", "d/a", OUT},
    {"d/*", "d/a", OUT},
    {"d/*", "d/e/a", NO},
    {"d/?", "d/a", OUT},
    {"a*b/c", "a/b/c", NO},
    /* folders only */
    {"a/", "a/", OUT},
    {"a/", "a", NO},
    {"a/", "d/a/", OUT},
    {"/a/", "d/a/", NO},
    {"d/a/", "d/a/", OUT},
    {"*/", "d/", OUT},
    {"*/", "d", NO},
    /* two stars */
    {"**/a", "a", OUT},
    {"**/a", "x/y/a", OUT},
    {"**/a/b", "x/a/b", OUT},
    {"**/a/b", "x/a/y/b", NO},
    {"a/**", "a/x", OUT},
    {"a/**", "a/x/y", OUT},
    {"a/**", "a/", NO},
    {"a/**/b", "a/b", OUT},
    {"a/**/b", "a/x/b", OUT},
    {"a/**/b", "a/x/y/b", OUT},
    {"a/**/b", "a/xb", NO},
    {"a**b", "axxb", OUT},
    {"/a**/b", "axx/b", OUT},
    {"**", "x/y", OUT},
    {"**/", "x/", OUT},
    {"**/", "x", NO},
    /* negation: the last rule wins */
    {"*.log\n!a.log", "a.log", IN},
    {"*.log\n!a.log", "b.log", OUT},
    {"!a.log\n*.log", "a.log", OUT},
    {"a\n!a\na", "a", OUT},
    {"*\n!*/", "d/", IN},
    {"*\n!*/", "d", OUT},
    {"!a", "a", IN},
    {"/*\n!/keep", "keep", IN},
    {"!", "a", NO},
    /* escapes and odd lines */
    {"\\!a", "!a", OUT},
    {"\\#a", "#a", OUT},
    {"#a", "#a", NO},
    {"a\\*b", "a*b", OUT},
    {"a\\*b", "axb", NO},
    {"a   ", "a", OUT},
    {"a\\ ", "a ", OUT},
    {"a\\ ", "a", NO},
    {"a\\ \\ ", "a  ", OUT},
    {"a b", "a b", OUT},
    {"a\t", "a", NO},
    {"\n\na\n\n", "a", OUT},
    {"a\r\nb\r\n", "a", OUT},
    {"a\r\nb\r\n", "b", OUT},
    {"\xef\xbb\xbf"
     "a",
	"a", OUT},
    {"x\\", "x", NO},
    {"x\\", "x\\", NO},
    {"/", "a/", NO},
    {"   ", "   ", NO},
    {" a", "a", NO},
    {" a", " a", OUT},
    /* brackets */
    {"[abc]", "b", OUT},
    {"[a-c]x", "bx", OUT},
    {"[!a-c]", "b", NO},
    {"[^a-c]", "d", OUT},
    {"[]]", "]", OUT},
    {"[]-]", "-", OUT},
    {"[a-]", "-", OUT},
    {"[\\]]", "]", OUT},
    {"[[:digit:]]", "7", OUT},
    {"[[:digit:]]", "x", NO},
    {"[[:nope:]]", "n", NO},
    {"[[:digit:]a]", "a", OUT},
    {"[", "[", NO},
    {"a[", "a[", NO},
    {"d/[!x]", "d/y", OUT},
    {"d[/]a", "d/a", NO},
};

static void
test_cases(void **state)
{
	struct ignore *ig;
	enum ignore_verdict got;
	char path[64];
	size_t i, len;
	int is_dir;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ig = ignore_new();
		ignore_push(ig, "", cases[i].rules, strlen(cases[i].rules));
		snprintf(path, sizeof(path), "%s", cases[i].path);
		len = strlen(path);
		is_dir = path[len - 1] == '/';
		if (is_dir)
			path[len - 1] = '\0';
		got = ignore_check(ig, path, is_dir);
		if (got != cases[i].want)
			print_error("case %zu: '%s' on '%s'\n", i,
			    cases[i].rules, cases[i].path);
		assert_int_equal(got, cases[i].want);
		ignore_free(ig);
	}
}

static void
test_nested(void **state)
{
	struct ignore *ig = ignore_new();
	size_t mark;

	(void)state;
	ignore_push(ig, "", "*.log\n/top\n", 11);
	mark = ignore_mark(ig);
	ignore_push(ig, "a/b", "!keep.log\n/here\n", 16);
	assert_int_equal(ignore_check(ig, "a/b/keep.log", 0), IN);
	assert_int_equal(ignore_check(ig, "a/b/c/keep.log", 0), IN);
	assert_int_equal(ignore_check(ig, "a/keep.log", 0), OUT);
	assert_int_equal(ignore_check(ig, "a/bb/keep.log", 0), OUT);
	assert_int_equal(ignore_check(ig, "a/b/here", 0), OUT);
	assert_int_equal(ignore_check(ig, "a/b/c/here", 0), NO);
	assert_int_equal(ignore_check(ig, "a/b/top", 0), NO);
	assert_int_equal(ignore_check(ig, "top", 0), OUT);
	ignore_pop(ig, mark);
	assert_int_equal(ignore_check(ig, "a/b/keep.log", 0), OUT);
	ignore_free(ig);
}

/* Many stars must not take for ever. */
static void
test_is_fast(void **state)
{
	char text[201];

	(void)state;
	memset(text, 'a', 200);
	text[200] = '\0';
	assert_false(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*b", text, 0));
	assert_false(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*b", text, GLOB_PATH));
	assert_true(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*", text, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_nested),
	    cmocka_unit_test(test_is_fast),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
