/*
 * The commits of a build.  Each compares the build's record with the one in
 * hand: an app that is destroyed takes its builds along, and what is written
 * after that would stay for ever.
 */
#include "build/room.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <bsd/stdlib.h>

#include "build/settings.h"
#include "common/config_name.h"
#include "common/log.h"
#include "node/tree.h"

#define BUILDS_KEPT 50 /* an app */
#define PRUNE_MAX   8  /* in one commit */
#define RETRY_US    (1000 * 1000)

/* A commit under way: the record that holds once it is done. */
struct commit {
	struct job *job;
	json_t *record;
};

int64_t
commit_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static char *
build_key(char key[STORE_KEY_MAX + 1], const struct job *job)
{
	return key_format(key, "build/%s/%016" PRIx64, job->app, job->id);
}

/* A transaction with a new state of the record. */
static struct commit *
commit_begin(struct job *job, struct store_txn **txn, const char *state)
{
	char key[STORE_KEY_MAX + 1];
	struct commit *commit = calloc(1, sizeof(*commit));

	if (commit == NULL)
		log_fatal("build: out of memory");
	commit->job = job;
	commit->record = json_deep_copy(job->record);
	json_object_set_new(commit->record, "state", json_string(state));
	json_object_set_new(
	    commit->record, "updated", json_integer(commit_now()));
	*txn = store_begin(job->build->store);
	store_if(*txn, build_key(key, job), job->rev);
	return commit;
}

static void
commit_end(struct commit *commit, struct store_txn *txn, store_done_cb cb)
{
	char key[STORE_KEY_MAX + 1];

	store_put(txn, build_key(key, commit->job), commit->record);
	store_commit(txn, cb, commit);
}

static void
commit_drop(struct commit *commit)
{
	json_decref(commit->record);
	free(commit);
}

/* What all of them do with the answer; the job, and the commit is freed. */
static struct job *
commit_done(struct commit *commit, enum store_result result, uint64_t rev)
{
	struct job *job = commit->job;

	if (result == STORE_OK) {
		json_decref(job->record);
		job->record = json_incref(commit->record);
		job->rev = rev;
	}
	commit_drop(commit);
	return job;
}

/* The app as it is, if it still is the one that the build began with. */
static json_t *
get_app(struct job *job, uint64_t *rev)
{
	char key[STORE_KEY_MAX + 1];
	const char *text;
	uint64_t number;
	json_t *app;

	app = store_get(
	    job->build->store, key_format(key, "app/%s", job->app), rev);
	text = json_string_value(json_object_get(app, "number"));
	if (text != NULL && key_parse_id(text, &number) == 0 &&
	    number == job->number)
		return app;
	json_decref(app);
	job->appgone = 1;
	return NULL;
}

/* Whether the record in hand is still the one in the store. */
static int
is_current(struct job *job)
{
	char key[STORE_KEY_MAX + 1];
	uint64_t rev;

	json_decref(store_get(job->build->store, build_key(key, job), &rev));
	return rev == job->rev;
}

/* ---- which instance works for it ------------------------------------- */

static void
instance_done(enum store_result result, uint64_t rev, void *arg)
{
	struct job *job = commit_done(arg, result, rev);

	if (result == STORE_CONFLICT)
		job->appgone = 1;
	if (result != STORE_OK)
		job_blame(job, "The build could not be noted: %s.",
		    store_strerror(result));
	job_event(job, result == STORE_OK ? JOB_OK : JOB_BAD);
}

void
commit_instance(struct job *job, struct run *run, const char *state)
{
	char id[17];
	struct store_txn *txn;
	struct commit *commit = commit_begin(job, &txn, state);

	key_format_id(id, run_id(run));
	json_object_set_new(commit->record, "instance", json_string(id));
	if (run == job->runner)
		json_object_set_new(commit->record, "log", json_string(id));
	json_object_set_new(
	    commit->record, "started", json_integer(commit_now()));
	commit_end(commit, txn, instance_done);
}

/* ---- the slug -------------------------------------------------------- */

static void
slug_done(enum store_result result, uint64_t rev, void *arg)
{
	struct job *job = arg;

	(void)rev;
	if (result != STORE_OK && result != STORE_CONFLICT)
		job_blame(job, "The slug could not be noted: %s.",
		    store_strerror(result));
	job_event(job, result == STORE_OK         ? JOB_OK
		       : result == STORE_CONFLICT ? JOB_AGAIN
						  : JOB_BAD);
}

void
commit_slug(struct job *job)
{
	char key[STORE_KEY_MAX + 1];
	struct store *store = job->build->store;
	struct store_txn *txn;
	json_t *slug, *tree;
	uint64_t rev, tree_rev;

	json_decref(
	    store_get(store, tree_key(key, job->found.hash), &tree_rev));
	key_format(key, "slug/%s", job->found.hash);
	slug = store_get(store, key, &rev);
	/* Nothing new, unless there is an archive, in place of another one. */
	if (slug != NULL && tree_rev != 0 && job->found.archive == 0 &&
	    !json_is_true(json_object_get(slug, "dropping"))) {
		json_decref(slug);
		job_event(job, JOB_OK);
		return;
	}
	if (job->found.archive == 0)
		job->found.archive =
		    json_integer_value(json_object_get(slug, "archive"));
	json_decref(slug);
	slug = json_pack("{s:s, s:I, s:I, s:I, s:O, s:s, s:I}", "app", job->app,
	    "size", (json_int_t)job->found.bytes, "archive",
	    (json_int_t)job->found.archive, "entries",
	    (json_int_t)job->found.entries, "types", job->found.types,
	    "buildpack", job->found.buildpack, "created",
	    (json_int_t)commit_now());
	txn = store_begin(store);
	store_if(txn, key, rev);
	store_put(txn, key, slug);
	tree = tree_record();
	store_put(txn, tree_key(key, job->found.hash), tree);
	store_commit(txn, slug_done, job);
	json_decref(slug);
	json_decref(tree);
}

/* ---- the release ----------------------------------------------------- */

static int
last_version(const char *key, json_t *release, uint64_t rev, void *arg)
{
	(void)key;
	(void)rev;
	*(int64_t *)arg =
	    json_integer_value(json_object_get(release, "version"));
	return 1;
}

/* RFC 9562, version 4. */
static void
new_uuid(char out[37])
{
	uint8_t b[16];

	arc4random_buf(b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(out, 37,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x"
	    "%02x",
	    b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10],
	    b[11], b[12], b[13], b[14], b[15]);
}

static const char *
get_text(json_t *record, const char *name, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(record, name));

	return text != NULL && text[0] != '\0' ? text : otherwise;
}

/* What a commit of a release is made of. */
struct release {
	struct store_txn *txn;
	int64_t version;
	json_t *settings; /* or NULL */
	json_t *config;
	json_t *before; /* the release that was asked for, or NULL */
};

/*
 * What a buildpack proposes becomes the app's with its first release, unless
 * it has it; what the platform sets is nobody else's to set.
 */
static void
propose_config(struct job *job, json_t *config, int *changed)
{
	const char *name;
	json_t *value;

	json_object_foreach (job->found.config, name, value) {
		if (config_name_reserved(name) ||
		    json_object_get(config, name) != NULL)
			continue;
		json_object_set(config, name, value);
		*changed = 1;
	}
}

/* The config vars, with what the settings say of them. */
static int
release_config(struct job *job, struct release *r, char err[SETTINGS_ERRLEN])
{
	char key[STORE_KEY_MAX + 1];
	uint64_t rev;
	int changed = 0;

	key_format(key, "config/%s", job->app);
	r->config = store_get(job->build->store, key, &rev);
	if (r->config == NULL)
		r->config = json_object();
	if (settings_config(r->settings, r->config, &changed, err) == -1)
		return -1;
	if (r->version == 1)
		propose_config(job, r->config, &changed);
	if (changed) {
		store_if(r->txn, key, rev);
		store_put(r->txn, key, r->config);
	}
	return 0;
}

/* All of the settings, before anything is changed by any of them. */
static int
release_settings(struct job *job, struct release *r)
{
	int claim = json_is_true(json_object_get(job->record, "claims"));
	char err[SETTINGS_ERRLEN];
	int result;

	if (job_settings(job, &r->settings) == -1)
		return -1;
	result = r->settings == NULL
		     ? 0
		     : settings_check(r->settings, job->build->conf, err);
	if (result == 0)
		result = settings_fit(r->settings, job->found.types, err);
	if (result == 0)
		result = release_config(job, r, err);
	if (result == 0)
		result = settings_hosts(r->settings, job->build->store,
		    job->build->conf, job->app, claim, r->txn, err);
	if (result == -1)
		job_blame(job, "%s.", err);
	return result;
}

static json_t *
new_release(struct job *job, const struct release *r)
{
	char id[37], description[32];
	const char *commit = get_text(job->record, "commit", "");
	json_t *release, *settings, *postdeploy;

	new_uuid(id);
	snprintf(description, sizeof(description), "Deploy%s%.8s",
	    commit[0] != '\0' ? " " : "", commit);
	release = json_pack("{s:I, s:s, s:s, s:s, s:O?, s:O?, s:s, s:I, s:O,"
			    " s:O}",
	    "version", (json_int_t)r->version, "id", id, "slug",
	    job->found.hash, "description",
	    get_text(job->record, "description", description), "source",
	    json_object_get(job->record, "source"), "commit",
	    json_object_get(job->record, "commit"), "user",
	    get_text(job->record, "user", "unknown"), "created",
	    (json_int_t)commit_now(), "types", job->found.types, "config",
	    r->config);
	settings = settings_release(r->settings, r->version, r->before);
	if (settings != NULL)
		json_object_set_new(release, "settings", settings);
	postdeploy = json_object_get(r->settings, "postdeploy");
	if (postdeploy != NULL)
		json_object_set(release, "postdeploy", postdeploy);
	if (job->found.image != NULL)
		json_object_set(release, "image", job->found.image);
	if (json_object_get(job->record, "draft") != NULL)
		json_object_set(
		    release, "draft", json_object_get(job->record, "draft"));
	return release;
}

/*
 * One web process, none of the others, until somebody scales; or as the app
 * asks to begin.
 */
static void
add_formation(struct job *job, const struct release *r)
{
	char key[STORE_KEY_MAX + 1];
	const char *type;
	json_t *command, *formation, *asked;

	json_object_foreach (job->found.types, type, command) {
		/* Runs before a release, and is no part of it. */
		if (strcmp(type, "release") == 0)
			continue;
		key_format(key, "formation/%s/%s", job->app, type);
		formation = store_get(job->build->store, key, NULL);
		if (formation == NULL) {
			formation = json_pack("{s:i, s:I, s:{}}", "quantity",
			    strcmp(type, "web") == 0, "memory",
			    (json_int_t)job->build->conf->instance_memory,
			    "generations");
			asked = settings_formation(r->settings, type);
			if (asked != NULL)
				json_object_update(formation, asked);
			json_decref(asked);
			store_put_new(r->txn, key, formation);
		}
		json_decref(formation);
	}
}

struct prune {
	struct store_txn *txn;
	int count;
	int left;
};

static int
count_build(const char *key, json_t *value, uint64_t rev, void *arg)
{
	(void)key;
	(void)value;
	(void)rev;
	((struct prune *)arg)->count++;
	return 0;
}

static int
prune_build(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct prune *prune = arg;
	const char *state = get_text(value, "state", "");

	(void)rev;
	if (prune->left-- == 0)
		return 1;
	if (strcmp(state, "succeeded") == 0 || strcmp(state, "failed") == 0)
		store_del(prune->txn, key);
	return 0;
}

/* Records of old builds go with the commits of new ones. */
static void
prune_builds(struct job *job, struct store_txn *txn)
{
	char prefix[STORE_KEY_MAX + 1];
	struct prune prune = {txn, 0, 0};

	key_format(prefix, "build/%s/", job->app);
	(void)store_each(job->build->store, prefix, count_build, &prune);
	prune.left = prune.count - BUILDS_KEPT;
	if (prune.left > PRUNE_MAX)
		prune.left = PRUNE_MAX;
	if (prune.left > 0)
		(void)store_each(
		    job->build->store, prefix, prune_build, &prune);
}

static void
release_done(enum store_result result, uint64_t rev, void *arg)
{
	struct job *job = commit_done(arg, result, rev);

	if (result == STORE_OK) {
		job_event(job, JOB_OK);
	} else if (result == STORE_CONFLICT && is_current(job)) {
		/* The app changed meanwhile, or someone else released. */
		job_event(job, JOB_AGAIN);
	} else {
		if (result == STORE_CONFLICT)
			job->appgone = 1;
		job_blame(job, "The release could not be made: %s.",
		    store_strerror(result));
		job_event(job, JOB_BAD);
	}
}

/* Those that were sent have done their work. */
static void
drop_settings(struct job *job, struct store_txn *txn)
{
	char key[STORE_KEY_MAX + 1];
	const char *id = get_text(job->record, "settings", "none");

	if (strcmp(id, "none") != 0)
		store_del(txn, key_format(key, "settings/%s/%s", job->app, id));
}

static void
put_release(struct job *job, const struct release *r, const char *app)
{
	char key[STORE_KEY_MAX + 1];
	json_t *release = new_release(job, r);

	store_put_new(r->txn,
	    key_format(key, "release/%s/%08" PRId64, app, r->version), release);
	add_formation(job, r);
	prune_builds(job, r->txn);
	drop_settings(job, r->txn);
	store_event(r->txn, app, "build",
	    "built with %s, release v%" PRId64 ": %s by %s%s%s",
	    job->found.buildpack, r->version,
	    get_text(release, "description", ""), get_text(release, "user", ""),
	    r->settings != NULL ? ", as said in " : "",
	    get_text(r->settings, "file", ""));
	json_decref(release);
}

void
commit_release(struct job *job)
{
	char key[STORE_KEY_MAX + 1];
	struct release r = {NULL};
	struct commit *commit;
	json_t *app, *changed;
	uint64_t rev;

	if ((app = get_app(job, &rev)) == NULL) {
		job_event(job, JOB_BAD);
		return;
	}
	(void)store_each_last(job->build->store,
	    key_format(key, "release/%s/", job->app), last_version, &r.version);
	r.version++;
	r.before = store_get(job->build->store,
	    key_format(key, "release/%s/%08lld", job->app,
		json_integer_value(json_object_get(app, "version"))),
	    NULL);
	commit = commit_begin(job, &r.txn, "succeeded");
	json_object_set_new(
	    commit->record, "slug", json_string(job->found.hash));
	json_object_set_new(commit->record, "version", json_integer(r.version));
	store_if(r.txn, key_format(key, "app/%s", job->app), rev);
	changed = json_copy(app);
	json_object_set_new(changed, "version", json_integer(r.version));
	json_object_set_new(changed, "updated", json_integer(commit_now()));
	store_put(r.txn, key, changed);
	if (release_settings(job, &r) == 0) {
		put_release(job, &r, job->app);
		commit_end(commit, r.txn, release_done);
	} else {
		store_abandon(r.txn);
		commit_drop(commit);
		job_event(job, JOB_BAD);
	}
	json_decref(app);
	json_decref(changed);
	json_decref(r.before);
	json_decref(r.settings);
	json_decref(r.config);
}

/* ---- the failure ----------------------------------------------------- */

static void
failure_done(enum store_result result, uint64_t rev, void *arg)
{
	struct job *job = commit_done(arg, result, rev);

	if (result == STORE_OK)
		job_event(job, JOB_OK);
	else if (result == STORE_CONFLICT)
		job_event(job, is_current(job) ? JOB_AGAIN : JOB_OK);
	else {
		log_err("build: the failure of %016" PRIx64
			" of %s can't be noted: %s",
		    job->id, job->app, store_strerror(result));
		job_retry_in(job, RETRY_US);
	}
}

/* Also of an app that is gone: who removes it waits for its builds to end. */
void
commit_failure(struct job *job)
{
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn;
	struct commit *commit;
	json_t *app;
	uint64_t rev;

	app = get_app(job, &rev);
	if (app == NULL)
		job_blame(job, "The app was destroyed during the build.");
	job_blame(job, "The build failed.");
	log_info("build %016" PRIx64 " of %s failed: %s", job->id, job->app,
	    job->reason);
	commit = commit_begin(job, &txn, "failed");
	json_object_set_new(commit->record, "error", json_string(job->reason));
	if (job->code != NULL)
		json_object_set_new(
		    commit->record, "code", json_string(job->code));
	if (app != NULL) {
		store_if(txn, key_format(key, "app/%s", job->app), rev);
		prune_builds(job, txn);
		store_event(
		    txn, job->app, "build", "build failed: %s", job->reason);
	}
	commit_end(commit, txn, failure_done);
	json_decref(app);
}

/* ---- the end --------------------------------------------------------- */

static void
clean_done(enum store_result result, uint64_t rev, void *arg)
{
	struct job *job = arg;

	(void)rev;
	if (result == STORE_OK)
		job_event(job, JOB_OK);
	else
		job_retry_in(job, RETRY_US);
}

void
commit_clean(struct job *job)
{
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn = store_begin(job->build->store);

	store_del(txn, key_format(key, "upload/%016" PRIx64, job->id));
	store_commit(txn, clean_done, job);
}
