/* sources: manager/schedule/rollout.c; libs: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "schedule/rollout.h"

/* A record of each state; a live one beside a failed one, too. */
static const struct rollout none = {0};
static const struct rollout moving = {.target = 1};
static const struct rollout moving_on = {.live = 1, .target = 2};
static const struct rollout live = {.live = 1, .target = 1};
static const struct rollout failed = {
    .target = 1, .failed = 1, .generation = 5, .reason = "no"};
static const struct rollout failed_on = {
    .live = 1, .target = 2, .failed = 2, .generation = 5, .reason = "no"};
static const struct rollout parked = {
    .target = 1, .failed = 1, .parked = 1, .generation = 5, .reason = "no"};

static void
tells_its_state(void **state)
{
	(void)state;
	assert_int_equal(ROLLOUT_NONE, rollout_state(&none));
	assert_int_equal(ROLLOUT_MOVING, rollout_state(&moving));
	assert_int_equal(ROLLOUT_MOVING, rollout_state(&moving_on));
	assert_int_equal(ROLLOUT_LIVE, rollout_state(&live));
	assert_int_equal(ROLLOUT_FAILED, rollout_state(&failed));
	assert_int_equal(ROLLOUT_FAILED, rollout_state(&failed_on));
	assert_int_equal(ROLLOUT_PARKED, rollout_state(&parked));
}

/* The input that makes each event of the record, or QUIET. */
static struct rollout_input
input_for(const struct rollout *ro, enum rollout_event event)
{
	struct rollout_input in;

	memset(&in, 0, sizeof(in));
	in.version = ro->target;
	in.generation = ro->generation;
	in.now = 42;
	switch (event) {
	case ROLLOUT_ASKED:
		in.version = ro->target + 1;
		break;
	case ROLLOUT_BROKE:
		in.broken = 1;
		in.reason = "it fell over";
		break;
	case ROLLOUT_READY:
		in.ready = 1;
		break;
	case ROLLOUT_STOP:
		in.stopped = 1;
		break;
	case ROLLOUT_RETRY:
		in.generation++;
		break;
	default:
		break;
	}
	return in;
}

static void
walks_the_whole_table(void **state)
{
	static const struct {
		const struct rollout *ro;
		enum rollout_did did[ROLLOUT_EVENTS];
	} rows[] = {
#define _  ROLLOUT_DID_NOTHING
#define BE ROLLOUT_DID_BEGIN
#define PR ROLLOUT_DID_PROMOTE
#define FA ROLLOUT_DID_FAIL
#define PA ROLLOUT_DID_PARK
	    /*           ASKED BROKE READY STOP RETRY QUIET */
	    {&none, {BE, _, _, _, _, _}},
	    {&moving, {BE, FA, PR, _, _, _}},
	    {&moving_on, {BE, FA, PR, _, _, _}},
	    {&live, {BE, _, _, _, _, _}},
	    {&failed, {BE, _, _, PA, BE, _}},
	    {&failed_on, {BE, _, _, _, _, _}},
	    {&parked, {BE, _, _, _, BE, BE}},
#undef _
#undef BE
#undef PR
#undef FA
#undef PA
	};
	struct rollout_input in;
	struct rollout ro;
	size_t i, event;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (event = 0; event < ROLLOUT_EVENTS; event++) {
			ro = *rows[i].ro;
			in = input_for(&ro, (enum rollout_event)event);
			if (rollout_step(&ro, &in) != rows[i].did[event])
				fail_msg("row %zu, event %zu", i, event);
		}
	}
}

static void
begins(void **state)
{
	struct rollout ro = failed_on;
	struct rollout_input in = input_for(&ro, ROLLOUT_ASKED);

	(void)state;
	rollout_step(&ro, &in);
	assert_int_equal(1, ro.live);
	assert_int_equal(3, ro.target);
	assert_int_equal(0, ro.failed);
	assert_int_equal(42, ro.started);
	assert_string_equal("", ro.reason);
}

static void
fails_with_a_reason(void **state)
{
	char longish[ROLLOUT_REASON_MAX + 8];
	struct rollout ro = moving_on;
	struct rollout_input in = input_for(&ro, ROLLOUT_BROKE);
	json_t *value;

	(void)state;
	in.generation = 7;
	rollout_step(&ro, &in);
	assert_int_equal(1, ro.live);
	assert_int_equal(2, ro.failed);
	assert_int_equal(7, ro.generation);
	assert_string_equal("it fell over", ro.reason);

	/* One that has to be cut within a character stays JSON. */
	memset(longish, 'x', sizeof(longish));
	memcpy(longish + ROLLOUT_REASON_MAX - 3, "\xe2\x82\xac", 4);
	ro = moving_on;
	in.reason = longish;
	rollout_step(&ro, &in);
	assert_int_equal(ROLLOUT_REASON_MAX - 3, strlen(ro.reason));
	value = rollout_encode(&ro);
	assert_non_null(value);
	json_decref(value);
}

static void
asks_before_all_else(void **state)
{
	struct rollout ro = moving_on;
	struct rollout_input in = input_for(&ro, ROLLOUT_ASKED);

	(void)state;
	in.broken = in.ready = in.stopped = 1;
	in.reason = "";
	assert_int_equal(ROLLOUT_DID_BEGIN, rollout_step(&ro, &in));
	in = input_for(&ro, ROLLOUT_BROKE);
	in.ready = 1;
	assert_int_equal(ROLLOUT_DID_FAIL, rollout_step(&ro, &in));
}

static void
returns_to_what_is_live(void **state)
{
	struct rollout ro = moving_on;
	struct rollout_input in = input_for(&ro, ROLLOUT_QUIET);

	(void)state;
	in.version = 1;
	assert_int_equal(ROLLOUT_DID_BEGIN, rollout_step(&ro, &in));
	assert_int_equal(ROLLOUT_LIVE, rollout_state(&ro));
}

static void
survives_its_record(void **state)
{
	static const struct rollout ro = {.live = 3,
	    .target = 4,
	    .failed = 4,
	    .next = 99,
	    .parked = 1,
	    .generation = 12,
	    .started = INT64_C(1795350000000000),
	    .reason = "did not listen on port 5000 within 60 s"};
	struct rollout back;
	json_t *value;

	(void)state;
	value = rollout_encode(&ro);
	rollout_decode(&back, value);
	json_decref(value);
	assert_memory_equal(&ro, &back, sizeof(ro));
	rollout_decode(&back, NULL);
	assert_memory_equal(&none, &back, sizeof(none));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tells_its_state),
	    cmocka_unit_test(walks_the_whole_table),
	    cmocka_unit_test(begins),
	    cmocka_unit_test(fails_with_a_reason),
	    cmocka_unit_test(asks_before_all_else),
	    cmocka_unit_test(returns_to_what_is_live),
	    cmocka_unit_test(survives_its_record),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
