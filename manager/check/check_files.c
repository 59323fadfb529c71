/*
 * Slugs against the releases that need them, and trees that a build left.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check/check_impl.h"
#include "common/places.h"
#include "store/keys.h"

#define HASH_LEN 64

/* A tree is made of its archive again; one of before there were any is not. */
static int
slug_found(const char *key, json_t *slug, uint64_t rev, void *arg)
{
	struct check *c = arg;
	const char *hash = key + sizeof("slug/") - 1;
	char archive[PATH_MAX], tree[PATH_MAX];

	(void)rev;
	c->nslugs++;
	snprintf(archive, sizeof(archive), "%s/" PLACE_ARCHIVES "/%s.tar.zst",
	    c->conf->state_dir, hash);
	snprintf(tree, sizeof(tree), "%s/" PLACE_SLUGS "/%s",
	    c->conf->state_dir, hash);
	if (access(archive, F_OK) == -1 && access(tree, F_OK) == -1 &&
	    !json_is_true(json_object_get(slug, "dropping")))
		check_off(c, "the slug %.12s of %s is not there", hash,
		    check_text(slug, "app"));
	return 0;
}

static void
release_compare(struct check *c, const char *app, int64_t version)
{
	char key[STORE_KEY_MAX + 1];
	const char *hash;
	json_t *release, *slug;

	if (version <= 0)
		return;
	key_format(key, "release/%s/%08u", app, (unsigned)version);
	if ((release = store_get(c->store, key, NULL)) == NULL) {
		check_off(c,
		    "v%d of %s is wanted, and there is no such release",
		    (int)version, app);
		return;
	}
	hash = check_text(release, "slug");
	if (*hash != '\0') {
		key_format(key, "slug/%s", hash);
		if ((slug = store_get(c->store, key, NULL)) == NULL)
			check_off(c, "the slug %.12s of %s v%d has no record",
			    hash, app, (int)version);
		json_decref(slug);
	}
	json_decref(release);
}

static int
rollout_found(const char *key, json_t *rollout, uint64_t rev, void *arg)
{
	const char *app = key + sizeof("rollout/") - 1;
	int64_t live = check_number_of(rollout, "live");
	int64_t target = check_number_of(rollout, "target");
	char name[STORE_KEY_MAX + 1];
	struct check *c = arg;
	json_t *record;

	(void)rev;
	record = store_get(c->store, key_format(name, "app/%s", app), NULL);
	if (record != NULL) {
		release_compare(c, app, live);
		if (target != live)
			release_compare(c, app, target);
	}
	json_decref(record);
	return 0;
}

static void
tree_found(const char *name, void *arg)
{
	struct check *c = arg;
	char key[STORE_KEY_MAX + 1];
	json_t *slug;

	/* What stands behind a hash is the form that it is kept in. */
	if (strlen(name) < HASH_LEN ||
	    strspn(name, "0123456789abcdef") != HASH_LEN)
		return;
	snprintf(key, sizeof(key), "slug/%.64s", name);
	if ((slug = store_get(c->store, key, NULL)) == NULL)
		check_off(c, "the slug %.12s is kept, and of no release", name);
	json_decref(slug);
}

struct build_seek {
	const char *id;
	int found;
};

static int
build_matches(const char *key, json_t *build, uint64_t rev, void *arg)
{
	static const char *const on[] = {"pending", "running", "inspecting"};
	struct build_seek *seek = arg;
	const char *state = check_text(build, "state");
	size_t i;

	(void)rev;
	if (strcmp(strrchr(key, '/') + 1, seek->id) != 0)
		return 0;
	for (i = 0; i < sizeof(on) / sizeof(on[0]); i++)
		seek->found |= strcmp(state, on[i]) == 0;
	return 1;
}

static void
build_tree_found(const char *name, void *arg)
{
	struct build_seek seek = {.id = name};
	struct check *c = arg;

	(void)store_each(c->store, "build/", build_matches, &seek);
	if (!seek.found)
		check_off(c, "builds/%s is of no build under way", name);
}

void
check_files(struct check *c)
{
	char path[PATH_MAX];

	store_each(c->store, "slug/", slug_found, c);
	store_each(c->store, "rollout/", rollout_found, c);
	snprintf(path, sizeof(path), "%s/" PLACE_SLUGS, c->conf->state_dir);
	(void)check_folder(path, tree_found, c);
	snprintf(path, sizeof(path), "%s/" PLACE_ARCHIVES, c->conf->state_dir);
	(void)check_folder(path, tree_found, c);
	snprintf(path, sizeof(path), "%s/" PLACE_BUILDS, c->conf->state_dir);
	(void)check_folder(path, build_tree_found, c);
}
