/* sources: manager/schedule/autoscale.c manager/schedule/load.c manager/schedule/pace_setting.c; libs: -ljansson -lm */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "schedule/autoscale.h"
#include "schedule/pace_setting.h"

#define SECOND 1000000ULL
#define STEP   2 /* seconds between samples, as the pace has it */

/*
 * An app under a load, played with a clock of its own: each instance works off
 * `capacity` requests a second in `service` seconds each, what is over that
 * waits, and new instances serve `start` seconds after they were asked for.
 */
struct plant {
	struct autoscale as;
	struct autoscale_how how;
	double (*load)(double t); /* requests a second */
	double capacity, service;
	unsigned int start;
	int (*lost)(double t); /* no sample then */

	double t, backlog;
	uint32_t quantity, ready, most, least;
	double due; /* when those asked for last are ready */
	unsigned int changes, ups, downs;
	char why[AUTOSCALE_WHY_MAX], said[AUTOSCALE_WHY_MAX];
};

static void
count_latency(uint64_t latency[LOAD_BUCKETS], double ms, uint64_t n)
{
	size_t i = 0;

	while (i + 1 < LOAD_BUCKETS && ms > load_limits[i])
		i++;
	latency[i] += n;
}

static void
take(struct plant *p, struct autoscale_sample *sample)
{
	double arrived, able, done, wait;

	memset(sample, 0, sizeof(*sample));
	if (p->t >= p->due)
		p->ready = p->quantity;
	arrived = p->load(p->t) * STEP;
	able = p->ready * p->capacity * STEP;
	done = fmin(p->backlog + arrived, able);
	p->backlog += arrived - done;
	wait = p->ready > 0 ? p->backlog / (p->ready * p->capacity) : 60;
	sample->now = (uint64_t)((1000 + p->t) * SECOND);
	sample->quantity = p->quantity;
	sample->ready = p->ready;
	sample->in_flight =
	    (uint64_t)lround(p->backlog + done / STEP * p->service);
	sample->counted = 1;
	count_latency(sample->latency, (p->service + wait) * 1000,
	    (uint64_t)lround(done));
}

static void
change(struct plant *p, uint32_t n)
{
	p->changes++;
	if (n > p->quantity) {
		p->ups++;
		p->due = p->t + p->start;
	} else {
		p->downs++;
		if (p->ready > n)
			p->ready = n;
	}
	p->quantity = n;
	p->most = n > p->most ? n : p->most;
	p->least = n < p->least ? n : p->least;
	/* Whatever it does, it says why. */
	assert_true(p->why[0] != '\0');
	memcpy(p->said, p->why, sizeof(p->said));
}

/* The figures begin anew at each call. */
static void
play(struct plant *p, double seconds)
{
	double end = p->t + seconds;
	struct autoscale_sample sample;
	uint32_t n;

	p->changes = p->ups = p->downs = 0;
	p->most = p->least = p->quantity;
	for (; p->t < end; p->t += STEP) {
		take(p, &sample);
		if (p->lost != NULL && p->lost(p->t)) {
			autoscale_lost(&p->as);
			continue;
		}
		n = autoscale_decide(&p->as, &p->how, &sample, p->why);
		assert_in_range(n, p->how.min, p->how.max);
		if (n != p->quantity)
			change(p, n);
	}
}

/* 100 requests a second an instance, 50 ms each: 5 at once. */
static struct plant
plant(double (*load)(double))
{
	struct plant p = {
	    .how = {.min = 1, .max = 10, .concurrency = 4, .window = 300},
	    .load = load,
	    .capacity = 100,
	    .service = 0.05,
	    .start = 3,
	    .quantity = 1,
	    .ready = 1,
	};

	return p;
}

/* ---- loads --------------------------------------------------------------- */

static double
none(double t)
{
	(void)t;
	return 0;
}

static double
steady(double t)
{
	(void)t;
	return 300;
}

static double period;

static double
square(double t)
{
	return fmod(t, period) < period / 2 ? 600 : 60;
}

static double
ramp(double t)
{
	return t < 600 ? t : t < 1200 ? 1200 - t : 0;
}

/* Half to one and a half of 300, by a generator that any machine has. */
static double
noise(double t)
{
	uint32_t x = (uint32_t)(t * 7) * 2654435761U;

	x ^= x >> 15;
	x *= 2246822519U;
	x ^= x >> 13;
	return 150 + 300 * (x / 4294967296.0);
}

static double
cliff(double t)
{
	return t < 400 ? 600 : 20;
}

static int
every_other_minute(double t)
{
	return fmod(t, 120) >= 60;
}

static int
after_400(double t)
{
	return t >= 400;
}

/* ---- what has to hold ---------------------------------------------------- */

static void
follows_a_steady_load(void **state)
{
	struct plant p = plant(steady);

	(void)state;
	play(&p, 60);
	/* What has waited until there were enough asks for more, too. */
	assert_in_range(p.quantity, 4, 10);
	assert_in_range(p.changes, 1, 2);
	play(&p, 1200);
	assert_int_equal(0, p.ups);
	/* 300 a second are 15 at once, 4 for each instance. */
	assert_in_range(p.quantity, 4, 5);
	play(&p, 6 * 3600);
	assert_int_equal(0, p.changes);
	assert_int_equal(0, p.backlog);
}

/*
 * A wave within the window ends all changes once its height is known; one that
 * is slower is followed, once up and down each time.
 */
static void
does_not_flap_on_square_waves(void **state)
{
	static const double periods[] = {4, 10, 20, 30, 60, 120, 240, 300, 500};
	struct plant p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
		period = periods[i];
		p = plant(square);
		play(&p, 1500);
		play(&p, 6 * 3600);
		/* One less may be tried as old rates are forgotten. */
		if (p.ups != 0 || p.downs > 1)
			fail_msg("period %g s: %u changes", period, p.changes);
	}
	period = 1800;
	p = plant(square);
	play(&p, 1800);
	play(&p, 10 * 1800);
	/* Ten waves: up in a step or two, and down in as many. */
	assert_in_range(p.ups, 10, 30);
	assert_in_range(p.downs, 10, 30);
	assert_int_equal(1, p.least);
}

static void
does_not_flap_by_p95_either(void **state)
{
	static const double periods[] = {4, 20, 60, 240, 500};
	struct plant p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
		period = periods[i];
		p = plant(square);
		p.how.concurrency = 0;
		p.how.p95 = 200;
		play(&p, 1500);
		play(&p, 24 * 3600);
		/* Down by one a window, and anew each two hours at most. */
		if (p.ups > 36)
			fail_msg("period %g s: %u times up", period, p.ups);
	}
}

/* One that is as slow as allowed only while it has too few is not tried. */
static void
keeps_what_p95_needs(void **state)
{
	struct plant p = plant(steady);

	(void)state;
	p.how.concurrency = 0;
	p.how.p95 = 200;
	play(&p, 300);
	assert_in_range(p.quantity, 4, 10);
	play(&p, 3600);
	assert_int_equal(0, p.ups);
	assert_in_range(p.quantity, 3, 5);
	/* After 24 windows it is tried again, and back in a few steps. */
	play(&p, 24 * 3600);
	assert_in_range(p.ups, 0, 36);
	assert_in_range(p.least, 2, 4);
}

static void
follows_a_ramp(void **state)
{
	struct plant p = plant(ramp);
	unsigned int ups;

	(void)state;
	play(&p, 600);
	ups = p.ups;
	assert_int_equal(0, p.downs);
	assert_in_range(ups, 4, 9);
	assert_in_range(p.quantity, 7, 9);
	play(&p, 1200);
	assert_int_equal(0, p.ups);
	play(&p, 600);
	assert_int_equal(1, p.quantity);
}

static void
bears_noise(void **state)
{
	struct plant p = plant(noise);

	(void)state;
	play(&p, 700);
	play(&p, 4 * 3600);
	assert_in_range(p.changes, 0, 4);
	assert_in_range(p.quantity, 4, 7);
}

static void
changes_nothing_without_samples(void **state)
{
	struct plant p = plant(cliff);

	(void)state;
	p.lost = after_400;
	play(&p, 400);
	assert_in_range(p.quantity, 7, 10);
	play(&p, 3600);
	assert_int_equal(0, p.changes);
	/* They come again: a whole window has to pass. */
	p.lost = NULL;
	play(&p, 298);
	assert_int_equal(0, p.changes);
	play(&p, 60);
	assert_int_equal(1, p.downs);
	assert_int_equal(1, p.quantity);
	/* A window that is never whole is none. */
	p = plant(cliff);
	play(&p, 400);
	p.lost = every_other_minute;
	play(&p, 3600);
	assert_int_equal(0, p.changes);
}

static void
keeps_its_bounds(void **state)
{
	struct plant p = plant(none);

	(void)state;
	p.how.min = 3;
	p.quantity = p.ready = 5;
	play(&p, 1000);
	assert_int_equal(3, p.quantity);
	assert_int_equal(1, p.changes);
	p = plant(steady);
	p.how.max = 2;
	play(&p, 3600);
	assert_int_equal(2, p.quantity);
	assert_int_equal(1, p.changes);
}

/* What never comes ready is not asked for again and again. */
static void
waits_for_what_starts(void **state)
{
	struct plant p = plant(steady);

	(void)state;
	p.start = 1000000;
	p.how.max = 100;
	play(&p, 28);
	assert_int_equal(1, p.ups);
	assert_int_equal(5, p.quantity);
}

static void
says_why(void **state)
{
	struct plant p = plant(steady);

	(void)state;
	play(&p, 4);
	assert_non_null(strstr(p.said, "requests at once, over 4 an instance"));
	p = plant(steady);
	p.how.concurrency = 0;
	p.how.p95 = 200;
	play(&p, 20);
	assert_in_range(p.ups, 1, 2);
	assert_non_null(strstr(p.said, "ms over 200 ms"));
	p = plant(cliff);
	play(&p, 800);
	assert_non_null(strstr(p.said, "never more than 1 asked for in 300 s"));
}

static void
knows_percentiles(void **state)
{
	uint64_t latency[LOAD_BUCKETS] = {0}, count;

	(void)state;
	assert_true(autoscale_p95(latency, &count) == 0 && count == 0);
	latency[4] = 100; /* 50 to 100 ms */
	assert_true(fabs(autoscale_p95(latency, &count) - 97.5) < 1e-9);
	latency[5] = 100;
	assert_true(fabs(autoscale_p95(latency, &count) - 235) < 1e-9);
	assert_int_equal(200, count);
	memset(latency, 0, sizeof(latency));
	latency[LOAD_BUCKETS - 1] = 1; /* longer than the last limit */
	assert_true(autoscale_p95(latency, &count) == 10000);
}

/* ---- settings ------------------------------------------------------------ */

static void
reads_settings(void **state)
{
	static const struct {
		enum pace_group group;
		const char *given;
		const char *means; /* or, with '!', what the refusal says */
	} cases[] = {
	    {PACE_SLEEP, "{\"after\":\"30m\"}", "after=30m all=off"},
	    {PACE_SLEEP, "{\"after\":90}", "after=90s all=off"},
	    {PACE_SLEEP, "{\"after\":\"5400s\",\"all\":\"on\"}",
		"after=90m all=on"},
	    {PACE_SLEEP, "{\"after\":\"30d\",\"all\":true}",
		"after=30d all=on"},
	    {PACE_SLEEP, "{}", "!after has to be given"},
	    {PACE_SLEEP, "[]", "!an object"},
	    {PACE_SLEEP, "{\"after\":null}", "!after has to be"},
	    {PACE_SLEEP, "{\"after\":\"31d\"}", "!after has to be"},
	    {PACE_SLEEP, "{\"after\":\"1ms\"}", "!after has to be"},
	    {PACE_SLEEP, "{\"after\":\"-1s\"}", "!after has to be"},
	    {PACE_SLEEP, "{\"after\":\"1 h\"}", "!after has to be"},
	    {PACE_SLEEP, "{\"after\":\"999999999999d\"}", "!after has to be"},
	    {PACE_SLEEP, "{\"after\":\"1h\",\"all\":\"yes\"}",
		"!all has to be on or off"},
	    {PACE_SLEEP, "{\"before\":1}", "!there are after, all"},
	    {PACE_AUTOSCALE, "{\"max\":\"10\",\"concurrency\":20}",
		"min=1 max=10 concurrency=20 window=5m"},
	    {PACE_AUTOSCALE,
		"{\"min\":2,\"max\":2,\"p95\":\"1.5s\",\"window\":10}",
		"!p95 has to be"},
	    {PACE_AUTOSCALE,
		"{\"min\":2,\"max\":2,\"p95\":\"2s\",\"window\":10}",
		"min=2 max=2 p95=2s window=10s"},
	    {PACE_AUTOSCALE, "{\"max\":10,\"p95\":200,\"concurrency\":null}",
		"min=1 max=10 p95=200ms window=5m"},
	    {PACE_AUTOSCALE, "{\"max\":10}", "!concurrency or p95"},
	    {PACE_AUTOSCALE, "{\"concurrency\":10}", "!max has to be given"},
	    {PACE_AUTOSCALE, "{\"min\":0,\"max\":10,\"p95\":200}",
		"!min has to be a number from 1 on"},
	    {PACE_AUTOSCALE, "{\"min\":7,\"max\":6,\"p95\":200}",
		"!min has to be at most max"},
	    {PACE_AUTOSCALE, "{\"max\":51,\"p95\":200}",
		"!max has to be at most 50"},
	    {PACE_AUTOSCALE, "{\"max\":10,\"p95\":200,\"window\":\"9s\"}",
		"!window has to be"},
	    {PACE_AUTOSCALE, "{\"max\":true,\"p95\":200}", "!max has to be"},
	};
	char err[PAAS_ERRLEN], text[200];
	json_t *given, *set;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		given = json_loads(cases[i].given, 0, NULL);
		set = pace_setting_read(cases[i].group, given, 50, err);
		if (set == NULL && cases[i].means[0] != '!')
			fail_msg("%s: %s", cases[i].given, err);
		if (set == NULL && strstr(err, cases[i].means + 1) == NULL)
			fail_msg("%s: %s", cases[i].given, err);
		if (set != NULL) {
			pace_setting_describe(
			    cases[i].group, set, text, sizeof(text));
			assert_string_equal(cases[i].means, text);
		}
		json_decref(set);
		json_decref(given);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(follows_a_steady_load),
	    cmocka_unit_test(does_not_flap_on_square_waves),
	    cmocka_unit_test(does_not_flap_by_p95_either),
	    cmocka_unit_test(keeps_what_p95_needs),
	    cmocka_unit_test(follows_a_ramp),
	    cmocka_unit_test(bears_noise),
	    cmocka_unit_test(changes_nothing_without_samples),
	    cmocka_unit_test(keeps_its_bounds),
	    cmocka_unit_test(waits_for_what_starts),
	    cmocka_unit_test(says_why),
	    cmocka_unit_test(knows_percentiles),
	    cmocka_unit_test(reads_settings),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
