#include "api/log/log_view.h"

#include <bsd/string.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "api/http/check.h"
#include "api/http/id.h"
#include "api/log/log_lines.h"
#include "api/log/log_safe.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/http/stream.h"
#include "common/places.h"
#include "node/logfile.h"
#include "node/node.h"
#include "store/keys.h"

#define TAIL_BYTES_MAX (4 * 1024 * 1024)  /* of what is shown at first */
#define TAIL_FILE_MIN  (64 * 1024)        /* of one log, however many */
#define TAIL_SEARCH    (32 * 1024 * 1024) /* read for those that fit */
#define TAIL_FILES_MAX 1024               /* followed at a time */

/* The log of one instance. */
struct source {
	TAILQ_ENTRY(source) entry;
	struct tail *tail;
	struct logfile *file;
	struct logfile_pos pos;
	uint64_t id;
	int build; /* it is that of a build */
	int ended;
	int shown;     /* what it had at first */
	char name[64]; /* "web.1" */
};

struct tail {
	struct api *api;
	struct stream *stream;
	struct log_filter filter;
	struct log_lines lines; /* shown first; next is how far it got */
	size_t next;
	TAILQ_HEAD(source_list, source) sources;
	size_t nsources;
	struct store_watch *gone, *instances, *builds, *events;
	uint64_t number;
	sd_event_source *end;
	unsigned int dropped;
	int follow;
	int64_t at; /* of the newest line that was sent, and how many */
	uint32_t at_lines;
	char app[MODEL_NAME_MAX];
	char named[64];
	char event[STORE_KEY_MAX + 1]; /* the last one that was shown */
};

/* ---- what there is --------------------------------------------------- */

/* Of a process that was filtered out, or ended long ago. */
static json_t *
tail_instance(struct tail *tail, uint64_t id)
{
	char key[STORE_KEY_MAX + 1], hex[17];

	key_format_id(hex, id);
	return store_get(tail->api->store,
	    key_format(key, "instance/%s/%s", tail->app, hex), NULL);
}

static const char *
tail_name(uint64_t id, void *arg)
{
	struct tail *tail = arg;
	struct source *source;
	json_t *instance;
	const char *name;

	TAILQ_FOREACH (source, &tail->sources, entry) {
		if (source->id == id)
			return source->name;
	}
	instance = tail_instance(tail, id);
	name = model_text(instance, "name");
	strlcpy(tail->named, name, sizeof(tail->named));
	json_decref(instance);
	return tail->named[0] != '\0' ? tail->named : NULL;
}

static char *
tail_text(struct source *source, const struct logfile_line *line, size_t *len)
{
	struct tail *tail = source->tail;
	char *text;

	if (source->id == LOGFILE_ROUTER)
		return log_filter_request(
		    &tail->filter, line, tail_name, tail, len);
	if (source->build)
		text = log_filter_build(&tail->filter, line, len);
	else
		text = log_filter_line(&tail->filter, source->name, line, len);
	if (text != NULL && tail->filter.logplex)
		log_safe(text, *len);
	return text;
}

static int
tail_collect_line(const struct logfile_line *line, void *arg)
{
	struct source *source = arg;
	struct tail *tail = source->tail;
	size_t len = 0;
	char *text = tail_text(source, line, &len);

	log_lines_add(&tail->lines, line->time, text, len);
	return 0;
}

static struct source *
tail_add_source(struct tail *tail, uint64_t id, const char *name, int ended)
{
	struct source *source;

	if ((source = calloc(1, sizeof(*source))) == NULL)
		return NULL;
	source->tail = tail;
	source->id = id;
	source->ended = ended;
	strlcpy(source->name, name, sizeof(source->name));
	TAILQ_INSERT_TAIL(&tail->sources, source, entry);
	tail->nsources++;
	return source;
}

static struct source *
tail_add_instance(struct tail *tail, uint64_t id, json_t *instance)
{
	if (!log_filter_takes_process(
		&tail->filter, model_text(instance, "name")) ||
	    (!tail->filter.app && !tail->filter.paas))
		return NULL;
	return tail_add_source(tail, id, model_text(instance, "name"),
	    json_object_get(instance, "ended") != NULL);
}

static int
tail_find_instance(const char *key, json_t *instance, uint64_t rev, void *arg)
{
	struct tail *tail = arg;
	char part[17];
	uint64_t id;

	(void)rev;
	if (key_part(key, 2, part, sizeof(part)) == 0 &&
	    key_parse_id(part, &id) == 0)
		(void)tail_add_instance(tail, id, instance);
	return 0;
}

/* NULL if there is nothing of it, or if it was not asked for. */
static struct source *
tail_add_build(struct tail *tail, json_t *build)
{
	struct source *source;
	uint64_t id;

	if (!log_filter_takes_builds(&tail->filter) ||
	    key_parse_id(model_text(build, "log"), &id) == -1)
		return NULL;
	source = tail_add_source(tail, id, "build", model_build_is_over(build));
	if (source != NULL)
		source->build = 1;
	return source;
}

static int
tail_find_build(const char *key, json_t *build, uint64_t rev, void *arg)
{
	(void)key;
	(void)rev;
	(void)tail_add_build(arg, build);
	return 0;
}

static int
tail_collect_event(const char *key, json_t *event, uint64_t rev, void *arg)
{
	struct tail *tail = arg;
	int64_t at = 0;
	size_t len = 0;
	char *text;

	(void)rev;
	if (tail->event[0] == '\0')
		strlcpy(tail->event, key, sizeof(tail->event));
	text = log_filter_event(&tail->filter, event, &at, &len);
	log_lines_add(&tail->lines, at, text, len);
	return tail->lines.count >= tail->lines.keep;
}

static void
tail_collect(struct tail *tail)
{
	char dir[PATH_MAX], prefix[STORE_KEY_MAX + 1];
	struct source *source;
	int all = log_filter_searches(&tail->filter);
	size_t each;

	snprintf(dir, sizeof(dir), "%s/" PLACE_LOG, tail->api->conf->state_dir);
	(void)store_each_last(tail->api->store,
	    key_format(prefix, "event/%s/", tail->app), tail_collect_event,
	    tail);
	(void)store_each(tail->api->store,
	    key_format(prefix, "instance/%s/", tail->app), tail_find_instance,
	    tail);
	(void)store_each(tail->api->store,
	    key_format(prefix, "build/%s/", tail->app), tail_find_build, tail);
	if (tail->filter.router)
		(void)tail_add_source(tail, LOGFILE_ROUTER, "router", 0);
	each = (all ? TAIL_SEARCH : TAIL_BYTES_MAX) / (tail->nsources + 1);
	TAILQ_FOREACH (source, &tail->sources, entry) {
		source->shown = 1;
		(void)logfile_tail(dir, tail->number, source->id,
		    all ? UINT_MAX : (unsigned int)tail->lines.keep,
		    each < TAIL_FILE_MIN ? TAIL_FILE_MIN : each, &source->pos,
		    tail_collect_line, source);
	}
	log_lines_sort(&tail->lines, TAIL_BYTES_MAX);
}

/* ---- what comes ------------------------------------------------------ */

/*
 * With the id that log_ask_resume() reads.  A line that is older than another
 * one which was sent before it gets that one's.
 */
static int
tail_send(struct tail *tail, int64_t time, const char *text, size_t len)
{
	int64_t at = tail->at;
	uint32_t lines = tail->at_lines;
	char id[40];
	int rc;

	if (time > tail->at)
		tail->at = time, tail->at_lines = 0;
	if (time == tail->at)
		tail->at_lines++;
	snprintf(
	    id, sizeof(id), "%" PRId64 ".%" PRIu32, tail->at, tail->at_lines);
	if ((rc = stream_event(tail->stream, id, text, len)) == -1)
		tail->at = at, tail->at_lines = lines;
	return rc;
}

/* 1 if it is time to pause.  Takes text, which may be NULL. */
static int
tail_write(struct tail *tail, int64_t time, char *text, size_t len)
{
	char note[96];
	int rc = 0;

	if (text == NULL)
		return 0;
	if (tail->dropped > 0) {
		snprintf(note, sizeof(note),
		    "paas[logs]: %u lines are left out: this reader is slow",
		    tail->dropped);
		if (stream_line(tail->stream, note, strlen(note)) != -1)
			tail->dropped = 0;
	}
	if (tail->dropped > 0 || (rc = tail_send(tail, time, text, len)) == -1)
		tail->dropped++;
	free(text);
	return rc != 0;
}

static int
tail_follow_line(const struct logfile_line *line, void *arg)
{
	struct source *source = arg;
	struct tail *tail = source->tail;
	size_t len = 0;
	char *text;

	text = tail_text(source, line, &len);
	return tail_write(tail, line->time, text, len);
}

static void
tail_remove(struct tail *tail, struct source *source)
{
	if (source->file != NULL)
		logfile_close(source->file);
	TAILQ_REMOVE(&tail->sources, source, entry);
	tail->nsources--;
	free(source);
}

/* The last words of one that ended may still come: the oldest go first. */
static void
tail_forget_ended(struct tail *tail)
{
	struct source *source, *next;

	for (source = TAILQ_FIRST(&tail->sources); source != NULL;
	     source = next) {
		next = TAILQ_NEXT(source, entry);
		if (tail->nsources <= TAIL_FILES_MAX)
			return;
		if (source->ended)
			tail_remove(tail, source);
	}
}

static void
tail_follow_source(struct tail *tail, struct source *source)
{
	source->file = logfile_follow(node_logs(tail->api->node), tail->number,
	    source->id, source->pos.ino != 0 ? &source->pos : NULL,
	    tail_follow_line, source);
}

/* Whether it is known, and whether it has ended since. */
static int
tail_knows(struct tail *tail, uint64_t id, int ended)
{
	struct source *source;

	TAILQ_FOREACH (source, &tail->sources, entry)
		if (source->id == id) {
			source->ended = ended;
			return 1;
		}
	tail_forget_ended(tail);
	return 0;
}

static void
tail_instance_changed(
    const char *key, json_t *instance, uint64_t rev, void *arg)
{
	struct tail *tail = arg;
	struct source *source;
	char part[17];
	uint64_t id;

	(void)rev;
	if (instance == NULL || key_part(key, 2, part, sizeof(part)) == -1 ||
	    key_parse_id(part, &id) == -1 ||
	    tail_knows(tail, id, json_object_get(instance, "ended") != NULL))
		return;
	source = tail_add_instance(tail, id, instance);
	if (source != NULL && tail->events != NULL)
		tail_follow_source(tail, source);
}

static void
tail_build_changed(const char *key, json_t *build, uint64_t rev, void *arg)
{
	struct tail *tail = arg;
	struct source *source;
	uint64_t id;

	(void)key;
	(void)rev;
	if (build == NULL ||
	    key_parse_id(model_text(build, "log"), &id) == -1 ||
	    tail_knows(tail, id, model_build_is_over(build)))
		return;
	source = tail_add_build(tail, build);
	if (source != NULL && tail->events != NULL)
		tail_follow_source(tail, source);
}

static int
tail_new_event(const char *key, json_t *event, uint64_t rev, void *arg)
{
	struct tail *tail = arg;
	int64_t at;
	size_t len = 0;
	char *text;

	(void)rev;
	if (event == NULL || strcmp(key, tail->event) <= 0)
		return 0;
	strlcpy(tail->event, key, sizeof(tail->event));
	text = log_filter_event(&tail->filter, event, &at, &len);
	(void)tail_write(tail, at, text, len);
	return 0;
}

static void
tail_event_changed(const char *key, json_t *event, uint64_t rev, void *arg)
{
	(void)tail_new_event(key, event, rev, arg);
}

/* Another app of the same name would be somebody else's. */
static void
tail_app_changed(const char *key, json_t *app, uint64_t rev, void *arg)
{
	struct tail *tail = arg;

	(void)rev;
	if (app == NULL && strcmp(strchr(key, '/') + 1, tail->app) == 0)
		stream_end(tail->stream);
}

/* Goes on behind what was shown: nothing is shown twice, nothing is missed. */
static void
tail_start_following(struct tail *tail)
{
	char prefix[STORE_KEY_MAX + 1];
	struct source *source, *next;

	for (source = TAILQ_FIRST(&tail->sources); source != NULL;
	     source = next) {
		next = TAILQ_NEXT(source, entry);
		if (source->ended && source->shown)
			tail_remove(tail, source);
		else
			tail_follow_source(tail, source);
	}
	key_format(prefix, "event/%s/", tail->app);
	(void)store_each_from(
	    tail->api->store, prefix, tail->event, tail_new_event, tail);
	tail->events =
	    store_watch(tail->api->store, prefix, tail_event_changed, tail);
}

/* ---- the stream ------------------------------------------------------ */

/* Writes what there is room for; then the following begins, or the end. */
static void
tail_pump(struct tail *tail)
{
	struct log_line *line;

	while (tail->next < tail->lines.count) {
		line = &tail->lines.lines[tail->next++];
		if (tail_send(tail, line->time, line->text, line->len) != 0)
			return;
	}
	log_lines_free(&tail->lines);
	tail->next = 0;
	if (!tail->follow)
		stream_end(tail->stream);
	else if (tail->events == NULL)
		tail_start_following(tail);
}

static void
tail_drained(void *arg)
{
	struct tail *tail = arg;
	struct source *source;

	tail_pump(tail);
	TAILQ_FOREACH (source, &tail->sources, entry)
		if (source->file != NULL)
			logfile_resume(source->file);
}

static void
tail_free(void *arg)
{
	struct tail *tail = arg;
	struct source *source, *next;

	sd_event_source_disable_unref(tail->end);
	store_unwatch(tail->gone);
	store_unwatch(tail->events);
	store_unwatch(tail->instances);
	store_unwatch(tail->builds);
	for (source = TAILQ_FIRST(&tail->sources); source != NULL;
	     source = next) {
		next = TAILQ_NEXT(source, entry);
		if (source->file != NULL)
			logfile_close(source->file);
		free(source);
	}
	log_lines_free(&tail->lines);
	free(tail);
}

static const struct stream_owner tail_owner = {tail_drained, tail_free};

static struct tail *
tail_make(struct request *r, const char *app, uint64_t number,
    const struct log_ask *ask)
{
	struct tail *tail;

	if ((tail = calloc(1, sizeof(*tail))) == NULL) {
		respond_broken(r, "out of memory");
		return NULL;
	}
	TAILQ_INIT(&tail->sources);
	tail->api = r->api;
	strlcpy(tail->app, app, sizeof(tail->app));
	tail->number = number;
	tail->filter = ask->filter;
	if (tail->filter.since < ask->after)
		tail->filter.since = ask->after;
	tail->follow = ask->follow;
	tail->at = ask->after;
	log_lines_init(&tail->lines, ask->lines);
	tail->stream = stream_open(r, MHD_HTTP_OK, &tail_owner, tail);
	if (tail->stream != NULL)
		return tail;
	tail_free(tail);
	return NULL;
}

/* The reader has seen some of the time that it goes on behind. */
static void
tail_skip(struct tail *tail, const struct log_ask *ask)
{
	while (tail->next < tail->lines.count &&
	       tail->at_lines < ask->after_lines &&
	       tail->lines.lines[tail->next].time == ask->after) {
		tail->next++;
		tail->at_lines++;
	}
}

static int
tail_on_end(sd_event_source *source, uint64_t usec, void *arg)
{
	struct tail *tail = arg;

	(void)source;
	(void)usec;
	stream_end(tail->stream);
	return 0;
}

static void
tail_watch(struct tail *tail, const struct log_ask *ask)
{
	char prefix[STORE_KEY_MAX + 1];
	int64_t left = ask->until - id_now();

	tail->instances = store_watch(tail->api->store,
	    key_format(prefix, "instance/%s/", tail->app),
	    tail_instance_changed, tail);
	tail->builds = store_watch(tail->api->store,
	    key_format(prefix, "build/%s/", tail->app), tail_build_changed,
	    tail);
	tail->gone = store_watch(tail->api->store,
	    key_format(prefix, "app/%s", tail->app), tail_app_changed, tail);
	if (ask->until != 0)
		(void)sd_event_add_time_relative(tail->api->event, &tail->end,
		    CLOCK_MONOTONIC, left > 0 ? (uint64_t)left : 0, 0,
		    tail_on_end, tail);
}

void
log_view_open(struct request *r, const char *app, uint64_t number,
    const struct log_ask *ask)
{
	struct tail *tail;

	if ((tail = tail_make(r, app, number, ask)) == NULL)
		return;
	tail_collect(tail);
	tail_skip(tail, ask);
	if (tail->follow)
		tail_watch(tail, ask);
	tail_pump(tail);
}

int
log_ask_resume(struct request *r, struct log_ask *ask)
{
	const char *last = stream_last(r);
	int64_t time, count;
	char copy[40], *dot;

	if (last == NULL || *last == '\0')
		return 0;
	if (strlcpy(copy, last, sizeof(copy)) >= sizeof(copy) ||
	    (dot = strchr(copy, '.')) == NULL ||
	    (*dot = '\0', check_digits(copy, &time)) == -1 || time < 0 ||
	    check_digits(dot + 1, &count) == -1 || count < 0 ||
	    count > UINT32_MAX) {
		respond_error(r, MHD_HTTP_BAD_REQUEST, "bad_request",
		    "Last-Event-ID has to be the id of an event of this log");
		return -1;
	}
	ask->after = time;
	ask->after_lines = (uint32_t)count;
	ask->lines = LOG_VIEW_LINES_MAX;
	return 0;
}
