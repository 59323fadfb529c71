#include <bsd/string.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "node/logdrain_impl.h"

#define SOURCES_MAX 1024 /* followed at a time, of a drain */

struct drain_source *
logdrain_source(struct logdrain *d, uint64_t id)
{
	struct drain_source *source;

	TAILQ_FOREACH (source, &d->sources, entry) {
		if (source->id == id)
			return source;
	}
	return NULL;
}

struct drain_source *
logdrain_add_source(struct logdrain *d, uint64_t id, const char *name)
{
	struct drain_source *source = logdrain_source(d, id);

	if (source == NULL) {
		if ((source = calloc(1, sizeof(*source))) == NULL)
			return NULL;
		source->drain = d;
		source->id = id;
		TAILQ_INSERT_TAIL(&d->sources, source, entry);
		d->nsources++;
	}
	if (*name != '\0')
		strlcpy(source->name, name, sizeof(source->name));
	return source;
}

static void
source_free(struct drain_source *source)
{
	struct logdrain *d = source->drain;

	logfile_close(source->file);
	TAILQ_REMOVE(&d->sources, source, entry);
	d->nsources--;
	free(source);
}

/* ---- lines ------------------------------------------------------------- */

static const char *
source_name(uint64_t id, void *arg)
{
	const struct drain_source *source = logdrain_source(arg, id);

	return source != NULL && source->name[0] != '\0' ? source->name : NULL;
}

static void
request_put(struct logdrain *d, const struct drain_flight *flight,
    const struct logfile_line *line)
{
	char process[LOGFILE_NAME_MAX], *text;
	size_t len;

	text = logfile_request(line, source_name, d, process, &len);
	if (text == NULL)
		return;
	logdrain_line(d, flight, line->time, 'r', process, text, len);
	free(text);
}

static int
source_line(const struct logfile_line *line, void *arg)
{
	struct drain_source *source = arg;
	struct logdrain *d = source->drain;
	struct drain_flight flight = {.source = source->id};

	if (line->time < d->created)
		return 0;
	logfile_where(source->file, line, &flight.pos);
	if (source->id == LOGFILE_ROUTER && line->stream == 'o')
		request_put(d, &flight, line);
	else
		logdrain_line(d, &flight, line->time,
		    source->build ? 'p' : line->stream,
		    source->id == LOGFILE_ROUTER ? "router" : source->name,
		    line->text, line->len);
	return d->full;
}

static void
source_follow(struct drain_source *source)
{
	struct node *node = source->drain->all->node;

	if (source->file != NULL)
		return;
	source->file = logfile_follow(node->logs, source->drain->number,
	    source->id, source->done.ino != 0 ? &source->done : NULL,
	    source_line, source);
	if (source->file == NULL)
		log_warn("a log is not drained: %s", strerror(errno));
}

/* ---- the timeline ------------------------------------------------------ */

static int
event_put(const char *key, json_t *event, uint64_t rev, void *arg)
{
	struct drain_flight flight = {.source = 0};
	struct logdrain *d = arg;
	const char *kind, *text;
	char process[LOGFILE_NAME_MAX];
	int64_t at;

	(void)rev;
	if (d->full)
		return 1;
	if (key_part(key, 2, flight.event, sizeof(flight.event)) == -1 ||
	    strcmp(flight.event, d->event_sent) <= 0)
		return 0;
	strlcpy(d->event_sent, flight.event, sizeof(d->event_sent));
	at = json_integer_value(json_object_get(event, "at"));
	kind = json_string_value(json_object_get(event, "kind"));
	text = json_string_value(json_object_get(event, "text"));
	if (at >= d->created && kind != NULL && text != NULL) {
		logfile_event_process(text, process);
		logdrain_line(d, &flight, at, 'p',
		    process[0] != '\0' ? process : kind, text, strlen(text));
	}
	return 0;
}

static void
events_put(struct logdrain *d)
{
	char prefix[STORE_KEY_MAX + 1], from[STORE_KEY_MAX + 1];

	key_format(prefix, "event/%s/", d->app);
	key_format(from, "event/%s/%s", d->app, d->event_sent);
	(void)store_each_from(d->all->node->store, prefix, from, event_put, d);
}

static void
event_came(const char *key, json_t *event, uint64_t rev, void *arg)
{
	(void)key;
	(void)rev;
	if (event != NULL)
		events_put(arg);
}

/* ---- instances --------------------------------------------------------- */

/* The last words of one that ended may still come: the oldest go first. */
static void
sources_bound(struct logdrain *d)
{
	struct drain_source *source, *next;

	for (source = TAILQ_FIRST(&d->sources);
	     source != NULL && d->nsources > SOURCES_MAX; source = next) {
		next = TAILQ_NEXT(source, entry);
		if (source->ended)
			source_free(source);
	}
}

static void
instance_came(const char *key, json_t *instance, uint64_t rev, void *arg)
{
	struct logdrain *d = arg;
	struct drain_source *source;
	const char *name;
	char hex[17];
	uint64_t id;

	(void)rev;
	if (key_part(key, 2, hex, sizeof(hex)) == -1 ||
	    key_parse_id(hex, &id) == -1)
		return;
	if (instance == NULL) { /* and with it its log */
		if ((source = logdrain_source(d, id)) != NULL)
			source_free(source);
		return;
	}
	name = json_string_value(json_object_get(instance, "name"));
	source = logdrain_add_source(d, id, name != NULL ? name : "");
	if (source == NULL)
		return;
	source->ended = json_object_get(instance, "ended") != NULL;
	source_follow(source);
	sources_bound(d);
}

static int
instance_found(const char *key, json_t *instance, uint64_t rev, void *arg)
{
	instance_came(key, instance, rev, arg);
	return 0;
}

static void
build_came(const char *key, json_t *build, uint64_t rev, void *arg)
{
	struct logdrain *d = arg;
	struct drain_source *source;
	const char *log = json_string_value(json_object_get(build, "log"));
	const char *state = json_string_value(json_object_get(build, "state"));
	uint64_t id;

	(void)key;
	(void)rev;
	if (log == NULL || state == NULL || key_parse_id(log, &id) == -1 ||
	    (source = logdrain_add_source(d, id, "build")) == NULL)
		return;
	source->build = 1;
	source->ended =
	    strcmp(state, "succeeded") == 0 || strcmp(state, "failed") == 0;
	source_follow(source);
	sources_bound(d);
}

static int
build_found(const char *key, json_t *build, uint64_t rev, void *arg)
{
	build_came(key, build, rev, arg);
	return 0;
}

/* ---- beginning and end ------------------------------------------------- */

void
logdrain_start(struct logdrain *d)
{
	struct store *store = d->all->node->store;
	char prefix[STORE_KEY_MAX + 1];
	struct drain_source *router;

	if (d->running)
		return;
	d->running = 1;
	strlcpy(d->event_sent, d->event, sizeof(d->event_sent));
	logdrain_tell(d, DRAIN_SET);
	key_format(prefix, "instance/%s/", d->app);
	(void)store_each(store, prefix, instance_found, d);
	d->instances = store_watch(store, prefix, instance_came, d);
	key_format(prefix, "build/%s/", d->app);
	(void)store_each(store, prefix, build_found, d);
	d->builds = store_watch(store, prefix, build_came, d);
	router = logdrain_add_source(d, LOGFILE_ROUTER, "router");
	if (router != NULL)
		source_follow(router);
	key_format(prefix, "event/%s/", d->app);
	d->events = store_watch(store, prefix, event_came, d);
	events_put(d);
}

void
logdrain_stop(struct logdrain *d)
{
	struct drain_source *source;

	if (!d->running)
		return;
	d->running = 0;
	store_unwatch(d->instances);
	store_unwatch(d->builds);
	store_unwatch(d->events);
	d->instances = d->builds = d->events = NULL;
	TAILQ_FOREACH (source, &d->sources, entry) {
		logfile_close(source->file);
		source->file = NULL;
	}
	logdrain_forget(d);
}

void
logdrain_resume(struct logdrain *d)
{
	struct drain_source *source;

	d->full = 0;
	events_put(d);
	TAILQ_FOREACH (source, &d->sources, entry) {
		if (source->file != NULL)
			logfile_resume(source->file);
	}
}
