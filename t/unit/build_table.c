/* sources: manager/build/table.c manager/build/inspect.c manager/build/text.c manager/store/keys.c manager/common/log.c; libs: -ljansson -lsodium -lsystemd */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "build/room.h"

static void
the_usual_way(void **state)
{
	static const enum job_state way[] = {JOB_PENDING, JOB_NOTE_BUILD,
	    JOB_BUILD, JOB_WANT_CHECK, JOB_NOTE_CHECK, JOB_CHECK, JOB_NAME,
	    JOB_SEAL, JOB_RELEASE, JOB_CLEAN, JOB_DONE};
	size_t i;

	(void)state;
	for (i = 0; i + 1 < sizeof(way) / sizeof(way[0]); i++)
		assert_int_equal(table_next(way[i], JOB_OK), way[i + 1]);
}

/* From every state, whatever fails, the work is cleaned up in the end. */
static void
every_failure_is_cleaned(void **state)
{
	int s, steps;
	enum job_state at;

	(void)state;
	for (s = 0; s < JOB_DONE; s++) {
		at = (enum job_state)s;
		for (steps = 0; at != JOB_CLEAN && steps < JOB_STATES; steps++)
			at = table_next(
			    at, table_takes(at, JOB_BAD) ? JOB_BAD : JOB_OK);
		assert_int_equal(at, JOB_CLEAN);
		assert_int_equal(table_next(at, JOB_OK), JOB_DONE);
	}
}

/* A failure is committed before its traces go. */
static void
a_failure_is_told(void **state)
{
	int s;

	(void)state;
	for (s = JOB_PENDING; s <= JOB_RELEASE; s++) {
		assert_int_equal(
		    table_next((enum job_state)s, JOB_BAD), JOB_FAIL);
	}
}

static void
what_runs_can_be_stopped(void **state)
{
	static const enum job_state runs[] = {
	    JOB_BUILD, JOB_ADOPT_BUILD, JOB_CHECK, JOB_ADOPT_CHECK};
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		assert_int_equal(table_next(runs[i], JOB_LATE), JOB_STOP);
		assert_int_equal(table_next(runs[i], JOB_APPGONE), JOB_STOP);
	}
}

/* Whoever removes an app waits until its builds have a final state. */
static void
an_app_that_goes_is_a_failure(void **state)
{
	(void)state;
	assert_int_equal(table_next(JOB_PENDING, JOB_APPGONE), JOB_FAIL);
	assert_int_equal(table_next(JOB_WANT_CHECK, JOB_APPGONE), JOB_FAIL);
	assert_int_equal(table_next(JOB_STOP, JOB_OK), JOB_FAIL);
}

/* What waits for a commit or the launcher is not left before the answer. */
static void
answers_are_waited_for(void **state)
{
	static const enum job_state waits[] = {JOB_NOTE_BUILD, JOB_NOTE_CHECK,
	    JOB_NAME, JOB_SEAL, JOB_RELEASE, JOB_STOP, JOB_FAIL, JOB_CLEAN};
	size_t i;

	(void)state;
	for (i = 0; i < 8; i++) {
		assert_false(table_takes(waits[i], JOB_APPGONE));
		assert_false(table_takes(waits[i], JOB_LATE));
	}
}

static void
the_end_is_the_end(void **state)
{
	int e;

	(void)state;
	for (e = 0; e < JOB_EVENTS; e++)
		assert_false(table_takes(JOB_DONE, (enum job_event)e));
}

static void
resumes(void **state)
{
	(void)state;
	assert_int_equal(table_resume("pending"), JOB_PENDING);
	assert_int_equal(table_resume("running"), JOB_ADOPT_BUILD);
	assert_int_equal(table_resume("inspecting"), JOB_ADOPT_CHECK);
	assert_int_equal(table_resume("succeeded"), JOB_CLEAN);
	assert_int_equal(table_resume("failed"), JOB_CLEAN);
	assert_int_equal(table_resume("of the future"), JOB_FAIL);
}

/* ---- the inspection's answer ------------------------------------------- */

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int
answer(const char *text, char err[BUILD_REASON_MAX])
{
	struct inspection found = {.types = NULL};
	int result = inspect_parse(text, strlen(text), &found, err);

	json_decref(found.types);
	return result;
}

static void
good_answers(void **state)
{
	char err[BUILD_REASON_MAX];
	struct inspection found = {.types = NULL};
	static const char text[] =
	    "{\"hash\":\"" HASH "\",\"bytes\":12,\"entries\":3,"
	    "\"types\":{\"web\":\"npm start\"},\"buildpack\":\"Node.js\"}";

	(void)state;
	assert_int_equal(inspect_parse(text, strlen(text), &found, err), 0);
	assert_string_equal(found.hash, HASH);
	assert_int_equal(found.digest[1], 0x23);
	assert_int_equal(found.bytes, 12);
	assert_string_equal(found.buildpack, "Node.js");
	json_decref(found.types);
}

static void
bad_answers(void **state)
{
	char err[BUILD_REASON_MAX];

	(void)state;
	assert_int_equal(answer("", err), -1);
	assert_int_equal(answer("[]", err), -1);
	assert_int_equal(
	    answer("{\"error\":\"It is \\u001b[1mlarge.\"}", err), -1);
	assert_string_equal(err, "It is ?[1mlarge.");
#define WITH(hash, types)                                                   \
	"{\"hash\":\"" hash "\",\"bytes\":1,\"entries\":1,\"types\":" types \
	",\"buildpack\":\"x\"}"
	assert_int_equal(answer(WITH(HASH, "{\"web\":\"x\"}"), err), 0);
	assert_int_equal(answer(WITH("../..", "{\"web\":\"x\"}"), err), -1);
	assert_int_equal(answer(WITH(HASH "00", "{\"web\":\"x\"}"), err), -1);
	assert_int_equal(answer(WITH(HASH, "{}"), err), -1);
	assert_int_equal(answer(WITH(HASH, "{\"a/b\":\"x\"}"), err), -1);
	assert_int_equal(answer(WITH(HASH, "{\"web\":\"\"}"), err), -1);
	assert_int_equal(answer(WITH(HASH, "{\"web\":[]}"), err), -1);
}

static void
text_is_cleaned(void **state)
{
	char out[16];

	(void)state;
	text_clean(out, sizeof(out), "a\033b\nc\xff\xc2\x9b", 8);
	assert_string_equal(out, "a?b?c??");
	text_clean(out, 4, "h\xc3\xa9\xc3\xa9", 5);
	assert_string_equal(out, "h\xc3\xa9");
	text_clean(out, sizeof(out), "\xe2\x82", 2); /* cut short */
	assert_string_equal(out, "??");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_usual_way),
	    cmocka_unit_test(every_failure_is_cleaned),
	    cmocka_unit_test(a_failure_is_told),
	    cmocka_unit_test(what_runs_can_be_stopped),
	    cmocka_unit_test(an_app_that_goes_is_a_failure),
	    cmocka_unit_test(answers_are_waited_for),
	    cmocka_unit_test(the_end_is_the_end),
	    cmocka_unit_test(resumes),
	    cmocka_unit_test(good_answers),
	    cmocka_unit_test(bad_answers),
	    cmocka_unit_test(text_is_cleaned),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
