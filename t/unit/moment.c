/* sources: manager/store/moment.c; libs: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts_within_a_boot),
	    cmocka_unit_test(is_now),
	    cmocka_unit_test(survives_its_record),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
