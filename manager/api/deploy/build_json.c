/*
 * {"id", "status", "slug", "release", ...}: a build.
 */
#include <string.h>

#include "api/access/user.h"
#include "api/app/buildpack.h"
#include "api/deploy/build_stream.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"

int
model_build_is_over(json_t *build)
{
	const char *state = model_text(build, "state");

	return strcmp(state, "succeeded") == 0 || strcmp(state, "failed") == 0;
}

/* The build room's states -> the three that Heroku's clients know. */
static const char *
build_status(json_t *build)
{
	return model_build_is_over(build) ? model_text(build, "state")
					  : "pending";
}

/* Those that were asked for: what fits is found by the build itself. */
static json_t *
build_packs(json_t *build)
{
	json_t *list = json_array(), *pack;
	size_t i;

	json_array_foreach (json_object_get(build, "buildpacks"), i, pack)
		json_array_append_new(list, buildpack_ref(pack));
	return list;
}

/* As Heroku's clients know it; the URL was for one build alone. */
static json_t *
build_blob(json_t *build)
{
	json_t *blob = json_object_get(build, "blob");
	json_t *version = json_object_get(blob, "version");

	return json_pack("{s:O?, s:n, s:O?, s:O?}", "checksum",
	    json_object_get(blob, "checksum"), "url", "version",
	    version != NULL ? version : json_object_get(build, "commit"),
	    "version_description",
	    json_object_get(blob, "version_description"));
}

/* One that was made elsewhere has the id that its maker was given. */
static json_t *
build_slug(json_t *build)
{
	json_t *slug = json_object_get(build, "slug");
	json_t *draft = json_object_get(build, "draft");

	if (!json_is_string(slug))
		return json_null();
	return json_pack("{s:O}", "id", draft != NULL ? draft : slug);
}

json_t *
model_build(
    const struct request *r, const char *name, json_t *app, json_t *build)
{
	struct api *api = r->api;
	const char *state = model_text(build, "state");
	json_t *release, *result;
	json_t *error = json_object_get(build, "error");

	release = model_get_release(api, name, model_number(build, "version"));
	result = json_pack(
	    "{s:s, s:s, s:s, s:o, s:o, s:O?, s:o, s:o, s:o, s:o, s:O?, s:O?,"
	    " s:O?, s:o, s:o, s:o, s:o}",
	    "id", model_text(build, "id"), "status", build_status(build),
	    "state", state, "app", model_app_ref(name, app), "release",
	    model_release_ref(release), "error", error, "slug",
	    build_slug(build), "stack", json_string(api->stack), "user",
	    model_user_named(api->store, model_text(build, "user")),
	    "buildpacks", build_packs(build), "source",
	    json_object_get(build, "source"), "commit",
	    json_object_get(build, "commit"), "upload_bytes",
	    json_object_get(build, "size"), "created_at",
	    id_time_of(build, "created"), "updated_at",
	    id_time_of(build, "updated"), "output_stream_url",
	    build_stream_url(r, app, build), "source_blob", build_blob(build));
	json_decref(release);
	return result;
}
