/* sources: manager/schedule/crontab.c manager/schedule/crontick.c; libs: -lbsd */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "schedule/crontab.h"
#include "schedule/crontick.h"

#define MINUTE 60000000ULL
#define YEAR   (365 * 24 * 60)

static int64_t
minute_of(const char *text)
{
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &tm));
	return timegm(&tm) / 60;
}

/* By hand, from crontab(5); the first is a Sunday. */
static void
finds_the_next_time(void **state)
{
	static const struct {
		const char *text, *from, *next;
	} cases[] = {
	    {"* * * * *", "2026-11-22 10:00", "2026-11-22 10:01"},
	    {"*/5 * * * *", "2026-11-22 10:00", "2026-11-22 10:05"},
	    {"*/5 * * * *", "2026-11-22 10:59", "2026-11-22 11:00"},
	    {"7-59/20 * * * *", "2026-11-22 10:08", "2026-11-22 10:27"},
	    {"50/5 * * * *", "2026-11-22 10:51", "2026-11-22 10:55"},
	    {"0 12 * * *", "2026-11-22 12:00", "2026-11-23 12:00"},
	    {"30 4 1 * *", "2026-11-22 10:00", "2026-12-01 04:30"},
	    {"0 0 1 jan *", "2026-11-22 10:00", "2027-01-01 00:00"},
	    {"0 0 * * mon", "2026-11-22 10:00", "2026-11-23 00:00"},
	    {"0 0 * * 0", "2026-11-22 00:00", "2026-11-29 00:00"},
	    {"0 0 * * 7", "2026-11-22 00:00", "2026-11-29 00:00"},
	    {"0 0 * * SUN", "2026-11-21 00:00", "2026-11-22 00:00"},
	    {"0 0 * * fri-sun", "2026-11-22 00:00", "2026-11-27 00:00"},
	    {"0 0 * * 1-5", "2026-11-20 00:00", "2026-11-23 00:00"},
	    {"0 9,17 * * *", "2026-11-22 09:00", "2026-11-22 17:00"},
	    {"5,1-3 * * * *", "2026-11-22 09:03", "2026-11-22 09:05"},
	    /* of two days that are given, either is enough */
	    {"0 0 13 * fri", "2026-11-22 00:00", "2026-11-27 00:00"},
	    {"0 0 13 * fri", "2026-12-12 00:00", "2026-12-13 00:00"},
	    /* but with a star before one, both have to be */
	    {"0 0 */2 * fri", "2026-11-22 00:00", "2026-11-27 00:00"},
	    {"0 0 29 2 *", "2026-11-22 00:00", "2028-02-29 00:00"},
	    {"0 0 29 2 *", "2096-03-01 00:00", "2104-02-29 00:00"},
	    {"0 0 31 * *", "2026-11-22 00:00", "2026-12-31 00:00"},
	    {"59 23 31 12 *", "2026-12-31 23:59", "2027-12-31 23:59"},
	    {"@hourly", "2026-11-22 10:00", "2026-11-22 11:00"},
	    {"@daily", "2026-11-22 10:00", "2026-11-23 00:00"},
	    {"@Midnight", "2026-11-22 10:00", "2026-11-23 00:00"},
	    {"@weekly", "2026-11-22 10:00", "2026-11-29 00:00"},
	    {"@monthly", "2026-11-22 10:00", "2026-12-01 00:00"},
	    {"@yearly", "2026-11-22 10:00", "2027-01-01 00:00"},
	    {"  0\t0  * *  * ", "2026-11-22 10:00", "2026-11-23 00:00"},
	    {"0 0 30 2 *", "2026-11-22 10:00", NULL},
	    {"0 0 31 4,6,9,11 *", "2026-11-22 10:00", NULL},
	};
	char err[PAAS_ERRLEN];
	struct crontab tab;
	int64_t next, minute;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (crontab_parse(&tab, cases[i].text, err) == -1)
			fail_msg("%s: %s", cases[i].text, err);
		minute = minute_of(cases[i].from);
		next = crontab_next(&tab, minute);
		if (next !=
		    (cases[i].next != NULL ? minute_of(cases[i].next) : -1))
			fail_msg("%s from %s: %+lld minutes", cases[i].text,
			    cases[i].from, (long long)(next - minute));
		if (next != -1)
			assert_int_equal(1, crontab_due(&tab, next));
	}
}

/* What is stepped over is really not due, and no step goes too far. */
static void
agrees_with_each_minute(void **state)
{
	static const char *const texts[] = {"*/7 */5 * * *", "3 3 */3 * *",
	    "0 0 13 * fri", "15,45 8-17 * 2,5 mon-fri", "0 6 1-7 * */2"};
	int64_t from = minute_of("2026-01-01 00:00"), minute, next;
	char err[PAAS_ERRLEN];
	struct crontab tab;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(0, crontab_parse(&tab, texts[i], err));
		next = crontab_next(&tab, from);
		for (minute = from + 1; minute < from + YEAR; minute++) {
			assert_int_equal(
			    minute == next, crontab_due(&tab, minute));
			if (minute == next)
				next = crontab_next(&tab, minute);
		}
	}
}

static void
refuses_what_is_none(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
	    {"", "five fields"},
	    {"* * * *", "five fields"},
	    {"* * * * * *", "five fields"},
	    {"@reboot", "five fields"},
	    {"@", "five fields"},
	    {"60 * * * *", "minute \"60\""},
	    {"-1 * * * *", "minute"},
	    {"5- * * * *", "minute"},
	    {"9-5 * * * *", "minute"},
	    {"*/0 * * * *", "minute"},
	    {"*/60 * * * *", "minute"},
	    {"*/ * * * *", "minute"},
	    {"1,,2 * * * *", "minute"},
	    {"1, * * * *", "minute"},
	    {"1.5 * * * *", "minute"},
	    {"+5 * * * *", "minute"},
	    {"99999999999999999999 * * * *", "minute"},
	    {"* 24 * * *", "hour"},
	    {"* * 0 * *", "day of the month"},
	    {"* * 32 * *", "day of the month"},
	    {"* * * 0 *", "month"},
	    {"* * * 13 *", "month"},
	    {"* * * january *", "month \"january\""},
	    {"* * * * 8", "day of the week"},
	    {"* * * * mo", "day of the week"},
	    {"* * * * mon-", "day of the week"},
	    {"** * * * *", "minute"},
	};
	char err[PAAS_ERRLEN], text[400];
	struct crontab tab;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (crontab_parse(&tab, cases[i].text, err) == 0)
			fail_msg("%s was taken", cases[i].text);
		if (strstr(err, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].text, err);
	}
	memset(text, '1', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(-1, crontab_parse(&tab, text, err));
}

/* ---- the clock ----------------------------------------------------------- */

struct look {
	int64_t minute;  /* of the clock that is set */
	uint64_t steady; /* minutes of the other one */
	int64_t first, last;
};

static void
looks(const struct look *look, size_t n)
{
	struct crontick tick = {0};
	int64_t first, last;
	size_t i;

	for (i = 0; i < n; i++) {
		crontick_look(&tick, look[i].minute, look[i].steady * MINUTE,
		    &first, &last);
		assert_int_equal(look[i].first, first);
		assert_int_equal(look[i].last, last);
	}
}

static void
looks_at_each_minute_once(void **state)
{
	static const struct look steady[] = {{1000, 1, 1000, 1000},
	    {1001, 2, 1001, 1001}, {1001, 2, 1002, 1001}, {1002, 3, 1002, 1002},
	    /* stopped for three minutes: these are late, not missed */
	    {1005, 6, 1003, 1005},
	    /* for an hour: they are */
	    {1065, 66, 1065, 1065}, {1066, 67, 1066, 1066}};
	static const struct look ahead[] = {{1000, 1, 1000, 1000},
	    {1000 + YEAR, 2, 1000 + YEAR, 1000 + YEAR},
	    {1001 + YEAR, 3, 1001 + YEAR, 1001 + YEAR},
	    /* by three minutes, which is no pause */
	    {1005 + YEAR, 4, 1005 + YEAR, 1005 + YEAR}};
	static const struct look back[] = {
	    {1000 + YEAR, 1, 1000 + YEAR, 1000 + YEAR}, {1000, 2, 1000, 1000},
	    {1001, 3, 1001, 1001}, {999, 4, 999, 999}, {1000, 5, 1000, 1000}};

	(void)state;
	looks(steady, sizeof(steady) / sizeof(steady[0]));
	looks(ahead, sizeof(ahead) / sizeof(ahead[0]));
	looks(back, sizeof(back) / sizeof(back[0]));
}

static void
runs_for_a_time_once(void **state)
{
	(void)state;
	assert_int_equal(1, crontick_is_new(1000, 0));
	assert_int_equal(0, crontick_is_new(1000, 1000));
	assert_int_equal(1, crontick_is_new(1001, 1000));
	/* set back by an hour, and by a year */
	assert_int_equal(0, crontick_is_new(1000, 1060));
	assert_int_equal(1, crontick_is_new(1000, 1000 + YEAR));
}

/* A year either way, and back: as many runs as minutes have gone by. */
static void
makes_no_storm(void **state)
{
	static const int64_t moves[] = {0, YEAR, -YEAR, 0, -30, 60, 3, -3};
	int64_t first, last, minute, before = 0, offset, runs;
	struct crontick tick = {0};
	struct crontab tab;
	char err[PAAS_ERRLEN];
	uint64_t steady = 0;
	size_t i, k;

	(void)state;
	assert_int_equal(0, crontab_parse(&tab, "* * * * *", err));
	for (i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
		offset = minute_of("2026-11-22 10:00") + moves[i];
		runs = 0;
		for (k = 0; k < 200; k++, steady++) {
			crontick_look(&tick, offset + (int64_t)steady,
			    steady * MINUTE, &first, &last);
			for (minute = first; minute <= last; minute++) {
				if (!crontab_due(&tab, minute) ||
				    !crontick_is_new(minute, before))
					continue;
				before = minute;
				runs++;
			}
		}
		assert_in_range(runs, 100, 200);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_the_next_time),
	    cmocka_unit_test(agrees_with_each_minute),
	    cmocka_unit_test(refuses_what_is_none),
	    cmocka_unit_test(looks_at_each_minute_once),
	    cmocka_unit_test(runs_for_a_time_once),
	    cmocka_unit_test(makes_no_storm),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
