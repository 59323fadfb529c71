#include <sys/queue.h>

#include <bsd/string.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "node/drain.h"
#include "store/keys.h"

#define ASK_MIN_US     (20 * 1000ULL)
#define ASK_MAX_US     (100 * 1000ULL)
#define ASK_TIMEOUT_MS 2000
#define BODY_MAX       (64 * 1024)

struct drain {
	struct drains *drains;
	sd_event_source *timer;
	struct fetch_call *call;
	uint64_t id;
	uint64_t revision;
	uint64_t delay;
	drain_cb cb;
	void *arg;
};

struct drains {
	sd_event *event;
	struct fetch *fetch;
	char socket[256];
	int complained;
};

static int
in_flight_none(json_t *instances, uint64_t id)
{
	json_t *inst, *in_flight;
	const char *text;
	uint64_t one;
	size_t i;

	json_array_foreach (instances, i, inst) {
		text = json_string_value(json_object_get(inst, "id"));
		in_flight = json_object_get(inst, "in_flight");
		if (text == NULL || key_parse_id(text, &one) == -1 ||
		    !json_is_integer(in_flight))
			return -1;
		if (one == id)
			return json_integer_value(in_flight) == 0;
	}
	return 1;
}

int
drain_judge(const char *body, size_t len, uint64_t id, uint64_t revision)
{
	json_t *page, *at, *instances;
	int verdict = -1;

	if ((page = json_loadb(body, len, 0, NULL)) == NULL)
		return -1;
	at = json_object_get(json_object_get(page, "routes"), "revision");
	instances = json_object_get(page, "instances");
	if (json_is_integer(at) && json_is_array(instances)) {
		if ((uint64_t)json_integer_value(at) < revision)
			verdict = 0;
		else
			verdict = in_flight_none(instances, id);
	}
	json_decref(page);
	return verdict;
}

static void
ask_later(struct drain *d)
{
	int r;

	r = sd_event_source_set_time_relative(d->timer, d->delay);
	if (r >= 0)
		r = sd_event_source_set_enabled(d->timer, SD_EVENT_ONESHOT);
	if (r < 0)
		log_err("drain: cannot set a timer: %s", strerror(-r));
	d->delay += d->delay / 2;
	if (d->delay > ASK_MAX_US)
		d->delay = ASK_MAX_US;
}

static void
answered(const struct fetch_answer *answer, void *arg)
{
	struct drain *d = arg;
	int verdict;

	d->call = NULL;
	if (answer->refused) {
		d->cb(d->arg);
		return;
	}
	verdict = answer->status != 200 ? -1
					: drain_judge(answer->body, answer->len,
					      d->id, d->revision);
	if (verdict == 1) {
		d->cb(d->arg);
		return;
	}
	if (verdict == -1 && !d->drains->complained) {
		d->drains->complained = 1;
		log_warn("drain: no use in the answer of %s: %s",
		    d->drains->socket,
		    answer->status == 0 ? answer->why : "not what was asked");
	}
	if (verdict != -1)
		d->drains->complained = 0;
	ask_later(d);
}

static int
ask(sd_event_source *source, uint64_t now, void *arg)
{
	struct drain *d = arg;
	char url[64];
	struct fetch_what what = {
	    .url = url,
	    .socket = d->drains->socket,
	    .timeout_ms = ASK_TIMEOUT_MS,
	    .body_max = BODY_MAX,
	};

	(void)source;
	(void)now;
	snprintf(url, sizeof(url),
	    "http://localhost/status?instance=%016" PRIx64, d->id);
	d->call = fetch_get(d->drains->fetch, &what, answered, d);
	if (d->call == NULL)
		ask_later(d);
	return 0;
}

struct drains *
drains_open(sd_event *event, struct fetch *fetch, const char *socket)
{
	struct drains *drains;

	if ((drains = calloc(1, sizeof(*drains))) == NULL)
		return NULL;
	drains->event = event;
	drains->fetch = fetch;
	strlcpy(drains->socket, socket, sizeof(drains->socket));
	return drains;
}

void
drains_close(struct drains *drains)
{
	free(drains);
}

struct drain *
drain_start(struct drains *drains, uint64_t id, uint64_t revision, drain_cb cb,
    void *arg)
{
	struct drain *d;

	if ((d = calloc(1, sizeof(*d))) == NULL)
		return NULL;
	d->drains = drains;
	d->id = id;
	d->revision = revision;
	d->delay = ASK_MIN_US;
	d->cb = cb;
	d->arg = arg;
	if (sd_event_add_time_relative(drains->event, &d->timer,
		CLOCK_MONOTONIC, 0, 1000, ask, d) < 0) {
		free(d);
		errno = ENOMEM;
		return NULL;
	}
	return d;
}

void
drain_stop(struct drain *d)
{
	if (d == NULL)
		return;
	fetch_cancel(d->call);
	sd_event_source_disable_unref(d->timer);
	free(d);
}
