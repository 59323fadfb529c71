/*
 * Slugs that nothing needs: not in the last releases of any app, not asked
 * for, not live, not assigned.
 *
 * A slug is first marked as dropping, then its tree removed, then its record:
 * a crash leaves the mark, and the next look goes on.  Whoever wants to use a
 * slug again (a rollback) compares its record in the same commit.  While this
 * is at work no build seals anything, so that the tree of a new build is
 * never taken for an old one of the same content.
 */
#include "build/room.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#include "common/log.h"
#include "node/launch.h"

#define RELEASES_KEPT 10
#define LOOK_US       (2 * 1000 * 1000)
#define RETRY_US      (30 * 1000 * 1000)

struct gc {
	struct build *build;
	sd_event_source *timer;
	int busy;
	int woken; /* while it was busy */
	char hash[BUILD_HASH_MAX];
};

static void gc_next(struct gc *);

/* ---- what is needed -------------------------------------------------- */

struct keep {
	struct build *build;
	json_t *hashes; /* a set */
	const char *app;
	int left;
};

static void
keep_slug(struct keep *keep, json_t *record)
{
	const char *hash = json_string_value(json_object_get(record, "slug"));

	if (hash != NULL)
		json_object_set_new(keep->hashes, hash, json_true());
}

static int
keep_release(const char *key, json_t *release, uint64_t rev, void *arg)
{
	struct keep *keep = arg;

	(void)key;
	(void)rev;
	keep_slug(keep, release);
	return --keep->left == 0;
}

static void
keep_version(struct keep *keep, json_t *record, const char *field)
{
	char key[STORE_KEY_MAX + 1];
	json_int_t version = json_integer_value(json_object_get(record, field));
	json_t *release;

	if (version <= 0)
		return;
	release = store_get(keep->build->store,
	    key_format(
		key, "release/%s/%08" JSON_INTEGER_FORMAT, keep->app, version),
	    NULL);
	keep_slug(keep, release);
	json_decref(release);
}

static int
keep_app(const char *key, json_t *app, uint64_t rev, void *arg)
{
	struct keep *keep = arg;
	char name[BUILD_APP_MAX], prefix[STORE_KEY_MAX + 1];
	json_t *rollout;

	(void)rev;
	if (key_part(key, 1, name, sizeof(name)) == -1)
		return 0;
	keep->app = name;
	keep->left = RELEASES_KEPT;
	(void)store_each_last(keep->build->store,
	    key_format(prefix, "release/%s/", name), keep_release, keep);
	keep_version(keep, app, "version");
	rollout = store_get(
	    keep->build->store, key_format(prefix, "rollout/%s", name), NULL);
	keep_version(keep, rollout, "live");
	keep_version(keep, rollout, "target");
	json_decref(rollout);
	return 0;
}

static int
keep_assignment(const char *key, json_t *assignment, uint64_t rev, void *arg)
{
	(void)key;
	(void)rev;
	keep_slug(arg, assignment);
	return 0;
}

static json_t *
find_kept(struct build *b)
{
	struct keep keep = {.build = b, .hashes = json_object()};
	struct job *job;

	(void)store_each(b->store, "app/", keep_app, &keep);
	(void)store_each(b->store, "assign/", keep_assignment, &keep);
	TAILQ_FOREACH (job, &b->jobs, entry)
		if (job->found.hash[0] != '\0')
			json_object_set_new(
			    keep.hashes, job->found.hash, json_true());
	return keep.hashes;
}

/* ---- one superfluous slug after the other ---------------------------- */

struct find {
	json_t *kept;
	char hash[BUILD_HASH_MAX];
	uint64_t rev;
	json_t *slug;
};

static int
find_one(const char *key, json_t *slug, uint64_t rev, void *arg)
{
	struct find *find = arg;
	const char *hash = key + strlen("slug/");

	if (strlen(hash) != BUILD_HASH_MAX - 1 ||
	    strspn(hash, "0123456789abcdef") != BUILD_HASH_MAX - 1)
		return 0;
	if (json_object_get(find->kept, hash) != NULL)
		return 0;
	strlcpy(find->hash, hash, sizeof(find->hash));
	find->rev = rev;
	find->slug = json_incref(slug);
	return 1;
}

static void
gc_idle(struct gc *gc, uint64_t again)
{
	gc->busy = 0;
	if (again != 0 || gc->woken) {
		gc->woken = 0;
		if (sd_event_source_set_time_relative(
			gc->timer, again != 0 ? again : LOOK_US) < 0 ||
		    sd_event_source_set_enabled(gc->timer, SD_EVENT_ONESHOT) <
			0)
			log_fatal("build: no timer");
	}
}

static void
gc_forgotten(enum store_result result, uint64_t rev, void *arg)
{
	struct gc *gc = arg;

	(void)rev;
	if (result != STORE_OK) {
		log_warn(
		    "build: slug %.12s: %s", gc->hash, store_strerror(result));
		gc_idle(gc, RETRY_US);
		return;
	}
	log_info("slug %.12s removed: no release needs it", gc->hash);
	gc_next(gc);
}

static void
gc_dropped(int error, const struct launch_reply *reply, void *arg)
{
	struct gc *gc = arg;
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn;

	(void)reply;
	if (error != 0 && error != ENOENT) {
		if (error != ECONNRESET && error != EBUSY)
			log_warn("build: slug %.12s can't be removed: %s",
			    gc->hash, strerror(error));
		gc_idle(gc, RETRY_US);
		return;
	}
	txn = store_begin(gc->build->store);
	store_del(txn, key_format(key, "slug/%s", gc->hash));
	store_commit(txn, gc_forgotten, gc);
}

static void
gc_drop(struct gc *gc)
{
	uint8_t digest[LAUNCH_HASH];

	(void)sodium_hex2bin(digest, sizeof(digest), gc->hash, strlen(gc->hash),
	    NULL, NULL, NULL);
	if (launch_drop_slug(
		node_launch(gc->build->node), digest, gc_dropped, gc) < 0)
		gc_idle(gc, RETRY_US);
}

static void
gc_marked(enum store_result result, uint64_t rev, void *arg)
{
	struct gc *gc = arg;

	(void)rev;
	if (result == STORE_OK)
		gc_drop(gc);
	else if (result == STORE_CONFLICT)
		gc_next(gc); /* somebody wants it after all: look again */
	else
		gc_idle(gc, RETRY_US);
}

static void
gc_mark(struct gc *gc, json_t *slug, uint64_t rev)
{
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn = store_begin(gc->build->store);
	json_t *marked = json_copy(slug);

	json_object_set_new(marked, "dropping", json_true());
	store_if(txn, key_format(key, "slug/%s", gc->hash), rev);
	store_put(txn, key, marked);
	store_commit(txn, gc_marked, gc);
	json_decref(marked);
}

static int
is_sealing(const struct build *b)
{
	const struct job *job;

	TAILQ_FOREACH (job, &b->jobs, entry)
		if (job->state == JOB_NAME || job->state == JOB_SEAL ||
		    job->state == JOB_RELEASE)
			return 1;
	return 0;
}

static void
gc_next(struct gc *gc)
{
	struct find find = {.slug = NULL};

	if (is_sealing(gc->build)) {
		gc_idle(gc, LOOK_US);
		return;
	}
	find.kept = find_kept(gc->build);
	(void)store_each(gc->build->store, "slug/", find_one, &find);
	json_decref(find.kept);
	if (find.slug == NULL) {
		gc_idle(gc, 0);
		return;
	}
	gc->busy = 1;
	strlcpy(gc->hash, find.hash, sizeof(gc->hash));
	if (json_is_true(json_object_get(find.slug, "dropping")))
		gc_drop(gc);
	else
		gc_mark(gc, find.slug, find.rev);
	json_decref(find.slug);
}

/* ---- when ------------------------------------------------------------ */

static int
on_timer(sd_event_source *source, uint64_t now, void *arg)
{
	(void)source;
	(void)now;
	gc_next(arg);
	return 0;
}

struct gc *
gc_open(struct build *b)
{
	struct gc *gc = calloc(1, sizeof(*gc));

	if (gc == NULL)
		log_fatal("build: out of memory");
	gc->build = b;
	if (sd_event_add_time_relative(b->loop, &gc->timer, CLOCK_MONOTONIC,
		LOOK_US, LOOK_US / 4, on_timer, gc) < 0 ||
	    sd_event_source_set_enabled(gc->timer, SD_EVENT_OFF) < 0)
		log_fatal("build: no timer");
	return gc;
}

void
gc_close(struct gc *gc)
{
	launch_forget(node_launch(gc->build->node), gc);
	sd_event_source_disable_unref(gc->timer);
	free(gc);
}

/* One look for all that asks for it before: nobody can put it off for ever. */
void
gc_wake(struct gc *gc)
{
	gc->woken = 1;
	if (!gc->busy &&
	    sd_event_source_get_enabled(gc->timer, NULL) == SD_EVENT_OFF)
		gc_idle(gc, 0);
}

int
gc_busy(const struct gc *gc)
{
	return gc->busy;
}
