/*
 * A push becomes a file, uploads/ID.tar, piece by piece as it comes: memory
 * stays flat however large it is.  The record that makes a build of it is
 * written when all of it is there; a file without one is swept away.
 */
#include "build/room.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <bsd/string.h>

#include "common/log.h"
#include "common/push.h"

struct build_upload {
	TAILQ_ENTRY(build_upload) entry;
	struct build *build;
	char app[BUILD_APP_MAX];
	char user[128];
	char source[16];
	char commit[65];
	char settings[17];
	int claims;
	uint64_t push;
	char again[33];
	char body[33];
	json_t *blob;
	int image;
	int fetch;
	char draft[17];
	char from[sizeof(((struct build_source *)NULL)->file)]; /* or "" */
	json_t *description;
	json_t *types;
	uint64_t id;
	struct spool spool;
	struct resources *list; /* or NULL */
	json_t *record;
	sd_event_source *refusal;
	build_begun_cb cb;
	void *arg;
};

void
upload_path(char *out, size_t len, uint64_t id)
{
	snprintf(out, len, "%016" PRIx64 ".tar", id);
}

/* ---- one at a time --------------------------------------------------- */

int
build_is_free(struct build *b, const char *app, struct build_error *err)
{
	struct build_upload *upload;
	struct job *job = job_of_app(b, app);

	TAILQ_FOREACH (upload, &b->pushes, entry) {
		if (strcmp(upload->app, app) != 0)
			continue;
		spool_fail(err, BUILD_RUNNING,
		    "Another push to %s is under way (build %016" PRIx64
		    " by %s): wait for it and push again.",
		    app, upload->id, upload->user);
		return -1;
	}
	if (job == NULL)
		return 0;
	spool_fail(err, BUILD_RUNNING,
	    "Build %016" PRIx64 " of %s is running: wait for it and push "
	    "again.",
	    job->id, app);
	return -1;
}

static json_t *
get_app(struct build *b, const char *app, uint64_t *rev)
{
	char key[STORE_KEY_MAX + 1];

	if (!key_app_valid(app))
		return NULL;
	return store_get(b->store, key_format(key, "app/%s", app), rev);
}

/* ---- the four verbs -------------------------------------------------- */

static void upload_free(struct build_upload *);

/* Nothing of it is in the folder yet. */
static struct build_upload *
upload_new(struct build *b, const char *app, const struct build_origin *origin,
    struct build_error *err)
{
	struct build_upload *upload;
	json_t *record = get_app(b, app, NULL);

	json_decref(record);
	if (record == NULL) {
		spool_fail(
		    err, BUILD_NOT_FOUND, "There is no app of that name.");
		return NULL;
	}
	if (build_is_free(b, app, err) == -1)
		return NULL;
	if ((upload = calloc(1, sizeof(*upload))) == NULL ||
	    (upload->id = node_next_id(b->node)) == 0) {
		free(upload);
		spool_fail(err, BUILD_BUSY,
		    "The manager is just starting: push "
		    "again in a second.");
		return NULL;
	}
	upload->build = b;
	upload->spool.fd = -1;
	strlcpy(upload->app, app, sizeof(upload->app));
	text_clean(upload->user, sizeof(upload->user), origin->user,
	    strlen(origin->user));
	strlcpy(upload->source, origin->source, sizeof(upload->source));
	strlcpy(upload->commit, origin->commit, sizeof(upload->commit));
	if (origin->settings != NULL)
		strlcpy(upload->settings, origin->settings,
		    sizeof(upload->settings));
	upload->claims = origin->claims;
	upload->push = origin->push;
	if (origin->again != NULL)
		strlcpy(upload->again, origin->again, sizeof(upload->again));
	if (origin->body != NULL)
		strlcpy(upload->body, origin->body, sizeof(upload->body));
	upload->image = origin->image;
	upload->fetch = origin->fetch;
	if (origin->draft != NULL)
		strlcpy(upload->draft, origin->draft, sizeof(upload->draft));
	if (origin->description != NULL)
		upload->description = json_string(origin->description);
	upload->types = json_incref(origin->types);
	upload->blob = json_incref(origin->blob);
	TAILQ_INSERT_TAIL(&b->pushes, upload, entry);
	return upload;
}

struct build_upload *
build_upload_begin(struct build *b, const char *app,
    const struct build_origin *origin, struct build_error *err)
{
	struct build_upload *upload = upload_new(b, app, origin, err);
	char name[32];

	if (upload == NULL)
		return NULL;
	upload_path(name, sizeof(name), upload->id);
	if (spool_open(&upload->spool, b->uploads, name, err) == -1) {
		upload_free(upload);
		return NULL;
	}
	if (origin->list &&
	    (upload->list = resources_open(b, upload->id)) == NULL) {
		spool_fail_errno(err, errno);
		build_upload_abort(upload);
		return NULL;
	}
	return upload;
}

/* It has both names until the build is noted, and no build has it twice. */
static int
source_take(struct build *b, const char *file, const char *name,
    struct build_error *err)
{
	struct stat st;

	if (fstatat(b->uploads, file, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_nlink > 1) {
		spool_fail(err, BUILD_RUNNING,
		    "The source is about to be built already: a new one takes "
		    "a new URL, by POST /sources.");
		return -1;
	}
	if (linkat(b->uploads, file, b->uploads, name, 0) == 0)
		return 0;
	spool_fail_errno(err, errno);
	return -1;
}

struct build_upload *
build_upload_source(struct build *b, const char *app,
    const struct build_origin *origin, const struct build_source *source,
    struct build_error *err)
{
	struct build_upload *upload = upload_new(b, app, origin, err);
	char name[32];

	if (upload == NULL)
		return NULL;
	upload_path(name, sizeof(name), upload->id);
	if (source_take(b, source->file, name, err) == 0) {
		strlcpy(upload->from, source->file, sizeof(upload->from));
		upload->spool.size = source->size;
		return upload;
	}
	upload_free(upload);
	return NULL;
}

static int
upload_feed(struct build_upload *upload, const void *data, size_t len,
    struct build_error *err)
{
	const uint64_t max = upload->build->conf->unpack_entries;

	switch (resources_feed(upload->list, data, len, max)) {
	case 0:
		return 0;
	case RESOURCES_MANY:
		spool_fail(err, BUILD_INVALID,
		    "The upload has more than %" PRIu64 " files and folders "
		    "(unpack_entries in paas.conf): list what the app does not "
		    "need in .slugignore.",
		    max);
		return -1;
	case RESOURCES_ERRNO:
		spool_fail_errno(err, errno);
		return -1;
	case RESOURCES_WRONG:
	default:
		spool_fail(err, BUILD_INVALID,
		    "The upload does not begin with a list of files as " PUSH_TYPE
		    " has it.");
		return -1;
	}
}

int
build_upload_append(struct build_upload *upload, const void *data, size_t len,
    struct build_error *err)
{
	if (len > upload->build->conf->upload_max - upload->spool.size)
		return spool_large(upload->build->conf, err);
	if (upload->list != NULL && upload_feed(upload, data, len, err) == -1)
		return -1;
	return spool_append(
	    &upload->spool, upload->build->conf, data, len, err);
}

static void
upload_free(struct build_upload *upload)
{
	spool_close(&upload->spool);
	resources_close(upload->list);
	json_decref(upload->record);
	json_decref(upload->blob);
	json_decref(upload->description);
	json_decref(upload->types);
	sd_event_source_disable_unref(upload->refusal);
	TAILQ_REMOVE(&upload->build->pushes, upload, entry);
	free(upload);
}

void
build_upload_abort(struct build_upload *upload)
{
	char name[32];

	upload_path(name, sizeof(name), upload->id);
	(void)unlinkat(upload->build->uploads, name, 0);
	if (upload->list != NULL) {
		resources_list_path(name, sizeof(name), upload->id);
		(void)unlinkat(upload->build->uploads, name, 0);
	}
	upload_free(upload);
}

/* ---- finish ---------------------------------------------------------- */

static void upload_commit(struct build_upload *);

static void
upload_committed(enum store_result result, uint64_t rev, void *arg)
{
	struct build_upload *upload = arg;
	struct build_error err;
	struct build *b = upload->build;
	char app[BUILD_APP_MAX];
	uint64_t id = upload->id;
	build_begun_cb cb = upload->cb;
	void *cb_arg = upload->arg;
	json_t *record;

	if (result == STORE_CONFLICT) {
		/* The app changed in this moment; or it is gone. */
		upload_commit(upload);
		return;
	}
	if (result != STORE_OK) {
		spool_fail(&err,
		    result == STORE_FULL ? BUILD_FULL : BUILD_FAILED,
		    "The build can't be noted: %s.", store_strerror(result));
		build_upload_abort(upload);
		cb(&err, 0, cb_arg);
		return;
	}
	if (upload->from[0] != '\0')
		source_used(b, upload->from);
	strlcpy(app, upload->app, sizeof(app));
	record = json_incref(upload->record);
	upload_free(upload);
	log_info("build %016" PRIx64 " of %s begins", id, app);
	job_resume(b, app, record, rev);
	json_decref(record);
	cb(NULL, id, cb_arg);
}

/* Nobody waits for the answer from within. */
static int
upload_refuse(sd_event_source *source, void *arg)
{
	struct build_upload *upload = arg;
	struct build_error err;
	build_begun_cb cb = upload->cb;
	void *cb_arg = upload->arg;

	(void)source;
	if (upload->spool.size == 0)
		spool_fail(&err, BUILD_EMPTY,
		    "The upload is empty: send a tar or tar.gz archive.");
	else if (upload->list != NULL && !resources_done(upload->list))
		spool_fail(&err, BUILD_INVALID,
		    "The upload ended within its list of files: push again.");
	else
		spool_fail(
		    &err, BUILD_NOT_FOUND, "The app was destroyed meanwhile.");
	build_upload_abort(upload);
	cb(&err, 0, cb_arg);
	return 0;
}

static void
upload_refuse_later(struct build_upload *upload)
{
	if (sd_event_add_defer(upload->build->loop, &upload->refusal,
		upload_refuse, upload) < 0)
		log_fatal("build: no event source");
}

static json_t *
upload_record(const struct build_upload *upload, json_t *app)
{
	char id[17], push[17];
	json_t *record;

	key_format_id(id, upload->id);
	key_format_id(push, upload->push);
	record = json_pack("{s:s, s:s, s:O?, s:n, s:n, s:I, s:I, s:n, s:i, s:n,"
			   " s:s, s:s, s:I}",
	    "id", id, "state", "pending", "appnumber",
	    json_object_get(app, "number"), "instance", "log", "created",
	    (json_int_t)commit_now(), "updated", (json_int_t)commit_now(),
	    "slug", "version", 0, "error", "user", upload->user, "source",
	    upload->source, "size", (json_int_t)upload->spool.size);
	if (upload->commit[0] != '\0')
		json_object_set_new(
		    record, "commit", json_string(upload->commit));
	if (upload->push != 0)
		json_object_set_new(record, "push", json_string(push));
	if (upload->again[0] != '\0')
		json_object_set_new(
		    record, "again", json_string(upload->again));
	if (upload->settings[0] != '\0')
		json_object_set_new(
		    record, "settings", json_string(upload->settings));
	json_object_set_new(record, "claims", json_boolean(upload->claims));
	/* By which it is made, whatever the app asks for a moment later. */
	if (!upload->image && upload->draft[0] == '\0' &&
	    json_object_get(app, "buildpacks") != NULL)
		json_object_set(
		    record, "buildpacks", json_object_get(app, "buildpacks"));
	if (upload->list != NULL)
		json_object_set_new(record, "list", json_true());
	if (upload->image)
		json_object_set_new(record, "image", json_true());
	if (upload->body[0] != '\0')
		json_object_set_new(record, "body", json_string(upload->body));
	if (upload->blob != NULL)
		json_object_set(record, "blob", upload->blob);
	if (upload->draft[0] != '\0') {
		json_object_set_new(
		    record, "draft", json_string(upload->draft));
		json_object_set(record, "types", upload->types);
		if (upload->description != NULL)
			json_object_set(
			    record, "description", upload->description);
	}
	if (upload->fetch) {
		json_object_set_new(record, "fetch", json_true());
		json_object_set_new(record, "size", json_null());
	}
	return record;
}

static void
upload_commit(struct build_upload *upload)
{
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn;
	uint64_t rev;
	json_t *app = get_app(upload->build, upload->app, &rev), *todo;

	if (app == NULL || upload->spool.size == 0 ||
	    (upload->list != NULL && !resources_done(upload->list))) {
		json_decref(app);
		upload_refuse_later(upload);
		return;
	}
	json_decref(upload->record);
	upload->record = upload_record(upload, app);
	json_decref(app);
	txn = store_begin(upload->build->store);
	store_if(txn, key_format(key, "app/%s", upload->app), rev);
	store_put_new(txn,
	    key_format(key, "build/%s/%016" PRIx64, upload->app, upload->id),
	    upload->record);
	todo = json_pack("{s:s, s:s}", "app", upload->app, "state", "stored");
	store_put_new(
	    txn, key_format(key, "upload/%016" PRIx64, upload->id), todo);
	json_decref(todo);
	store_event(
	    txn, upload->app, "build", "build started by %s", upload->user);
	store_commit(txn, upload_committed, upload);
}

void
build_upload_finish(struct build_upload *upload, build_begun_cb cb, void *arg)
{
	upload->cb = cb;
	upload->arg = arg;
	upload_commit(upload);
}

/* ---- after a crash --------------------------------------------------- */

void
upload_sweep(struct build *b)
{
	char key[STORE_KEY_MAX + 1], hex[17];
	struct dirent *entry;
	json_t *todo;
	uint64_t id;
	DIR *dir;
	int fd = openat(b->uploads, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1 || (dir = fdopendir(fd)) == NULL) {
		if (fd != -1)
			close(fd);
		log_warn("build: uploads can't be read: %s", strerror(errno));
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		strlcpy(hex, entry->d_name, sizeof(hex));
		if (key_parse_id(hex, &id) == -1 ||
		    (strcmp(entry->d_name + 16, ".tar") != 0 &&
			strcmp(entry->d_name + 16, ".list") != 0))
			continue;
		todo = store_get(
		    b->store, key_format(key, "upload/%s", hex), NULL);
		if (todo == NULL &&
		    unlinkat(b->uploads, entry->d_name, 0) == -1)
			log_warn("build: uploads/%s can't be removed: %s",
			    entry->d_name, strerror(errno));
		json_decref(todo);
	}
	closedir(dir);
}

void
upload_free_all(struct build *b)
{
	struct build_upload *upload, *next;

	TAILQ_FOREACH_SAFE (upload, &b->pushes, entry, next)
		upload_free(upload);
}
