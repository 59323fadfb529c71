#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "node/health.h"

#define MS            1000ULL
#define START_PART    8 /* of the time that a start has taken so far */
#define START_MAX_US  (250 * MS)
#define LIVE_AGAIN_US (1000 * MS) /* after a look that failed */
#define PROCESS_US    (1000 * MS) /* what is not asked is ready by then */
#define EXACT_US      (5 * MS)
#define EXACTEST_US   (MS / 4)

/* Between two looks at a start, at least. */
static const uint64_t start_min_us[HEALTH_TYPES] = {
    [HEALTH_PORT] = 2 * MS,
    [HEALTH_HTTP] = 4 * MS,
    [HEALTH_COMMAND] = 20 * MS,
};

struct health {
	struct probe *probe;
	sd_event_source *timer; /* of the next look */
	int process;
	int live;
	int good;
	uint64_t live_us; /* between two looks */
	unsigned failures_max;
	unsigned restart;
	unsigned failures;
	int unable;     /* as of the last look */
	uint64_t begun; /* of a start, CLOCK_MONOTONIC in us */
	uint64_t least; /* between two looks at it */
	char why[PROBE_WHY];
	health_cb cb;
	void *arg;
};

/*
 * A tenth of it, up to a second, is nothing to an interval: looks at many
 * instances then share their wake-ups.
 */
static void
timer_set(struct health *h, uint64_t us)
{
	uint64_t accuracy = us / 10, least = h->live ? EXACT_US : EXACTEST_US;
	int r;

	if (accuracy < least)
		accuracy = least;
	else if (accuracy > 1000 * MS)
		accuracy = 1000 * MS;
	r = sd_event_source_set_time_accuracy(h->timer, accuracy);
	if (r >= 0)
		r = sd_event_source_set_time_relative(h->timer, us);
	if (r >= 0)
		r = sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT);
	if (r < 0)
		log_err("health: cannot set a timer: %s", strerror(-r));
}

/* Somewhere in the later half of it. */
static uint64_t
spread(uint64_t us)
{
	return us / 2 + arc4random_uniform((uint32_t)(us / 2 / MS) + 1) * MS;
}

static uint64_t
monotonic_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/*
 * The longer a start takes, the less a look that comes late adds to it: one
 * of 16 ms is seen to within 2 ms, and one of a second costs 43 looks in all.
 */
static uint64_t
start_delay(const struct health *h)
{
	uint64_t delay = (monotonic_us() - h->begun) / START_PART;

	if (delay < h->least)
		return h->least;
	return delay < START_MAX_US ? delay : START_MAX_US;
}

static void
look_next(struct health *h, int first)
{
	uint64_t delay = first ? spread(h->live_us) : h->live_us;

	if (h->process)
		return; /* it runs as long as it is watched */
	if (!h->live) {
		delay = start_delay(h);
	} else if (h->good && h->failures > 0 && delay > LIVE_AGAIN_US) {
		delay = LIVE_AGAIN_US;
	}
	timer_set(h, delay);
}

/* It stays what it was, whatever that is, and is looked at again soon. */
static void
look_failed(struct health *h, const char *why)
{
	if (!h->unable)
		log_warn("health: cannot look at an instance: %s", why);
	h->unable = 1;
	timer_set(h, h->live ? LIVE_AGAIN_US : start_delay(h));
}

/* why is NULL if it did well. */
static void
looked(enum probe_result result, const char *why, void *arg)
{
	struct health *h = arg;
	int good = result == PROBE_WELL, was = h->good, dead = health_dead(h);
	int first = good && !h->live;

	if (result == PROBE_UNABLE) {
		look_failed(h, why);
		return;
	}
	h->unable = 0;
	if (!good)
		strlcpy(h->why, why, sizeof(h->why));
	if (good) {
		h->live = 1;
		h->failures = 0;
		h->good = 1;
	} else if (h->live && ++h->failures >= h->failures_max) {
		h->good = 0;
	}
	look_next(h, first);
	if (h->good != was || (!good && health_dead(h) != dead))
		h->cb(h->arg);
}

static int
health_time(sd_event_source *source, uint64_t now, void *arg)
{
	struct health *h = arg;

	(void)source;
	(void)now;
	probe_start(h->probe);
	return 0;
}

static uint64_t
first_delay(const struct health *h)
{
	if (h->process)
		return h->live ? 0 : PROCESS_US;
	if (!h->live || !h->good)
		return 0;
	return arc4random_uniform((uint32_t)(h->live_us / MS) + 1) * MS;
}

struct health *
health_open(sd_event *event, struct fetch *fetch,
    const struct health_what *what, health_cb cb, void *arg)
{
	struct health *h;
	uint64_t interval = what->interval, delay;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return NULL;
	h->cb = cb;
	h->arg = arg;
	h->live = what->live;
	h->good = what->live && what->good;
	h->begun = monotonic_us();
	h->least = start_min_us[what->probe.type];
	h->process = what->probe.type == HEALTH_PROCESS;
	h->live_us = (interval != 0 ? interval : HEALTH_INTERVAL) * 1000 * MS;
	h->failures_max =
	    what->failures != 0 ? what->failures : HEALTH_FAILURES;
	h->restart = what->restart;
	if (h->live && !h->good)
		h->failures = h->failures_max;
	strlcpy(h->why, "it was not asked yet", sizeof(h->why));
	delay = first_delay(h);
	if ((h->probe = probe_open(event, fetch, &what->probe, looked, h)) ==
		NULL ||
	    sd_event_add_time_relative(event, &h->timer, CLOCK_MONOTONIC, delay,
		EXACTEST_US, health_time, h) < 0) {
		health_close(h);
		errno = ENOMEM;
		return NULL;
	}
	return h;
}

void
health_close(struct health *h)
{
	if (h == NULL)
		return;
	probe_close(h->probe);
	sd_event_source_disable_unref(h->timer);
	free(h);
}

int
health_good(const struct health *h)
{
	return h->good;
}

int
health_dead(const struct health *h)
{
	return h->live && h->restart != 0 && h->failures >= h->restart;
}

const char *
health_why(const struct health *h)
{
	return h->why;
}
