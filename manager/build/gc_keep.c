/*
 * Which slugs are needed: those of the last releases of each app, of the one
 * asked for, live or to come, of assignments and of builds under way.  Of
 * older ones than the last but one, only the archive.
 */
#include "build/room.h"

#include <bsd/string.h>
#include <stdlib.h>
#include <time.h>

#include "build/gc.h"

#define RELEASES_KEPT 10
#define TREES_KEPT    2 /* the way back to the last one is short */
#define SLICE_US      500

struct keep {
	struct build *build;
	struct gc_kept *kept;
	const char *app;
	int seen;  /* releases of the app */
	int taken; /* records of the slice */
};

/* What runs, or may at any moment, needs its tree. */
static void
keep_slug(struct keep *keep, json_t *record, int tree)
{
	const char *hash = json_string_value(json_object_get(record, "slug"));

	if (hash == NULL)
		return;
	json_object_set_new(keep->kept->slugs, hash, json_true());
	if (tree)
		json_object_set_new(keep->kept->trees, hash, json_true());
}

static int
keep_release(const char *key, json_t *release, uint64_t rev, void *arg)
{
	struct keep *keep = arg;

	(void)key;
	(void)rev;
	keep_slug(keep, release, keep->seen < TREES_KEPT);
	return ++keep->seen == RELEASES_KEPT;
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
	keep_slug(keep, release, 1);
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
	keep->seen = 0;
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
	keep_slug(arg, assignment, 1);
	return 0;
}

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static const struct {
	const char *prefix;
	store_each_cb take;
} prefixes[] = {
    {"app/", keep_app},
    {"assign/", keep_assignment},
};

#define PREFIXES (sizeof(prefixes) / sizeof(prefixes[0]))

static int
keep_next(const char *key, json_t *record, uint64_t rev, void *arg)
{
	struct keep *keep = arg;
	struct gc_kept *kept = keep->kept;

	if (keep->taken++ > 0 && now_us() > kept->end) {
		strlcpy(kept->from, key, sizeof(kept->from));
		return 1;
	}
	return prefixes[kept->prefix].take(key, record, rev, arg);
}

/* Those of builds are in no record yet. */
static void
keep_jobs(struct build *b, struct gc_kept *kept)
{
	struct job *job;

	TAILQ_FOREACH (job, &b->jobs, entry) {
		if (job->found.hash[0] == '\0')
			continue;
		json_object_set_new(kept->slugs, job->found.hash, json_true());
		json_object_set_new(kept->trees, job->found.hash, json_true());
	}
}

void
gc_kept_start(struct build *b, struct gc_kept *kept)
{
	kept->slugs = json_object();
	kept->trees = json_object();
	kept->base = store_revision(b->store);
	kept->prefix = 0;
	kept->from[0] = '\0';
}

int
gc_kept_more(struct build *b, struct gc_kept *kept)
{
	struct keep keep = {.build = b, .kept = kept};

	kept->end = now_us() + SLICE_US;
	for (; kept->prefix < PREFIXES; kept->prefix++) {
		if (store_each_from(b->store, prefixes[kept->prefix].prefix,
			kept->from, keep_next, &keep) != 0)
			return 0;
		kept->from[0] = '\0';
	}
	keep_jobs(b, kept);
	return 1;
}

void
gc_kept_free(struct gc_kept *kept)
{
	json_decref(kept->slugs);
	json_decref(kept->trees);
	kept->slugs = kept->trees = NULL;
}
