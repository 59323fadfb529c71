/* sources: manager/git/hook_refs.c; */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "git/hook.h"

#define A "0123456789abcdef0123456789abcdef01234567"
#define B "fedcba9876543210fedcba9876543210fedcba98"
#define Z "0000000000000000000000000000000000000000"

static char err[PAAS_ERRLEN];

static int
read_refs(struct hook_ref *ref, const char *text)
{
	err[0] = '\0';
	return hook_read_refs(ref, text, strlen(text), err);
}

static void
takes_the_branches_that_deploy(void **state)
{
	struct hook_ref ref;

	(void)state;
	assert_int_equal(0, read_refs(&ref, A " " B " refs/heads/main\n"));
	assert_string_equal(A, ref.from);
	assert_string_equal(B, ref.to);
	assert_string_equal("refs/heads/main", ref.name);
	assert_string_equal("main", hook_branch(&ref));
	assert_int_equal(0, read_refs(&ref, Z " " B " refs/heads/master\n"));
	assert_string_equal("master", hook_branch(&ref));
	/* SHA-256 */
	assert_int_equal(
	    0, read_refs(&ref, A "0123456789abcdef01234567 " B
				 "0123456789abcdef01234567 refs/heads/main\n"));
	assert_int_equal(64, strlen(ref.to));
}

static void
refuses_others(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
	    {"", "Nothing"},
	    {"\n", "Nothing"},
	    {A " " B " refs/heads/main", "Nothing"},
	    {A " " B "\n", "Nothing"},
	    {A " " B " \n", "Nothing"},
	    {"x" A " " B " refs/heads/main\n", "Nothing"},
	    {"x " B " refs/heads/main\n", "Nothing"},
	    {A " B refs/heads/main\n", "Nothing"},
	    {A " " B " refs/heads/dev\n", "\"dev\" does not deploy"},
	    {A " " B " refs/heads/main \n", "\"main \" does not deploy"},
	    {A " " B " refs/heads/mainx\n", "does not deploy"},
	    {A " " B " refs/heads/x/main\n", "does not deploy"},
	    {A " " B " refs/tags/main\n", "\"refs/tags/main\" does not"},
	    {A " " B " main\n", "does not deploy"},
	    {A " " B " HEAD\n", "does not deploy"},
	    {A " " Z " refs/heads/main\n", "can't be deleted"},
	    {A " " B " refs/heads/main\n" A " " B " refs/heads/master\n",
		"Several"},
	    {A " " B " refs/heads/main\n\n", "Several"},
	};
	struct hook_ref ref;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(-1, read_refs(&ref, cases[i].text));
		if (strstr(err, cases[i].says) == NULL)
			fail_msg("\"%s\": %s", cases[i].text, err);
	}
}

/* xorshift32, so that each run has the same ten thousand. */
static uint32_t
next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* What is taken is exactly this, whatever stands round it. */
static int
is_deployed(const char *text)
{
	return strcmp(text, A " " B " refs/heads/main\n") == 0 ||
	       strcmp(text, A " " B " refs/heads/master\n") == 0 ||
	       strcmp(text, Z " " B " refs/heads/main\n") == 0 ||
	       strcmp(text, Z " " B " refs/heads/master\n") == 0;
}

static void
takes_nothing_hostile(void **state)
{
	static const char *const pieces[] = {A, B, Z, " ", "\n", "refs/heads/",
	    "main", "master", "refs/", "../", "\x1b[2J", "\x1b]0;x\a", "\"",
	    "'", "$(id)", "`id`", ";id", "-", "--force", "\r", "\t", "\xff\xfe",
	    "%s%n", "\\", "refs/heads/main", A " " B " refs/heads/main\n",
	    A " " B " refs/heads/", "\xe2\x80\xae", "{", "@", "~", "^", ":",
	    "*", ".lock", "//"};
	uint32_t seed = 20251122;
	struct hook_ref ref;
	char text[1024];
	size_t n, taken = 0;

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		text[0] = '\0';
		for (n = 1 + next_random(&seed) % 8; n > 0; n--)
			strcat(
			    text, pieces[next_random(&seed) %
					 (sizeof(pieces) / sizeof(pieces[0]))]);
		if (read_refs(&ref, text) == 0) {
			taken++;
			if (!is_deployed(text))
				fail_msg("taken: \"%s\"", text);
		} else if (err[0] == '\0')
			fail_msg("no word about \"%s\"", text);
	}
	assert_true(taken > 0);
}

static void
bounds_names(void **state)
{
	char text[1024];
	struct hook_ref ref;
	size_t len;

	(void)state;
	snprintf(text, sizeof(text), A " " B " refs/heads/%0300d\n", 1);
	assert_int_equal(-1, read_refs(&ref, text));
	assert_non_null(strstr(err, "Nothing"));
	len =
	    (size_t)snprintf(text, sizeof(text), A " " B " refs/heads/main\n");
	text[90] = '\0';
	assert_int_equal(-1, hook_read_refs(&ref, text, len, err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_the_branches_that_deploy),
	    cmocka_unit_test(refuses_others),
	    cmocka_unit_test(takes_nothing_hostile),
	    cmocka_unit_test(bounds_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
