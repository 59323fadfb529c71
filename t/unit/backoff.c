/* sources: manager/node/backoff.c; libs: */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "node/backoff.h"

static void
first_three_at_once(void **state)
{
	(void)state;
	assert_int_equal(backoff_delay(0), 0);
	assert_int_equal(backoff_delay(1), 0);
	assert_int_equal(backoff_delay(2), 0);
	assert_int_equal(backoff_delay(3), 0);
}

static void
doubles_to_sixteen_minutes(void **state)
{
	static const int64_t delays[] = {30, 60, 120, 240, 480, 960, 960, 960};
	uint32_t i;

	(void)state;
	for (i = 0; i < sizeof(delays) / sizeof(delays[0]); i++)
		assert_int_equal(backoff_delay(4 + i), delays[i]);
	assert_int_equal(backoff_delay(200), 960);
}

static void
stops_after_two_hundred(void **state)
{
	(void)state;
	assert_int_equal(backoff_delay(201), -1);
	assert_int_equal(backoff_delay(UINT32_MAX), -1);
}

/* 200 crashes under a clock of their own: the whole schedule. */
static void
whole_schedule(void **state)
{
	uint32_t crashes = 0;
	int64_t clock = 0, delay;

	(void)state;
	for (;;) {
		crashes = backoff_count(crashes, 0);
		if ((delay = backoff_delay(crashes)) == -1)
			break;
		clock += delay;
	}
	assert_int_equal(crashes, 201);
	assert_int_equal(clock, 30 + 60 + 120 + 240 + 480 + 192 * 960);
}

static void
stable_run_resets(void **state)
{
	(void)state;
	assert_int_equal(backoff_count(0, 0), 1);
	assert_int_equal(backoff_count(7, 299), 8);
	assert_int_equal(backoff_count(7, 300), 1);
	assert_int_equal(backoff_count(UINT32_MAX, 0), UINT32_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(first_three_at_once),
	    cmocka_unit_test(doubles_to_sixteen_minutes),
	    cmocka_unit_test(stops_after_two_hundred),
	    cmocka_unit_test(whole_schedule),
	    cmocka_unit_test(stable_run_resets),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
