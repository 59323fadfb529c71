/* Answers that were kept for an Idempotency-Key go after a day. */
#include "api/http/idempotency_sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "api/http/id.h"
#include "api/http/idempotency.h"
#include "api/server.h"
#include "common/log.h"
#include "store/keys.h"

#define HOUR        (3600 * 1000000LL)
#define SWEEP_EVERY (600 * 1000000ULL) /* us */
#define SWEEP_NEXT  (100 * 1000ULL)    /* us, while there are more */

struct idempotency_sweep {
	struct api *api;
	sd_event_source *timer;
	struct store_txn *txn; /* while a slice is filled */
	int64_t before;        /* hours */
	int count;
	int busy; /* a commit will call back */
};

/* In the order of hours: the oldest come first. */
static int
sweep_add(const char *key, uint64_t rev, void *arg)
{
	struct idempotency_sweep *s = arg;
	char hour[16];

	if (key_part(key, 1, hour, sizeof(hour)) == -1 ||
	    strtoll(hour, NULL, 10) >= s->before)
		return 1;
	store_if(s->txn, key, rev);
	store_del(s->txn, key);
	return ++s->count == STORE_OPS_MAX;
}

static void
sweep_arm(struct idempotency_sweep *s, uint64_t us)
{
	(void)sd_event_source_set_time_relative(s->timer, us);
	(void)sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

static void
sweep_committed(enum store_result result, uint64_t rev, void *arg)
{
	struct idempotency_sweep *s = arg;
	int more = s->count == STORE_OPS_MAX || result == STORE_CONFLICT;

	(void)rev;
	s->busy = 0;
	if (result != STORE_OK && result != STORE_CONFLICT) {
		log_warn("api: old answers stay for now: %s",
		    store_strerror(result));
		more = 0;
	}
	sweep_arm(s, more ? SWEEP_NEXT : SWEEP_EVERY);
}

static int
sweep_on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct idempotency_sweep *s = arg;

	(void)source;
	(void)usec;
	if (s->busy)
		return 0;
	s->txn = store_begin(s->api->store);
	s->before = id_now() / HOUR - IDEMPOTENCY_HOURS;
	s->count = 0;
	(void)store_each_key(s->api->store, "idem/", "idem/", sweep_add, s);
	if (s->count == 0) {
		store_abandon(s->txn);
		sweep_arm(s, SWEEP_EVERY);
		return 0;
	}
	s->busy = 1;
	store_commit(s->txn, sweep_committed, s);
	return 0;
}

struct idempotency_sweep *
idempotency_sweep_open(struct api *api, char err[PAAS_ERRLEN])
{
	struct idempotency_sweep *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	s->api = api;
	r = sd_event_add_time_relative(api->event, &s->timer, CLOCK_BOOTTIME,
	    SWEEP_NEXT, 0, sweep_on_timer, s);
	if (r < 0) {
		snprintf(err, PAAS_ERRLEN, "event loop: %s", strerror(-r));
		free(s);
		return NULL;
	}
	return s;
}

void
idempotency_sweep_close(struct idempotency_sweep *s)
{
	if (s == NULL)
		return;
	sd_event_source_disable_unref(s->timer);
	free(s);
}
