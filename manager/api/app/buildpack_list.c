/*
 * GET /apps/APP/buildpack-installations: by which packs an app is built, in
 * their order; none, and what fits is found at each build.
 */
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/app/buildpack.h"
#include "api/verbs.h"

json_t *
buildpack_ref(json_t *pack)
{
	return json_pack("{s:O, s:O}", "url", pack, "name", pack);
}

json_t *
buildpack_shape(json_t *packs)
{
	json_t *list = json_array(), *pack;
	size_t i;

	json_array_foreach (packs, i, pack)
		json_array_append_new(
		    list, json_pack("{s:I, s:o}", "ordinal", (json_int_t)i,
			      "buildpack", buildpack_ref(pack)));
	return list;
}

void
buildpack_list(struct request *r)
{
	respond_json(r, MHD_HTTP_OK,
	    buildpack_shape(json_object_get(r->app, "buildpacks")));
}
