/*
 * {"id", "version", "description", "status", "current", ...}: a release.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/access/user.h"
#include "api/http/id.h"
#include "api/model.h"
#include "schedule/rollout.h"
#include "store/keys.h"

#define RELEASE_KEY "release/%s/%08" PRId64

json_t *
model_get_release(struct api *api, const char *app, int64_t version)
{
	char key[STORE_KEY_MAX + 1];

	if (version <= 0 || version > 99999999)
		return NULL;
	return store_get(
	    api->store, key_format(key, RELEASE_KEY, app, version), NULL);
}

static int
release_last(const char *key, json_t *release, uint64_t rev, void *arg)
{
	(void)key;
	(void)rev;
	*(int64_t *)arg = model_number(release, "version");
	return 1;
}

int64_t
model_last_version(struct api *api, const char *app)
{
	char prefix[STORE_KEY_MAX + 1];
	int64_t version = 0;

	(void)store_each_last(api->store,
	    key_format(prefix, "release/%s/", app), release_last, &version);
	return version;
}

json_t *
model_release_ref(json_t *release)
{
	if (release == NULL)
		return json_null();
	return json_pack("{s:s, s:I}", "id", model_text(release, "id"),
	    "version", (json_int_t)model_number(release, "version"));
}

/* What became of it is the scheduler's to say: NULL if that is open. */
static json_t *
release_result(struct api *api, const char *name, int64_t version)
{
	char key[STORE_KEY_MAX + 1];

	return store_get(api->store,
	    key_format(key, "result/%s/%08" PRId64, name, version), NULL);
}

static const char *
release_status(
    const struct rollout *ro, json_t *result, int64_t version, json_t *release)
{
	if (result != NULL)
		return model_text(result, "status");
	if (ro->failed == version)
		return "failed";
	/* Before it has code to run, there is nothing to wait for. */
	if (version > ro->live && version >= ro->target &&
	    json_is_string(json_object_get(release, "slug")))
		return "pending";
	return "succeeded";
}

int64_t
model_current_version(struct api *api, const char *name, json_t *app)
{
	struct rollout ro;

	model_get_rollout(api, name, &ro);
	return ro.live != 0 ? ro.live : model_number(app, "version");
}

int64_t
model_base_version(struct api *api, const char *name, json_t *app)
{
	int64_t version = model_number(app, "version");
	struct rollout ro;

	model_get_rollout(api, name, &ro);
	return ro.failed == version && ro.live != 0 ? ro.live : version;
}

/* One that was made elsewhere keeps the id that its maker was given. */
static json_t *
release_slug_id(json_t *release)
{
	json_t *draft = json_object_get(release, "draft");

	return draft != NULL ? draft : json_object_get(release, "slug");
}

static json_t *
release_slug(json_t *release)
{
	if (!json_is_string(json_object_get(release, "slug")))
		return json_null();
	return json_pack("{s:O}", "id", release_slug_id(release));
}

/* A slug that is about to go is none to go back to. */
static int
release_has_code(struct api *api, json_t *release)
{
	const char *hash = model_text(release, "slug");
	char key[STORE_KEY_MAX + 1];
	json_t *slug;
	int there;

	if (hash[0] == '\0')
		return 0;
	slug = store_get(api->store, key_format(key, "slug/%s", hash), NULL);
	there =
	    slug != NULL && !json_is_true(json_object_get(slug, "dropping"));
	json_decref(slug);
	return there;
}

static json_t *
release_artifacts(json_t *release)
{
	if (!json_is_string(json_object_get(release, "slug")))
		return json_array();
	return json_pack(
	    "[{s:s, s:O}]", "type", "slug", "id", release_slug_id(release));
}

json_t *
model_release(struct api *api, const char *name, json_t *app, json_t *release)
{
	int64_t version = model_number(release, "version"), current;
	const char *user = model_text(release, "user");
	json_t *shape, *result = release_result(api, name, version);
	struct rollout ro;

	model_get_rollout(api, name, &ro);
	current = ro.live != 0 ? ro.live : model_number(app, "version");
	shape = json_pack("{s:s, s:I, s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o,"
			  " s:o, s:O?, s:O?, s:O?, s:[], s:n, s:n}",
	    "id", model_text(release, "id"), "version", (json_int_t)version,
	    "description", model_text(release, "description"), "status",
	    release_status(&ro, result, version, release), "current",
	    version == current, "created_at", id_time_of(release, "created"),
	    "updated_at",
	    result != NULL ? id_time_of(result, "at")
			   : id_time_of(release, "created"),
	    "app", model_app_ref(name, app), "slug", release_slug(release),
	    "artifacts", release_artifacts(release), "user",
	    model_user_named(api->store, user), "types",
	    json_object_get(release, "types"), "source",
	    json_object_get(release, "source"), "commit",
	    json_object_get(release, "commit"), "addon_plan_names",
	    "output_stream_url", "oci_image");
	json_object_set_new(shape, "eligible_for_rollback",
	    json_boolean(strcmp(model_text(result, "status"), "failed") != 0 &&
			 release_has_code(api, release)));
	json_object_update_new(
	    shape, json_pack("{s:O?, s:O?, s:O?}", "reason",
		       json_object_get(result, "reason"), "process",
		       json_object_get(result, "process"), "log",
		       json_object_get(result, "log")));
	json_decref(result);
	return shape;
}

/*
 * The slug of an old release may be about to go.  Its record is put again as
 * it is: a collector that looked before this commit then meets a conflict,
 * and looks again.
 */
static int
release_keep_slug(struct api *api, struct store_txn *txn, json_t *release)
{
	const char *hash = model_text(release, "slug");
	char key[STORE_KEY_MAX + 1];
	json_t *slug;
	uint64_t rev;
	int there;

	if (hash[0] == '\0')
		return 0;
	slug = store_get(api->store, key_format(key, "slug/%s", hash), &rev);
	there =
	    slug != NULL && !json_is_true(json_object_get(slug, "dropping"));
	if (there) {
		store_if(txn, key, rev);
		store_put(txn, key, slug);
	}
	json_decref(slug);
	return there ? 0 : -1;
}

json_t *
model_add_release(struct api *api, struct store_txn *txn, const char *name,
    json_t *app, json_t *from, json_t *config, const char *user,
    const char *description)
{
	int64_t version = model_last_version(api, name) + 1;
	char id[37], key[STORE_KEY_MAX + 1];
	static const char *const kept[] = {"settings", "image", "draft"};
	json_t *release;

	if (release_keep_slug(api, txn, from) == -1)
		return NULL;
	id_uuid(id);
	release = json_pack("{s:I, s:s, s:O?, s:O?, s:O?, s:s, s:s, s:I, s:O?,"
			    " s:O}",
	    "version", (json_int_t)version, "id", id, "slug",
	    json_object_get(from, "slug"), "commit",
	    json_object_get(from, "commit"), "source",
	    json_object_get(from, "source"), "description", description, "user",
	    user, "created", (json_int_t)id_now(), "types",
	    json_object_get(from, "types"), "config", config);
	if (release == NULL)
		return NULL;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (json_object_get(from, kept[i]) != NULL)
			json_object_set(
			    release, kept[i], json_object_get(from, kept[i]));
	store_put_new(
	    txn, key_format(key, RELEASE_KEY, name, version), release);
	json_object_set_new(app, "version", json_integer(version));
	store_put(txn, key_format(key, "app/%s", name), app);
	return release;
}
