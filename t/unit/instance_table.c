/* sources: manager/node/instance_table.c; libs: */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "node/instance_table.h"

/* Every cell is sound, and what it does fits where it leads. */
static void
every_cell(void **state)
{
	struct instance_cell cell;
	unsigned s, e;

	(void)state;
	for (s = 0; s < INSTANCE_STATES; s++) {
		assert_non_null(instance_state_name(s));
		for (e = 0; e < INSTANCE_EVENTS; e++) {
			assert_non_null(instance_event_name(e));
			cell = instance_table_cell(s, e);
			assert_true(cell.next < INSTANCE_STATES);
			switch (cell.action) {
			case INSTANCE_IGNORE:
				assert_int_equal(cell.next, s);
				break;
			case INSTANCE_BEGIN:
				assert_int_equal(cell.next, INSTANCE_STARTING);
				break;
			case INSTANCE_FIRST:
				assert_int_equal(cell.next, INSTANCE_READY);
				break;
			case INSTANCE_CRASH:
				assert_int_equal(cell.next, INSTANCE_CRASHED);
				break;
			case INSTANCE_DELAY:
				assert_int_equal(cell.next, INSTANCE_BACKOFF);
				break;
			case INSTANCE_BURY:
				assert_int_equal(cell.next, INSTANCE_GONE);
				break;
			case INSTANCE_FORGET:
				assert_int_equal(cell.next, INSTANCE_CREATED);
				break;
			case INSTANCE_MARK:
				assert_int_not_equal(cell.next, s);
				break;
			}
		}
	}
}

/* A process that is gone is never left standing as ready. */
static void
exits_are_seen(void **state)
{
	static const enum instance_state up[] = {INSTANCE_STARTING,
	    INSTANCE_READY, INSTANCE_UNHEALTHY, INSTANCE_DRAINING};
	enum instance_state next;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(up) / sizeof(up[0]); i++) {
		next = instance_table_cell(up[i], INSTANCE_EXIT).next;
		assert_true(
		    next == INSTANCE_CRASHED || next == INSTANCE_STOPPING);
		next = instance_table_cell(up[i], INSTANCE_LOST).next;
		assert_true(
		    next == INSTANCE_STARTING || next == INSTANCE_STOPPING);
	}
}

/*
 * From wherever it is, what each state's work brings about leads a stopped
 * one to its end, and a wanted one to ready.
 */
static enum instance_state
walk(enum instance_state from, const enum instance_event *events, size_t n,
    enum instance_state goal)
{
	struct instance_cell cell;
	enum instance_state at = from;
	unsigned steps;
	size_t i;

	for (steps = 0; steps < 20 && at != goal; steps++) {
		for (i = 0; i < n; i++) {
			cell = instance_table_cell(at, events[i]);
			if (cell.action != INSTANCE_IGNORE) {
				at = cell.next;
				break;
			}
		}
	}
	return at;
}

static void
stop_ends_everywhere(void **state)
{
	static const enum instance_event events[] = {
	    INSTANCE_STOP, INSTANCE_DRAINED, INSTANCE_CLEANED};
	unsigned s;

	(void)state;
	for (s = 0; s < INSTANCE_STATES; s++)
		assert_int_equal(
		    walk(s, events, 3, INSTANCE_GONE), INSTANCE_GONE);
}

static void
run_gets_ready_everywhere(void **state)
{
	static const enum instance_event events[] = {INSTANCE_RUN,
	    INSTANCE_HEALTHY, INSTANCE_DRAINED, INSTANCE_CLEANED,
	    INSTANCE_AGAIN};
	unsigned s;

	(void)state;
	for (s = 0; s < INSTANCE_STATES; s++) {
		/* Until a new release or a restart. */
		if (s == INSTANCE_FAILED)
			continue;
		assert_int_equal(
		    walk(s, events, 5, INSTANCE_READY), INSTANCE_READY);
	}
	assert_int_equal(
	    walk(INSTANCE_FAILED, events, 5, INSTANCE_READY), INSTANCE_FAILED);
}

static void
drop_deletes_only_what_is_gone(void **state)
{
	unsigned s;

	(void)state;
	for (s = 0; s < INSTANCE_STATES; s++)
		assert_int_equal(instance_table_cell(s, INSTANCE_DROP).action ==
				     INSTANCE_FORGET,
		    s == INSTANCE_GONE);
}

static void
names(void **state)
{
	unsigned s;

	(void)state;
	for (s = INSTANCE_STARTING; s < INSTANCE_STATES; s++)
		assert_int_equal(
		    instance_state_parse(instance_state_name(s)), s);
	assert_int_equal(instance_state_parse("new"), -1);
	assert_int_equal(instance_state_parse(""), -1);
	assert_int_equal(instance_state_parse("Ready"), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_cell),
	    cmocka_unit_test(exits_are_seen),
	    cmocka_unit_test(stop_ends_everywhere),
	    cmocka_unit_test(run_gets_ready_everywhere),
	    cmocka_unit_test(drop_deletes_only_what_is_gone),
	    cmocka_unit_test(names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
