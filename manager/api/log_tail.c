/*
 * GET /apps/APP/logs?lines=100&follow=1&ps=web.1&source=app&since=600&filter=x:
 * the last lines of all instances of an app, of the requests to it and of its
 * timeline, in order of time; with follow then each line as it comes.
 */
#include <bsd/string.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "api/log_filter.h"
#include "api/log_lines.h"
#include "api/request.h"
#include "api/respond.h"
#include "api/stream.h"
#include "api/verbs.h"
#include "common/places.h"
#include "node/logfile.h"
#include "node/node.h"
#include "store/keys.h"

#define TAIL_LINES     100
#define TAIL_LINES_MAX 1000000
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
	struct store_watch *gone, *instances, *events;
	uint64_t number;
	unsigned int dropped;
	int follow;
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

	if (source->id == LOGFILE_ROUTER)
		return log_filter_request(
		    &tail->filter, line, tail_name, tail, len);
	return log_filter_line(&tail->filter, source->name, line, len);
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

/* 1 if it is time to pause.  Takes text, which may be NULL. */
static int
tail_write(struct tail *tail, char *text, size_t len)
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
	if (tail->dropped > 0 ||
	    (rc = stream_line(tail->stream, text, len)) == -1)
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
	return tail_write(tail, text, len);
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
	    key_parse_id(part, &id) == -1)
		return;
	TAILQ_FOREACH (source, &tail->sources, entry)
		if (source->id == id) {
			source->ended =
			    json_object_get(instance, "ended") != NULL;
			return;
		}
	tail_forget_ended(tail);
	source = tail_add_instance(tail, id, instance);
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
	(void)tail_write(tail, text, len);
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
		if (stream_line(tail->stream, line->text, line->len) != 0)
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

	store_unwatch(tail->gone);
	store_unwatch(tail->events);
	store_unwatch(tail->instances);
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
tail_make(struct request *r)
{
	struct tail *tail;

	if ((tail = calloc(1, sizeof(*tail))) == NULL) {
		respond_broken(r, "out of memory");
		return NULL;
	}
	TAILQ_INIT(&tail->sources);
	tail->api = r->api;
	strlcpy(tail->app, r->name, sizeof(tail->app));
	(void)key_parse_id(model_text(r->app, "number"), &tail->number);
	tail->follow = request_query_flag(r, "follow");
	if (log_filter_read(r, &tail->filter) == 0)
		log_lines_init(&tail->lines,
		    request_query_number(r, "lines",
			tail->filter.since != 0 ? TAIL_LINES_MAX : TAIL_LINES,
			TAIL_LINES_MAX));
	if (!respond_given(r))
		return tail;
	tail_free(tail);
	return NULL;
}

void
log_tail(struct request *r)
{
	char prefix[STORE_KEY_MAX + 1];
	struct tail *tail;

	if ((tail = tail_make(r)) == NULL)
		return;
	tail->stream = stream_open(r, MHD_HTTP_OK, &tail_owner, tail);
	if (tail->stream == NULL) {
		tail_free(tail);
		return;
	}
	tail_collect(tail);
	if (tail->follow) {
		tail->instances = store_watch(r->api->store,
		    key_format(prefix, "instance/%s/", r->name),
		    tail_instance_changed, tail);
		tail->gone = store_watch(r->api->store,
		    key_format(prefix, "app/%s", r->name), tail_app_changed,
		    tail);
	}
	tail_pump(tail);
}
