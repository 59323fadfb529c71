/*
 * The output of a build for those who watch.
 *
 * The end of a build is a record, the end of its output a line in a file,
 * and neither knows of the other.  So once the record is final, the last
 * line of the file is looked up, and the follower is done when it has passed
 * that one: nothing is lost, and a slow reader still sets the pace.
 */
#include "build/room.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#include "common/log.h"
#include "common/places.h"
#include "node/logfile.h"

/* Lines of one time, at most so many, tell the last line from the others. */
#define MARK_LINES 5000
#define MARK_BYTES (4 * 1024 * 1024)

/* A line that never comes (rotated away) is not waited for longer. */
#define STRAGGLER_US (2 * 1000 * 1000)

/* How far: the time of a line, and which of those of that time it is. */
struct mark {
	int64_t time;
	unsigned nth;
};

struct build_follow {
	TAILQ_ENTRY(build_follow) entry;
	struct build *build;
	char app[BUILD_APP_MAX];
	uint64_t id;
	uint64_t number;
	build_line_cb line;
	build_done_cb done;
	void *arg;
	struct logfile *file;
	sd_event_source *look;
	sd_event_source *straggler;
	json_t *final; /* the record, once it is */
	struct mark seen;
	struct mark end;
	int paused;
	int late;
};

static void
mark_pass(struct mark *mark, int64_t time)
{
	if (time == mark->time) {
		mark->nth++;
		return;
	}
	mark->time = time;
	mark->nth = 1;
}

static int
mark_reached(const struct mark *seen, const struct mark *end)
{
	return seen->time > end->time ||
	       (seen->time == end->time && seen->nth >= end->nth);
}

static void
look_soon(struct build_follow *f)
{
	if (sd_event_source_set_enabled(f->look, SD_EVENT_ONESHOT) < 0)
		log_fatal("build: no event source");
}

static int
on_line(const struct logfile_line *line, void *arg)
{
	struct build_follow *f = arg;
	struct build *b = f->build;
	struct build_follow *still;

	mark_pass(&f->seen, line->time);
	if (f->final != NULL && mark_reached(&f->seen, &f->end))
		look_soon(f);
	if (f->line(line->text, line->len, f->arg) == 0)
		return 0;
	/* It may have been closed from there. */
	TAILQ_FOREACH (still, &b->follows, entry)
		if (still == f) {
			f->paused = 1;
			break;
		}
	return 1;
}

static int
mark_line(const struct logfile_line *line, void *arg)
{
	mark_pass(arg, line->time);
	return 0;
}

static uint64_t
log_id(json_t *record)
{
	const char *text = json_string_value(json_object_get(record, "log"));
	uint64_t id;

	return text != NULL && key_parse_id(text, &id) == 0 ? id : 0;
}

static void
find_end(struct build_follow *f, uint64_t log)
{
	char dir[300];

	snprintf(dir, sizeof(dir), "%s/" PLACE_LOG, f->build->conf->state_dir);
	memset(&f->end, 0, sizeof(f->end));
	(void)logfile_tail(dir, f->number, log, MARK_LINES, MARK_BYTES, NULL,
	    mark_line, &f->end);
}

static int
on_straggler(sd_event_source *source, uint64_t now, void *arg)
{
	struct build_follow *f = arg;

	(void)source;
	(void)now;
	f->straggler = sd_event_source_disable_unref(f->straggler);
	f->late = 1;
	look_soon(f);
	return 0;
}

static int
is_final(json_t *record)
{
	const char *state = json_string_value(json_object_get(record, "state"));

	return state != NULL && (strcmp(state, "succeeded") == 0 ||
				    strcmp(state, "failed") == 0);
}

static void
follow_done(struct build_follow *f)
{
	build_done_cb done = f->done;
	void *arg = f->arg;
	json_t *record = json_incref(f->final);

	build_follow_close(f);
	done(record, arg);
	json_decref(record);
}

/* Level-triggered: the record, the file, and how far they are apart. */
static int
on_look(sd_event_source *source, void *arg)
{
	struct build_follow *f = arg;
	char key[STORE_KEY_MAX + 1];
	json_t *record;
	uint64_t log;

	(void)source;
	record = store_get(f->build->store,
	    key_format(key, "build/%s/%016" PRIx64, f->app, f->id), NULL);
	log = log_id(record);
	if (f->file == NULL && log != 0)
		f->file = logfile_follow(node_logs(f->build->node), f->number,
		    log, NULL, on_line, f);
	if (record != NULL && is_final(record) && f->final == NULL) {
		f->final = json_incref(record);
		if (log != 0)
			find_end(f, log);
	}
	if (record == NULL ||
	    (f->final != NULL &&
		(f->file == NULL || mark_reached(&f->seen, &f->end) ||
		    (f->late && !f->paused)))) {
		json_decref(record);
		follow_done(f);
		return 0;
	}
	json_decref(record);
	if (f->final != NULL && f->straggler == NULL && !f->paused &&
	    sd_event_add_time_relative(f->build->loop, &f->straggler,
		CLOCK_MONOTONIC, STRAGGLER_US, 0, on_straggler, f) < 0)
		log_fatal("build: no timer");
	return 0;
}

struct build_follow *
build_follow(struct build *b, const char *app, uint64_t id, build_line_cb line,
    build_done_cb done, void *arg)
{
	char key[STORE_KEY_MAX + 1];
	struct build_follow *f;
	const char *number;
	json_t *record;

	if (!key_app_valid(app))
		return NULL;
	record = store_get(
	    b->store, key_format(key, "build/%s/%016" PRIx64, app, id), NULL);
	if (record == NULL)
		return NULL;
	if ((f = calloc(1, sizeof(*f))) == NULL)
		log_fatal("build: out of memory");
	number = json_string_value(json_object_get(record, "appnumber"));
	if (number == NULL || key_parse_id(number, &f->number) == -1)
		f->number = 0;
	json_decref(record);
	f->build = b;
	strlcpy(f->app, app, sizeof(f->app));
	f->id = id;
	f->line = line;
	f->done = done;
	f->arg = arg;
	TAILQ_INSERT_TAIL(&b->follows, f, entry);
	if (sd_event_add_defer(b->loop, &f->look, on_look, f) < 0)
		log_fatal("build: no event source");
	return f;
}

void
build_follow_resume(struct build_follow *f)
{
	f->paused = 0;
	if (f->file != NULL)
		logfile_resume(f->file);
	look_soon(f);
}

void
build_follow_close(struct build_follow *f)
{
	if (f->file != NULL)
		logfile_close(f->file);
	sd_event_source_disable_unref(f->look);
	sd_event_source_disable_unref(f->straggler);
	json_decref(f->final);
	TAILQ_REMOVE(&f->build->follows, f, entry);
	free(f);
}

void
follow_changed(struct build *b, uint64_t id)
{
	struct build_follow *f;

	TAILQ_FOREACH (f, &b->follows, entry)
		if (f->id == id)
			look_soon(f);
}

void
follow_free_all(struct build *b)
{
	struct build_follow *f, *next;

	TAILQ_FOREACH_SAFE (f, &b->follows, entry, next)
		build_follow_close(f);
}
