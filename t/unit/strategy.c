/* sources: manager/schedule/strategy.c; libs: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "schedule/strategy.h"

/* As text, "" for one that is refused; a number where `text` is one. */
static void
parses(const char *name, int number, const char *text, const char *expected)
{
	json_t *given =
	    number ? json_integer(strtol(text, NULL, 10)) : json_string(text);
	char err[PAAS_ERRLEN] = "", *got;
	json_t *value;

	value = strategy_parse(name, given, err);
	got = value != NULL ? json_dumps(value, JSON_ENCODE_ANY) : strdup("");
	if (strcmp(got, expected) != 0)
		fail_msg("%s=%s: %s, expected %s", name, text, got, expected);
	/* A refusal names the field. */
	if (value == NULL && strstr(err, name) == NULL)
		fail_msg("%s=%s: \"%s\"", name, text, err);
	free(got);
	json_decref(value);
	json_decref(given);
}

static void
reads_settings(void **state)
{
	(void)state;
	parses("strategy", 0, "rolling", "\"rolling\"");
	parses("strategy", 0, "blue-green", "\"blue-green\"");
	parses("strategy", 0, "blue_green", "\"blue-green\"");
	parses("strategy", 0, "canary", "\"canary\"");
	parses("strategy", 0, "recreate", "");
	parses("strategy", 0, "", "");
	parses("strategy", 1, "1", "");
	parses("max_surge", 0, "25%", "\"25%\"");
	parses("max_surge", 0, "100%", "\"100%\"");
	parses("max_surge", 0, "101%", "");
	parses("max_surge", 0, "3", "\"3\"");
	parses("max_surge", 1, "3", "\"3\"");
	parses("max_surge", 1, "-1", "");
	parses("max_surge", 0, "1000", "\"1000\"");
	parses("max_surge", 0, "1001", "");
	parses("max_surge", 0, "3 %", "");
	parses("max_surge", 0, "%", "");
	parses("max_surge", 0, "+3", "");
	parses("max_surge", 0, "0x3", "");
	parses("max_surge", 0, "99999999999999999999", "");
	parses("max_unavailable", 0, "0", "\"0\"");
	parses("canary_weight", 0, "10", "10");
	parses("canary_weight", 0, "10%", "10");
	parses("canary_weight", 1, "99", "99");
	parses("canary_weight", 1, "0", "");
	parses("canary_weight", 1, "100", "");
	parses("deadline", 1, "5", "5");
	parses("deadline", 0, "4", "");
	parses("deadline", 0, "90%", "");
	parses("release_timeout", 1, "86401", "");
	parses("surge", 0, "1", "");
}

static void
refuses_what_could_never_move(void **state)
{
	json_t *set =
	    json_pack("{s:s, s:s}", "max_surge", "0%", "max_unavailable", "0");
	char err[PAAS_ERRLEN] = "";

	(void)state;
	assert_int_equal(-1, strategy_check(set, err));
	assert_non_null(strstr(err, "max_surge"));
	json_object_set_new(set, "max_unavailable", json_string("1"));
	assert_int_equal(0, strategy_check(set, err));
	json_decref(set);
	assert_int_equal(0, strategy_check(NULL, err));
}

static void
shows_what_counts(void **state)
{
	json_t *set = json_pack("{s:s}", "strategy", "canary");
	json_t *all = strategy_show(set);
	char *text = json_dumps(all, JSON_COMPACT);

	(void)state;
	assert_string_equal("{\"strategy\":\"canary\",\"max_surge\":\"25%\","
			    "\"max_unavailable\":\"0\",\"canary_weight\":10,"
			    "\"deadline\":600,\"release_timeout\":600}",
	    text);
	free(text);
	json_decref(set);
	json_decref(all);
}

static void
counts_surge_and_unavailable(void **state)
{
	static const struct {
		struct strategy_part surge, unavailable;
		uint32_t quantity, more, fewer;
	} rows[] = {
	    /* the surge upwards, those that may be missing downwards */
	    {{25, 1}, {0, 0}, 1, 1, 0},
	    {{25, 1}, {0, 0}, 3, 1, 0},
	    {{25, 1}, {0, 0}, 4, 1, 0},
	    {{25, 1}, {0, 0}, 5, 2, 0},
	    {{25, 1}, {25, 1}, 10, 3, 2},
	    {{25, 1}, {25, 1}, 3, 1, 0},
	    {{100, 1}, {0, 0}, 7, 7, 0},
	    {{0, 1}, {34, 1}, 3, 0, 1},
	    {{2, 0}, {1, 0}, 3, 2, 1},
	    {{0, 0}, {1, 0}, 3, 0, 1},
	    /* never both nothing */
	    {{0, 1}, {25, 1}, 3, 1, 0},
	    {{0, 0}, {0, 0}, 9, 1, 0},
	    {{100, 1}, {100, 1}, 100000, 100000, 100000},
	    {{25, 1}, {25, 1}, 0, 1, 0},
	};
	struct strategy st;
	size_t i;

	(void)state;
	memset(&st, 0, sizeof(st));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		st.surge = rows[i].surge;
		st.unavailable = rows[i].unavailable;
		if (strategy_surge(&st, rows[i].quantity) != rows[i].more ||
		    strategy_unavailable(&st, rows[i].quantity) !=
			rows[i].fewer)
			fail_msg("row %zu: %u more, %u fewer", i,
			    strategy_surge(&st, rows[i].quantity),
			    strategy_unavailable(&st, rows[i].quantity));
	}
}

static void
counts_canaries(void **state)
{
	static const struct {
		uint32_t weight, quantity, n;
	} rows[] = {{10, 0, 0}, {10, 1, 1}, {1, 50, 1}, {10, 10, 1},
	    {10, 11, 2}, {50, 3, 2}, {99, 1, 1}, {99, 100, 99}};
	struct strategy st;
	size_t i;

	(void)state;
	memset(&st, 0, sizeof(st));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		st.weight = rows[i].weight;
		assert_int_equal(
		    rows[i].n, strategy_canaries(&st, rows[i].quantity));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_settings),
	    cmocka_unit_test(refuses_what_could_never_move),
	    cmocka_unit_test(shows_what_counts),
	    cmocka_unit_test(counts_surge_and_unavailable),
	    cmocka_unit_test(counts_canaries),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
