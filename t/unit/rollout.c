/* sources: manager/schedule/rollout.c manager/schedule/strategy.c manager/store/moment.c; libs: -ljansson */
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
static const struct rollout releasing = {
    .live = 1, .target = 2, .phase = ROLLOUT_PHASE_RELEASE};
static const struct rollout raising = {
    .live = 1, .target = 2, .phase = ROLLOUT_PHASE_RAISE};
static const struct rollout canary = {
    .live = 1, .target = 2, .phase = ROLLOUT_PHASE_CANARY};
static const struct rollout live = {.live = 1, .target = 1};
static const struct rollout failed = {
    .target = 1, .failed = 1, .generation = 5, .reason = "no"};
static const struct rollout failed_on = {
    .live = 1, .target = 2, .failed = 2, .generation = 5, .reason = "no"};
static const struct rollout unreleased = {
    .target = 1, .failed = 1, .unreleased = 1, .generation = 5, .reason = "no"};
static const struct rollout parked = {
    .target = 1, .failed = 1, .parked = 1, .generation = 5, .reason = "no"};

static void
tells_its_state(void **state)
{
	(void)state;
	assert_int_equal(ROLLOUT_NONE, rollout_state(&none));
	assert_int_equal(ROLLOUT_MOVING, rollout_state(&moving));
	assert_int_equal(ROLLOUT_MOVING, rollout_state(&moving_on));
	assert_int_equal(ROLLOUT_RELEASING, rollout_state(&releasing));
	assert_int_equal(ROLLOUT_RAISING, rollout_state(&raising));
	assert_int_equal(ROLLOUT_CANARY, rollout_state(&canary));
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
	case ROLLOUT_ABORT:
		in.aborted = ro->target;
		in.reason = "somebody aborted it";
		break;
	case ROLLOUT_RELEASED:
		in.released = 1;
		break;
	case ROLLOUT_PROMOTE:
		in.promoted = ro->target;
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
#define RE ROLLOUT_DID_RELEASE
#define CA ROLLOUT_DID_CANARY
#define MO ROLLOUT_DID_MOVE
	    /* ASKED ABORT BROKE RELEASED PROMOTE READY STOP RETRY QUIET */
	    {&none, {BE, _, _, _, _, _, _, _, _}},
	    {&releasing, {BE, FA, FA, RE, _, _, _, _, _}},
	    {&raising, {BE, FA, FA, _, MO, CA, _, _, _}},
	    {&canary, {BE, FA, FA, _, MO, _, _, _, _}},
	    {&moving, {BE, FA, FA, _, _, PR, _, _, _}},
	    {&moving_on, {BE, FA, FA, _, _, PR, _, _, _}},
	    {&live, {BE, _, _, _, _, _, _, _, _}},
	    {&failed, {BE, _, _, _, _, _, PA, BE, _}},
	    {&unreleased, {BE, _, _, _, _, _, PA, _, _}},
	    {&failed_on, {BE, _, _, _, _, _, _, _, _}},
	    /* It is started again: each event without one of its own is that.
	     */
	    {&parked, {BE, _, _, _, BE, _, _, BE, BE}},
#undef RE
#undef CA
#undef MO
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

/* What comes first, by strategy and by what the release has. */
static void
begins_with_its_first_phase(void **state)
{
	static const struct {
		enum strategy_kind kind;
		uint32_t live, released;
		int releases, canary;
		enum rollout_state then, after;
	} rows[] = {
	    {STRATEGY_ROLLING, 1, 0, 0, 1, ROLLOUT_MOVING, ROLLOUT_MOVING},
	    {STRATEGY_BLUE_GREEN, 1, 0, 1, 1, ROLLOUT_RELEASING,
		ROLLOUT_MOVING},
	    {STRATEGY_CANARY, 1, 0, 0, 1, ROLLOUT_RAISING, ROLLOUT_RAISING},
	    {STRATEGY_CANARY, 1, 0, 1, 1, ROLLOUT_RELEASING, ROLLOUT_RAISING},
	    {STRATEGY_CANARY, 1, 0, 1, 0, ROLLOUT_RELEASING, ROLLOUT_MOVING},
	    {STRATEGY_CANARY, 0, 0, 0, 1, ROLLOUT_MOVING, ROLLOUT_MOVING},
	    /* Its release process has run: never twice. */
	    {STRATEGY_ROLLING, 1, 2, 1, 1, ROLLOUT_MOVING, ROLLOUT_MOVING},
	};
	struct rollout_input in;
	struct rollout ro;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&ro, 0, sizeof(ro));
		memset(&in, 0, sizeof(in));
		ro.live = ro.target = rows[i].live;
		ro.released = rows[i].released;
		in.version = 2;
		in.how.kind = rows[i].kind;
		in.releases = rows[i].releases;
		in.canary = rows[i].canary;
		rollout_step(&ro, &in);
		if (rollout_state(&ro) != rows[i].then)
			fail_msg("row %zu: %s", i,
			    rollout_state_name(rollout_state(&ro)));
		in.released = ro.phase == ROLLOUT_PHASE_RELEASE;
		rollout_step(&ro, &in);
		if (rollout_state(&ro) != rows[i].after)
			fail_msg("row %zu, after: %s", i,
			    rollout_state_name(rollout_state(&ro)));
		assert_int_equal(
		    in.released ? 2 : rows[i].released, ro.released);
	}
}

/* A failed release process is for ever; one that did well is not run again. */
static void
retries_no_release_process(void **state)
{
	struct rollout ro = {.target = 1, .phase = ROLLOUT_PHASE_RELEASE};
	struct rollout_input in = input_for(&ro, ROLLOUT_BROKE);

	(void)state;
	in.releases = 1;
	assert_int_equal(ROLLOUT_DID_FAIL, rollout_step(&ro, &in));
	assert_true(ro.unreleased);
	in = input_for(&ro, ROLLOUT_RETRY);
	in.releases = 1;
	assert_int_equal(ROLLOUT_DID_NOTHING, rollout_step(&ro, &in));

	ro = failed;
	ro.released = 1;
	in = input_for(&ro, ROLLOUT_RETRY);
	in.releases = 1;
	assert_int_equal(ROLLOUT_DID_BEGIN, rollout_step(&ro, &in));
	assert_int_equal(ROLLOUT_MOVING, rollout_state(&ro));

	/* Nor what somebody has aborted. */
	ro = failed;
	in = input_for(&ro, ROLLOUT_RETRY);
	in.aborted = 1;
	assert_int_equal(ROLLOUT_DID_NOTHING, rollout_step(&ro, &in));
}

/* What was said of an older release has nothing to say about this one. */
static void
obeys_for_this_version_alone(void **state)
{
	struct rollout ro = canary;
	struct rollout_input in = input_for(&ro, ROLLOUT_QUIET);

	(void)state;
	in.promoted = in.aborted = 1;
	assert_int_equal(ROLLOUT_DID_NOTHING, rollout_step(&ro, &in));

	/* Once it is obeyed, other things happen. */
	in.promoted = 2;
	in.ready = 1;
	assert_int_equal(ROLLOUT_DID_MOVE, rollout_step(&ro, &in));
	assert_int_equal(ROLLOUT_DID_PROMOTE, rollout_step(&ro, &in));
}

static void
survives_its_record(void **state)
{
	struct rollout ro = {.live = 3,
	    .target = 4,
	    .failed = 4,
	    .next = 99,
	    .parked = 1,
	    .generation = 12,
	    .run = 7,
	    .runs = 4,
	    .released = 4,
	    .unreleased = 1,
	    .phase = ROLLOUT_PHASE_CANARY,
	    .started = INT64_C(1795350000000000),
	    .progress = {INT64_C(1795350000001), 0xfedcba98},
	    .how = {STRATEGY_CANARY, {30, 1}, {2, 0}, 7, 90, 60},
	    .reason = "did not listen on port 5000 within 60 s"};
	struct rollout back;
	json_t *value;

	(void)state;
	value = rollout_encode(&ro);
	rollout_decode(&back, value);
	json_decref(value);
	assert_memory_equal(&ro, &back, sizeof(ro));

	/* None at all, with a strategy that is the default. */
	rollout_decode(&back, NULL);
	ro = none;
	strategy_decode(&ro.how, NULL);
	assert_memory_equal(&ro, &back, sizeof(none));
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
	    cmocka_unit_test(begins_with_its_first_phase),
	    cmocka_unit_test(retries_no_release_process),
	    cmocka_unit_test(obeys_for_this_version_alone),
	    cmocka_unit_test(survives_its_record),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
