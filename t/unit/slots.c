/* sources: manager/node/slots.c; libs: */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "node/slots.h"

static void
goes_round(void **state)
{
	struct slots *s = slots_new(2, 11);
	uint32_t slot, i;

	(void)state;
	for (i = 0; i < 10; i++) {
		assert_int_equal(slots_take(s, 25 + i, 0, &slot), 0);
		assert_int_equal(slot, 2 + (25 + i) % 10);
	}
	assert_int_equal(slots_take(s, 35, 0, &slot), -EAGAIN);
	slots_delete(s);
}

static void
skips_what_is_used(void **state)
{
	struct slots *s = slots_new(2, 11);
	uint32_t slot;

	(void)state;
	assert_int_equal(slots_mark(s, 2), 0);
	assert_int_equal(slots_mark(s, 3), 0);
	assert_int_equal(slots_mark(s, 3), -EBUSY);
	assert_int_equal(slots_mark(s, 1), -ERANGE);
	assert_int_equal(slots_mark(s, 12), -ERANGE);
	assert_int_equal(slots_take(s, 10, 0, &slot), 0);
	assert_int_equal(slot, 4);
	slots_delete(s);
}

static void
rests_ten_minutes(void **state)
{
	struct slots *s = slots_new(2, 3);
	uint32_t a, b, c;

	(void)state;
	assert_int_equal(slots_take(s, 0, 0, &a), 0);
	assert_int_equal(slots_take(s, 0, 0, &b), 0);
	slots_free(s, a, 1000);
	slots_free(s, b, 2000);
	slots_free(s, b, 3000); /* twice does no harm */
	assert_int_equal(
	    slots_take(s, 0, 1000 + SLOTS_REST_US - 1, &c), -EAGAIN);
	assert_int_equal(slots_take(s, 1, 1000 + SLOTS_REST_US, &c), 0);
	assert_int_equal(c, a);
	assert_int_equal(slots_take(s, 0, 1000 + SLOTS_REST_US, &c), -EAGAIN);
	assert_int_equal(slots_take(s, 0, 2000 + SLOTS_REST_US, &c), 0);
	assert_int_equal(c, b);
	slots_delete(s);
}

/* What was adopted while it rested is not given out when the rest ends. */
static void
marked_while_resting(void **state)
{
	struct slots *s = slots_new(2, 2);
	uint32_t slot;

	(void)state;
	assert_int_equal(slots_take(s, 0, 0, &slot), 0);
	slots_free(s, slot, 0);
	assert_int_equal(slots_mark(s, slot), 0);
	assert_int_equal(slots_take(s, 0, 2 * SLOTS_REST_US, &slot), -EAGAIN);
	slots_delete(s);
}

static void
returned_is_free_at_once(void **state)
{
	struct slots *s = slots_new(2, 2);
	uint32_t slot;

	(void)state;
	assert_int_equal(slots_take(s, 0, 0, &slot), 0);
	slots_return(s, slot);
	assert_int_equal(slots_take(s, 0, 0, &slot), 0);
	slots_free(s, 99, 0);
	slots_return(s, 0);
	slots_delete(s);
}

static void
no_range(void **state)
{
	(void)state;
	assert_null(slots_new(2, 1));
	slots_delete(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(goes_round),
	    cmocka_unit_test(skips_what_is_used),
	    cmocka_unit_test(rests_ten_minutes),
	    cmocka_unit_test(marked_while_resting),
	    cmocka_unit_test(returned_is_free_at_once),
	    cmocka_unit_test(no_range),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
