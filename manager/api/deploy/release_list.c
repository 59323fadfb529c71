/*
 * GET /apps/APP/releases, one of them by its version or id, and the config
 * vars that it runs with.
 */
#include <stdio.h>
#include <string.h>

#include "api/http/check.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/deploy/release.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

struct list {
	struct request *request;
	json_t *releases;
};

static int
list_add(const char *key, json_t *release, uint64_t rev, void *arg)
{
	struct list *list = arg;
	struct request *r = list->request;

	(void)key;
	(void)rev;
	json_array_append_new(
	    list->releases, model_release(r->api, r->name, r->app, release));
	return 0;
}

void
release_list(struct request *r)
{
	struct list list = {r, json_array()};
	char prefix[STORE_KEY_MAX + 1];

	(void)store_each(r->api->store,
	    key_format(prefix, "release/%s/", r->name), list_add, &list);
	respond_json(r, MHD_HTTP_OK, list.releases);
}

struct find {
	const char *id;
	json_t *release;
};

static int
find_by_id(const char *key, json_t *release, uint64_t rev, void *arg)
{
	struct find *find = arg;

	(void)key;
	(void)rev;
	if (strcmp(model_text(release, "id"), find->id) != 0)
		return 0;
	find->release = json_incref(release);
	return 1;
}

json_t *
release_find(struct request *r, const char *which)
{
	struct find find = {which, NULL};
	char prefix[STORE_KEY_MAX + 1];
	int64_t version;

	if (strcmp(which, "current") == 0)
		return model_get_release(r->api, r->name,
		    model_current_version(r->api, r->name, r->app));
	if (check_digits(which + (which[0] == 'v'), &version) == 0)
		return model_get_release(r->api, r->name, version);
	if (!id_is_uuid(which))
		return NULL;
	(void)store_each_last(r->api->store,
	    key_format(prefix, "release/%s/", r->name), find_by_id, &find);
	return find.release;
}

/* The one that the path names; NULL after an answer. */
static json_t *
release_named(struct request *r)
{
	json_t *release = release_find(r, r->params[1]);

	if (release == NULL)
		respond_missing(
		    r, "%s has no release %.60s", request_app(r), r->params[1]);
	return release;
}

void
release_config(struct request *r)
{
	json_t *config, *release = release_named(r);

	if (release == NULL)
		return;
	config = json_incref(json_object_get(release, "config"));
	respond_json(r, MHD_HTTP_OK, config != NULL ? config : json_object());
	json_decref(release);
}

void
release_info(struct request *r)
{
	json_t *release = release_named(r);

	if (release == NULL)
		return;
	respond_json(
	    r, MHD_HTTP_OK, model_release(r->api, r->name, r->app, release));
	json_decref(release);
}
