/*
 * GET /apps/APP/slugs/ID: what a build made, as long as one of the app's
 * releases has it, or a slug that was made elsewhere and waits for its first.
 */
#include <string.h>

#include "api/app/app_stack.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/deploy/release.h"
#include "api/deploy/slug.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

struct find {
	const char *slug;
	json_t *release;
};

static int
find_slug(const char *key, json_t *release, uint64_t rev, void *arg)
{
	struct find *find = arg;

	(void)key;
	(void)rev;
	if (strcmp(model_text(release, "slug"), find->slug) != 0 &&
	    strcmp(model_text(release, "draft"), find->slug) != 0)
		return 0;
	find->release = json_incref(release);
	return 1;
}

json_t *
release_of_slug(struct request *r, const char *slug)
{
	struct find find = {slug, NULL};
	char prefix[STORE_KEY_MAX + 1];

	if (*slug != '\0')
		(void)store_each_last(r->api->store,
		    key_format(prefix, "release/%s/", r->name), find_slug,
		    &find);
	return find.release;
}

/*
 * There is no URL to have it by.  What the content is, is told by the slug,
 * which others may have made, too; what was said of it, by the release and
 * the draft, as long as there is one.
 */
static json_t *
slug_json(struct request *r, json_t *release, json_t *slug, json_t *draft)
{
	const char *id = model_text(release, "draft");
	json_t *made = draft != NULL ? draft : slug;
	json_t *from = draft != NULL ? draft : release;

	return json_pack(
	    "{s:s, s:O?, s:O?, s:n, s:O?, s:O?, s:O?, s:O?, s:o, s:o, s:o}",
	    "id", id[0] != '\0' ? id : model_text(release, "slug"),
	    "buildpack_provided_description",
	    json_object_get(made, "buildpack"), "checksum",
	    json_object_get(draft, "checksum"), "blob", "commit",
	    json_object_get(from, "commit"), "commit_description",
	    json_object_get(draft, "commit_description"), "process_types",
	    json_object_get(release, "types"), "size",
	    json_object_get(slug, "size"), "stack",
	    app_stack_ref("stack", r->api->stack), "created_at",
	    id_time_of(made, "created"), "updated_at",
	    id_time_of(made, "created"));
}

/* By its id, or by what it contains. */
void
slug_info(struct request *r)
{
	json_t *release = release_of_slug(r, r->params[1]), *slug = NULL;
	json_t *draft = slug_draft(
	    r, release != NULL ? model_text(release, "draft") : r->params[1]);
	char key[STORE_KEY_MAX + 1];

	if (release != NULL)
		slug = store_get(r->api->store,
		    key_format(key, "slug/%s", model_text(release, "slug")),
		    NULL);
	if (slug != NULL)
		respond_json(
		    r, MHD_HTTP_OK, slug_json(r, release, slug, draft));
	else if (release == NULL && draft != NULL)
		respond_json(r, MHD_HTTP_OK,
		    slug_draft_json(r, r->params[1], draft, json_null()));
	else
		respond_missing(
		    r, "%s has no slug %.64s", request_app(r), r->params[1]);
	json_decref(slug);
	json_decref(draft);
	json_decref(release);
}
