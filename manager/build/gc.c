/*
 * Slugs that nothing needs (gc_keep.c), and trees of slugs that are kept, but
 * that nothing runs on soon: their archives make them again.
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

#include "build/gc.h"
#include "common/log.h"
#include "node/launch.h"
#include "node/tree.h"

#define LOOK_US  (2 * 1000 * 1000)
#define RETRY_US (30 * 1000 * 1000)
#define SLICE_US 5000 /* from one slice of a look to the next */

struct gc {
	struct build *build;
	sd_event_source *timer;
	struct gc_kept kept;
	int looking; /* kept is being found */
	int busy;    /* something is dropped */
	int woken;   /* while it did either */
	char hash[BUILD_HASH_MAX];
	uint64_t tree_rev; /* of the record of the tree that is dropped */
};

static void gc_next(struct gc *);

/* ---- one superfluous slug after the other ---------------------------- */

struct find {
	struct store *store;
	json_t *kept;
	uint64_t base; /* what is newer is left alone */
	int newer;     /* something was */
	size_t prefix; /* of the keys */
	char hash[BUILD_HASH_MAX];
	uint64_t rev;
	json_t *slug;
};

/* Of a slug that somebody uses again, its own record is written. */
static int
is_newer(struct find *find, const char *hash, uint64_t rev)
{
	char key[STORE_KEY_MAX + 1];
	uint64_t slug_rev;

	json_decref(store_get(
	    find->store, key_format(key, "slug/%s", hash), &slug_rev));
	return rev > find->base || slug_rev > find->base;
}

static int
find_one(const char *key, json_t *slug, uint64_t rev, void *arg)
{
	struct find *find = arg;
	const char *hash = key + find->prefix;

	if (strlen(hash) != BUILD_HASH_MAX - 1 ||
	    strspn(hash, "0123456789abcdef") != BUILD_HASH_MAX - 1)
		return 0;
	if (json_object_get(find->kept, hash) != NULL ||
	    json_object_get(slug, "damaged") != NULL)
		return 0;
	if (is_newer(find, hash, rev)) {
		find->newer = 1;
		return 0;
	}
	strlcpy(find->hash, hash, sizeof(find->hash));
	find->rev = rev;
	find->slug = json_incref(slug);
	return 1;
}

static void
gc_later(struct gc *gc, uint64_t us)
{
	if (sd_event_source_set_time_relative(gc->timer, us) < 0 ||
	    sd_event_source_set_time_accuracy(gc->timer, us / 4) < 0 ||
	    sd_event_source_set_enabled(gc->timer, SD_EVENT_ONESHOT) < 0)
		log_fatal("build: no timer");
}

static void
gc_idle(struct gc *gc, uint64_t again)
{
	gc->busy = 0;
	if (again == 0 && !gc->woken)
		return;
	gc->woken = 0;
	gc_later(gc, again != 0 ? again : LOOK_US);
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
	store_del(txn, tree_key(key, gc->hash));
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

/* ---- one tree after the other ---------------------------------------- */

static void
gc_tree_forgotten(enum store_result result, uint64_t rev, void *arg)
{
	struct gc *gc = arg;

	(void)rev;
	/* In a conflict somebody makes it again: the next look tells. */
	if (result != STORE_OK && result != STORE_CONFLICT)
		gc_idle(gc, RETRY_US);
	else
		gc_next(gc);
}

/* Without an archive it stays as long as the slug. */
static void
gc_tree_dropped(int error, const struct launch_reply *reply, void *arg)
{
	struct gc *gc = arg;
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn;

	(void)reply;
	if (error != 0 && error != ENOENT && error != ENODATA) {
		if (error != ECONNRESET && error != EBUSY && error != EAGAIN)
			log_warn("build: the tree of slug %.12s can't be "
				 "removed: %s",
			    gc->hash, strerror(error));
		gc_idle(gc, RETRY_US);
		return;
	}
	txn = store_begin(gc->build->store);
	store_if(txn, tree_key(key, gc->hash), gc->tree_rev);
	store_del(txn, key);
	store_commit(txn, gc_tree_forgotten, gc);
}

static void
gc_drop_tree(struct gc *gc)
{
	uint8_t digest[LAUNCH_HASH];

	(void)sodium_hex2bin(digest, sizeof(digest), gc->hash, strlen(gc->hash),
	    NULL, NULL, NULL);
	if (launch_drop_tree(
		node_launch(gc->build->node), digest, gc_tree_dropped, gc) < 0)
		gc_idle(gc, RETRY_US);
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

/* The first one below prefix that is not kept; a reference in find->slug. */
static int
gc_find(struct gc *gc, struct find *find, const char *prefix, json_t *kept)
{
	memset(find, 0, sizeof(*find));
	find->store = gc->build->store;
	find->kept = kept;
	find->base = gc->kept.base;
	find->prefix = strlen(prefix);
	if (store_each(gc->build->store, prefix, find_one, find) == 0) {
		gc->woken |= find->newer;
		return 0;
	}
	gc->busy = 1;
	strlcpy(gc->hash, find->hash, sizeof(gc->hash));
	return 1;
}

/* What is needed is known: the first that is not goes. */
static void
gc_looked(struct gc *gc)
{
	struct find find;

	if (gc_find(gc, &find, "slug/", gc->kept.slugs)) {
		if (json_is_true(json_object_get(find.slug, "dropping")))
			gc_drop(gc);
		else
			gc_mark(gc, find.slug, find.rev);
	} else if (gc_find(gc, &find, TREE_PREFIX, gc->kept.trees)) {
		gc->tree_rev = find.rev;
		gc_drop_tree(gc);
	} else {
		gc_idle(gc, 0);
	}
	json_decref(find.slug);
}

/* A slice of a look; builds go on between two. */
static void
gc_look(struct gc *gc)
{
	if (!gc_kept_more(gc->build, &gc->kept)) {
		gc_later(gc, SLICE_US);
		return;
	}
	gc->looking = 0;
	if (is_sealing(gc->build))
		gc_idle(gc, LOOK_US);
	else
		gc_looked(gc);
	gc_kept_free(&gc->kept);
}

static void
gc_next(struct gc *gc)
{
	gc->busy = 0;
	if (is_sealing(gc->build)) {
		gc_idle(gc, LOOK_US);
		return;
	}
	gc_kept_start(gc->build, &gc->kept);
	gc->looking = 1;
	gc_look(gc);
}

/* ---- when ------------------------------------------------------------ */

static int
on_timer(sd_event_source *source, uint64_t now, void *arg)
{
	struct gc *gc = arg;

	(void)source;
	(void)now;
	if (gc->looking)
		gc_look(gc);
	else
		gc_next(gc);
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
	if (gc->looking)
		gc_kept_free(&gc->kept);
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
