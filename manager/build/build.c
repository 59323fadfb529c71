/*
 * Opens the room and takes up what a crash left: every upload record is a
 * build under way, or one of which something is still to be taken away.
 */
#include "build/room.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/places.h"

static int
open_uploads(struct build *b, char err[PAAS_ERRLEN])
{
	char path[300];

	snprintf(path, sizeof(path), "%s/" PLACE_UPLOADS, b->conf->state_dir);
	if ((mkdir(path, 0700) == -1 && errno != EEXIST) ||
	    (b->uploads = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) ==
		-1) {
		snprintf(err, PAAS_ERRLEN, "%s can't be opened: %s", path,
		    strerror(errno));
		return -1;
	}
	return 0;
}

static int
resume_one(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct build *b = arg;
	char build[STORE_KEY_MAX + 1], hex[17];
	const char *app = json_string_value(json_object_get(value, "app"));
	json_t *record;
	uint64_t id;

	if (key_part(key, 1, hex, sizeof(hex)) == -1 ||
	    key_parse_id(hex, &id) == -1 || app == NULL || !key_app_valid(app))
		return 0;
	record = store_get(
	    b->store, key_format(build, "build/%s/%s", app, hex), &rev);
	if (record != NULL)
		job_resume(b, app, record, rev);
	else
		job_sweep(b, app, id);
	json_decref(record);
	return 0;
}

static void
job_orphaned(struct job *job)
{
	job->appgone = 1;
	job_event(job, JOB_APPGONE);
}

/* Whose app went while nobody watched; another one may have its name. */
static void
resume_orphans(struct build *b)
{
	char key[STORE_KEY_MAX + 1];
	struct job *job, *next;
	const char *number;
	uint64_t app;
	json_t *record;

	TAILQ_FOREACH_SAFE (job, &b->jobs, entry, next) {
		record = store_get(
		    b->store, key_format(key, "app/%s", job->app), NULL);
		number = json_string_value(json_object_get(record, "number"));
		if (number == NULL || key_parse_id(number, &app) == -1 ||
		    app != job->number)
			job_orphaned(job);
		json_decref(record);
	}
}

/* An app that is gone takes its builds along. */
static void
app_changed(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct build *b = arg;
	char app[BUILD_APP_MAX];
	struct job *job, *next;

	(void)rev;
	if (value != NULL || key_part(key, 1, app, sizeof(app)) == -1)
		return;
	gc_wake(b->gc);
	TAILQ_FOREACH_SAFE (job, &b->jobs, entry, next) {
		if (strcmp(job->app, app) == 0)
			job_orphaned(job);
	}
}

/* What ends the need for a slug: a newer release, or an instance that goes. */
static void
release_changed(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct build *b = arg;

	(void)key;
	(void)value;
	(void)rev;
	gc_wake(b->gc);
}

static void
assignment_changed(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct build *b = arg;

	(void)key;
	(void)rev;
	if (value == NULL)
		gc_wake(b->gc);
}

static void
build_changed(const char *key, json_t *value, uint64_t rev, void *arg)
{
	char hex[17];
	uint64_t id;

	(void)value;
	(void)rev;
	if (key_part(key, 2, hex, sizeof(hex)) == 0 &&
	    key_parse_id(hex, &id) == 0)
		follow_changed(arg, id);
}

struct build *
build_open(struct store *store, struct node *node, const struct conf *conf,
    sd_event *loop, char err[PAAS_ERRLEN])
{
	struct build *b = calloc(1, sizeof(*b));

	if (b == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	b->store = store;
	b->node = node;
	b->conf = conf;
	b->loop = loop;
	TAILQ_INIT(&b->jobs);
	TAILQ_INIT(&b->pushes);
	TAILQ_INIT(&b->follows);
	if (open_uploads(b, err) == -1) {
		free(b);
		return NULL;
	}
	b->gc = gc_open(b);
	b->apps = store_watch(store, "app/", app_changed, b);
	b->builds = store_watch(store, "build/", build_changed, b);
	b->releases = store_watch(store, "release/", release_changed, b);
	b->assignments = store_watch(store, "assign/", assignment_changed, b);
	upload_sweep(b);
	source_start(b);
	(void)store_each(store, "upload/", resume_one, b);
	resume_orphans(b);
	gc_wake(b->gc);
	return b;
}

void
build_close(struct build *b)
{
	struct job *job, *next_job;

	store_unwatch(b->apps);
	store_unwatch(b->builds);
	store_unwatch(b->releases);
	store_unwatch(b->assignments);
	follow_free_all(b);
	source_stop(b);
	upload_free_all(b);
	gc_close(b->gc);
	TAILQ_FOREACH_SAFE (job, &b->jobs, entry, next_job)
		job_free(job);
	close(b->uploads);
	free(b);
}
