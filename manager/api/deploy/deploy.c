#include "api/deploy/deploy.h"

#include <bsd/string.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/deploy/deploy_output.h"
#include "api/model.h"
#include "routing/routing.h"
#include "schedule/rollout.h"
#include "store/keys.h"

/* How often, and how long at most, a live release is waited for. */
#define ROUTED_EVERY_US 5000
#define ROUTED_MAX      1000

enum deploy_watch {
	WATCH_APP,
	WATCH_ROLLOUT,
	WATCH_ACTUAL,
	WATCH_RAN,
	WATCHES
};

struct deploy {
	struct api *api;
	const struct deploy_owner *owner;
	void *arg;
	struct store_watch *watches[WATCHES];
	sd_event_source *look; /* at the next turn of the loop */
	sd_event_source *timer;
	unsigned int waited; /* for the routes of a live release */
	json_t *states;      /* assignment -> the state that was told last */
	struct deploy_output *output; /* of its release process */
	int released;                 /* which has ended */
	uint64_t number;              /* of the app */
	char name[MODEL_NAME_MAX];
	char actual[64]; /* the prefix of its records */
	int64_t version;
};

static void
deploy_say(
    struct deploy *d, const char *name, const char *state, const char *reason)
{
	char line[PAAS_ERRLEN];

	snprintf(line, sizeof(line), "       %s is %s%s%s", name, state,
	    reason[0] != '\0' ? ": " : "", reason);
	d->owner->line(line, strlen(line), d->arg);
}

/* Tells what is new about an instance of the release. */
static int
deploy_instance(const char *key, json_t *actual, uint64_t rev, void *arg)
{
	struct deploy *d = arg;
	const char *state = model_text(actual, "state");
	char id[17], name[64];

	(void)rev;
	if (model_number(actual, "version") != d->version ||
	    key_part(key, 2, id, sizeof(id)) == -1 ||
	    strcmp(model_text(d->states, id), state) == 0)
		return 0;
	if (json_object_size(d->states) == 0)
		d->owner->started(d->arg);
	json_object_set_new(d->states, id, json_string(state));
	snprintf(name, sizeof(name), "%s.%" PRId64, model_text(actual, "type"),
	    model_number(actual, "index"));
	deploy_say(d, name, state, model_text(actual, "reason"));
	return 0;
}

static int
deploy_output_line(const char *text, size_t len, void *arg)
{
	struct deploy *d = arg;
	char *line;
	int n, rc;

	n = asprintf(&line, "       %.*s", (int)len, text);
	if (n < 0)
		return 0;
	rc = d->owner->line(line, (size_t)n, d->arg);
	free(line);
	return rc;
}

/* Tells what the release process prints, from when it is there. */
static void
deploy_release(struct deploy *d)
{
	static const char head[] = "-----> Running its release process";
	char key[STORE_KEY_MAX + 1];
	struct rollout ro;
	uint64_t id;
	json_t *ran;

	model_get_rollout(d->api, d->name, &ro);
	if (d->released || ro.run == 0 || ro.runs != (uint32_t)d->version)
		return;
	ran = store_get(d->api->store,
	    key_format(key, "ran/%s/%08" PRIu32, d->name, ro.run), NULL);
	if (d->output == NULL &&
	    key_parse_id(model_text(ran, "instance"), &id) == 0 && id != 0) {
		d->owner->line(head, sizeof(head) - 1, d->arg);
		d->output = deploy_output_open(
		    d->api, d->number, id, deploy_output_line, d);
	}
	if (strcmp(model_text(ran, "state"), "ended") == 0) {
		d->released = 1;
		if (d->output != NULL)
			deploy_output_finish(d->output);
	}
	json_decref(ran);
}

void
deploy_resume(struct deploy *d)
{
	deploy_output_resume(d->output);
}

/*
 * Live is what answers: the release is so once its routes are obeyed, too.
 * A route database that can't be written is no reason to wait for ever.
 */
static int
deploy_is_routed(struct deploy *d, uint64_t revision)
{
	if (routing_revision(d->api->routing) >= revision ||
	    d->waited++ >= ROUTED_MAX)
		return 1;
	(void)sd_event_source_set_time_relative(d->timer, ROUTED_EVERY_US);
	(void)sd_event_source_set_enabled(d->timer, SD_EVENT_ONESHOT);
	return 0;
}

/* Whether it is over; text is why it failed. */
static int
deploy_is_over(
    struct deploy *d, enum deploy_result *result, char *text, size_t len)
{
	char key[STORE_KEY_MAX + 1];
	json_t *app, *record;
	struct rollout ro;
	uint64_t revision;
	int over = 1;

	text[0] = '\0';
	app =
	    store_get(d->api->store, key_format(key, "app/%s", d->name), NULL);
	record = store_get(
	    d->api->store, key_format(key, "rollout/%s", d->name), &revision);
	rollout_decode(&ro, record);
	if (app == NULL)
		*result = DEPLOY_GONE;
	else if (ro.live == d->version) {
		*result = DEPLOY_LIVE;
		over = deploy_is_routed(d, revision);
	} else if (ro.failed == d->version) {
		*result = DEPLOY_FAILED;
		strlcpy(text, ro.reason, len);
	} else if (ro.target > d->version || ro.live > d->version)
		*result = DEPLOY_REPLACED;
	else if (ro.target == d->version &&
		 rollout_state(&ro) == ROLLOUT_CANARY) {
		*result = DEPLOY_CANARY;
		over = deploy_is_routed(d, revision);
	} else
		over = 0;
	json_decref(app);
	json_decref(record);
	return over;
}

/* What is, compared with what was told: nothing rests on a single event. */
static int
deploy_look(sd_event_source *source, void *arg)
{
	const struct deploy_owner *owner;
	struct deploy *d = arg;
	enum deploy_result result;
	char text[PAAS_ERRLEN];
	void *owner_arg;

	(void)source;
	deploy_release(d);
	(void)store_each(d->api->store, d->actual, deploy_instance, d);
	if (!deploy_is_over(d, &result, text, sizeof(text)))
		return 0;
	owner = d->owner;
	owner_arg = d->arg;
	deploy_close(d);
	owner->done(result, text, owner_arg);
	return 0;
}

static void
deploy_changed(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct deploy *d = arg;

	(void)key;
	(void)value;
	(void)rev;
	(void)sd_event_source_set_enabled(d->look, SD_EVENT_ONESHOT);
}

static int
deploy_waited(sd_event_source *source, uint64_t now, void *arg)
{
	(void)now;
	return deploy_look(source, arg);
}

struct deploy *
deploy_open(struct api *api, const char *name, uint64_t number, int64_t version,
    const struct deploy_owner *owner, void *arg)
{
	char prefix[STORE_KEY_MAX + 1];
	struct deploy *d;

	if ((d = calloc(1, sizeof(*d))) == NULL)
		return NULL;
	d->api = api;
	d->owner = owner;
	d->arg = arg;
	d->version = version;
	d->number = number;
	d->states = json_object();
	strlcpy(d->name, name, sizeof(d->name));
	model_actual_prefix(d->actual, sizeof(d->actual), "actual", number);
	if (sd_event_add_defer(api->event, &d->look, deploy_look, d) < 0 ||
	    sd_event_add_time_relative(api->event, &d->timer, CLOCK_MONOTONIC,
		0, 0, deploy_waited, d) < 0 ||
	    sd_event_source_set_enabled(d->timer, SD_EVENT_OFF) < 0) {
		deploy_close(d);
		return NULL;
	}
	d->watches[WATCH_APP] = store_watch(
	    api->store, key_format(prefix, "app/%s", name), deploy_changed, d);
	d->watches[WATCH_ROLLOUT] = store_watch(api->store,
	    key_format(prefix, "rollout/%s", name), deploy_changed, d);
	d->watches[WATCH_RAN] = store_watch(
	    api->store, key_format(prefix, "ran/%s/", name), deploy_changed, d);
	d->watches[WATCH_ACTUAL] =
	    store_watch(api->store, d->actual, deploy_changed, d);
	return d;
}

void
deploy_close(struct deploy *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < WATCHES; i++)
		if (d->watches[i] != NULL)
			store_unwatch(d->watches[i]);
	sd_event_source_disable_unref(d->look);
	sd_event_source_disable_unref(d->timer);
	deploy_output_close(d->output);
	json_decref(d->states);
	free(d);
}
