#include "schedule/pace.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <bsd/string.h>

#include "common/log.h"
#include "schedule/pace_impl.h"
#include "store/scale.h"

static int
pace_compare(const struct pace_app *a, const struct pace_app *b)
{
	return strcmp(a->name, b->name);
}

RB_GENERATE(pace_apps, pace_app, entry, pace_compare)

/* Counts on through a suspend, and nobody can set it. */
static uint64_t
boottime(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* ---- which apps ---------------------------------------------------------- */

static struct pace_app *
find(struct pace *pace, const char *name)
{
	struct pace_app key;

	if (strlcpy(key.name, name, sizeof(key.name)) >= sizeof(key.name))
		return NULL;
	return RB_FIND(pace_apps, &pace->apps, &key);
}

static struct pace_app *
add(struct pace *pace, const char *name)
{
	struct pace_app *app = calloc(1, sizeof(*app));

	if (app == NULL)
		log_fatal("pace: out of memory");
	app->pace = pace;
	strlcpy(app->name, name, sizeof(app->name));
	RB_INSERT(pace_apps, &pace->apps, app);
	return app;
}

static int
is_concerned(const struct pace_records *rec)
{
	return rec->app != NULL &&
	       (rec->scale != NULL || pace_app_period(rec) != 0);
}

/* Asks again in `us`, unless that is to be earlier anyway. */
static void
ask_in(struct pace *pace, uint64_t us)
{
	uint64_t now = boottime(), due = pace->asked + us;

	if (us == 0 || pace->asking)
		return;
	sd_event_source_set_time_relative(
	    pace->timer, due > now ? due - now : 0);
	sd_event_source_set_enabled(pace->timer, SD_EVENT_ONESHOT);
}

/* The shortest of all; 0: nobody's load matters. */
static uint64_t
period(struct pace *pace)
{
	struct pace_app *app;
	uint64_t least = 0;

	RB_FOREACH (app, pace_apps, &pace->apps)
		if (app->period != 0 && (least == 0 || app->period < least))
			least = app->period;
	return least;
}

/* Its records have changed. */
static void
look(struct pace *pace, const char *name)
{
	struct pace_app *app = find(pace, name);
	struct pace_records rec;

	pace_records_read(pace->store, name, &rec);
	if (is_concerned(&rec)) {
		if (app == NULL)
			app = add(pace, name);
		app->period = pace_app_period(&rec);
		pace_app_settle(app);
	} else if (app != NULL && !app->busy) {
		RB_REMOVE(pace_apps, &pace->apps, app);
		free(app);
	}
	pace_records_free(&rec);
	ask_in(pace, period(pace));
}

void
pace_app_again(struct pace_app *app)
{
	char name[sizeof(app->name)];

	strlcpy(name, app->name, sizeof(name));
	look(app->pace, name);
}

static void
on_named(const char *key, json_t *value, uint64_t rev, void *arg)
{
	char name[KEY_NAME_MAX + 1];

	(void)value, (void)rev;
	if (key_part(key, 1, name, sizeof(name)) == 0)
		look(arg, name);
}

/* ---- their load ---------------------------------------------------------- */

static struct load *
find_load(const char *name, void *arg)
{
	struct pace_app *app = find(arg, name);

	return app != NULL ? &app->load : NULL;
}

static void
on_page(json_t *page, void *arg)
{
	struct pace *pace = arg;
	struct pace_app *app;
	int valid;

	pace->asking = 0;
	RB_FOREACH (app, pace_apps, &pace->apps)
		memset(&app->load, 0, sizeof(app->load));
	valid = page != NULL && load_read(page, find_load, pace) == 0;
	RB_FOREACH (app, pace_apps, &pace->apps)
		pace_app_step(app, valid, boottime());
	ask_in(pace, period(pace));
}

static int
on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct pace *pace = arg;

	(void)source, (void)usec;
	if (pace->asking)
		return 0;
	pace->asked = boottime();
	pace->asking = 1;
	if (node_ask_load(pace->node, on_page, pace) == -1)
		on_page(NULL, pace);
	return 0;
}

static void
on_wake(const char *name, void *arg)
{
	struct pace_app *app = find(arg, name);

	if (app != NULL)
		pace_app_wake(app);
}

/* ---- open and close ------------------------------------------------------ */

static int
each_app(const char *key, json_t *value, uint64_t rev, void *arg)
{
	on_named(key, value, rev, arg);
	return 0;
}

struct pace *
pace_open(struct store *st, struct node *node, const struct conf *conf,
    sd_event *event, char err[PAAS_ERRLEN])
{
	static const char *const prefixes[PACE_WATCHES] = {
	    "app/", "formation/", "rollout/", "scale/"};
	struct pace *pace = calloc(1, sizeof(*pace));
	int i, rc;

	if (pace == NULL)
		log_fatal("pace: out of memory");
	pace->store = st;
	pace->node = node;
	pace->conf = conf;
	RB_INIT(&pace->apps);
	rc = sd_event_add_time_relative(
	    event, &pace->timer, CLOCK_BOOTTIME, 0, 1000, on_timer, pace);
	if (rc < 0) {
		snprintf(
		    err, PAAS_ERRLEN, "cannot set a timer: %s", strerror(-rc));
		free(pace);
		return NULL;
	}
	sd_event_source_set_enabled(pace->timer, SD_EVENT_OFF);
	for (i = 0; i < PACE_WATCHES; i++)
		pace->watches[i] = store_watch(st, prefixes[i], on_named, pace);
	node_on_wake(node, on_wake, pace);
	store_each(st, "app/", each_app, pace);
	return pace;
}

void
pace_close(struct pace *pace)
{
	struct pace_app *app, *next;
	int i;

	if (pace == NULL)
		return;
	node_on_wake(pace->node, NULL, NULL);
	for (i = 0; i < PACE_WATCHES; i++)
		store_unwatch(pace->watches[i]);
	sd_event_source_disable_unref(pace->timer);
	RB_FOREACH_SAFE (app, pace_apps, &pace->apps, next) {
		RB_REMOVE(pace_apps, &pace->apps, app);
		free(app);
	}
	free(pace);
}
