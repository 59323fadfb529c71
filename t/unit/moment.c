/* sources: manager/store/moment.c; libs: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "store/moment.h"

static void
counts_within_a_boot(void **state)
{
	static const struct {
		struct moment then, now;
		int64_t since;
	} table[] = {
	    {{100, 7}, {160, 7}, 60}, {{100, 7}, {100, 7}, 0},
	    {{160, 7}, {100, 7}, 0},   /* a damaged record */
	    {{900, 6}, {100, 7}, 100}, /* all that this boot has had */
	    {{100, 0}, {160, 7}, 60},
	    {{100, 7}, {160, 0}, 60}, /* it could not be read */
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(table[i].since,
		    moment_since(&table[i].then, &table[i].now));
}

static void
is_now(void **state)
{
	struct moment then = moment_now(), now = moment_now();

	(void)state;
	assert_true(then.us > 0);
	assert_true(then.boot > 0 && then.boot <= 0xffffffff);
	assert_true(then.boot == now.boot);
	assert_true(moment_since(&then, &now) < 60000000);
}

static void
survives_its_record(void **state)
{
	struct moment then = {INT64_C(31557600000000), 0xfedcba98}, back;
	json_t *value = moment_encode(&then), *number = json_integer(5);

	(void)state;
	back = moment_decode(value);
	assert_memory_equal(&then, &back, sizeof(then));
	json_decref(value);

	/* None, and that of a program before this one. */
	assert_true(moment_decode(NULL).us == 0);
	assert_true(moment_decode(number).us == 0);
	json_decref(number);
}

/* Those of programs that noted the time of the day. */
static void
recalls_the_day(void **state)
{
	struct moment then = {5, 7}, back, now = moment_now();
	struct timespec ts;
	json_t *value = moment_encode(&then), *number;
	int64_t day;

	(void)state;
	clock_gettime(CLOCK_REALTIME, &ts);
	day = (int64_t)ts.tv_sec * 1000000;

	/* What was noted well counts, and none is none. */
	back = moment_recall(value, day);
	assert_memory_equal(&then, &back, sizeof(then));
	json_decref(value);
	assert_true(moment_recall(NULL, 0).us == 0);

	/* A little ago, longer ago than the boot, and in days to come. */
	number = json_integer(day);
	back = moment_recall(number, day - 1000);
	assert_true(back.boot == now.boot);
	assert_in_range(moment_since(&back, &now), 0, 60000000);
	assert_true(back.us > 0);
	back = moment_recall(number, 1);
	assert_true(back.us == 1 && back.boot == now.boot);
	back = moment_recall(number, day + INT64_C(3600000000));
	assert_true(back.us >= now.us && back.boot == now.boot);
	json_decref(number);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts_within_a_boot),
	    cmocka_unit_test(is_now),
	    cmocka_unit_test(survives_its_record),
	    cmocka_unit_test(recalls_the_day),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
