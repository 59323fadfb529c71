/* sources: manager/api/access/limit.c manager/api/http/gcra.c; libs: -lsodium */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "api/access/limit.h"

#define NOW 1000000000LL

static struct limit *limit;

static int
setup(void **state)
{
	(void)state;
	limit = limit_new();
	return limit == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	limit_free(limit);
	return 0;
}

static void
lets_a_burst_through(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < LIMIT_BURST; i++) {
		assert_int_equal(0, limit_wait(limit, "a", 1, NOW));
		limit_count(limit, "a", 1, NOW);
	}
	assert_int_equal(LIMIT_EVERY, limit_wait(limit, "a", 1, NOW));
	assert_int_equal(0, limit_wait(limit, "b", 1, NOW));
	assert_int_equal(0, limit_wait(limit, "aa", 2, NOW));
}

static void
gives_one_back_each_while(void **state)
{
	int64_t now = NOW;
	int i;

	(void)state;
	for (i = 0; i < LIMIT_BURST; i++)
		limit_count(limit, "a", 1, now);
	for (i = 0; i < 5; i++) {
		assert_int_equal(
		    1, limit_wait(limit, "a", 1, now + LIMIT_EVERY - 1));
		now += LIMIT_EVERY;
		assert_int_equal(0, limit_wait(limit, "a", 1, now));
		limit_count(limit, "a", 1, now);
		assert_int_equal(LIMIT_EVERY, limit_wait(limit, "a", 1, now));
	}
	now += LIMIT_BURST * LIMIT_EVERY;
	for (i = 0; i < LIMIT_BURST; i++) {
		assert_int_equal(0, limit_wait(limit, "a", 1, now));
		limit_count(limit, "a", 1, now);
	}
	assert_true(limit_wait(limit, "a", 1, now) > 0);
}

static void
counts_one_for_a_while(void **state)
{
	(void)state;
	assert_false(limit_counts(limit, "a", 1, NOW));
	limit_count(limit, "a", 1, NOW);
	assert_true(limit_counts(limit, "a", 1, NOW + LIMIT_EVERY - 1));
	assert_false(limit_counts(limit, "a", 1, NOW + LIMIT_EVERY));
	assert_false(limit_counts(limit, "b", 1, NOW));
}

/* A flood of others wrong once does not let one go who was wrong often. */
static void
keeps_the_worst(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 0; i < LIMIT_BURST; i++)
		limit_count(limit, "a", 1, NOW);
	for (i = 0; i < 100000; i++)
		limit_count(limit, &i, sizeof(i), NOW);
	assert_true(limit_wait(limit, "a", 1, NOW) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		lets_a_burst_through, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		gives_one_back_each_while, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		counts_one_for_a_while, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_the_worst, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
