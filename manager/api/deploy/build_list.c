/*
 * GET /apps/APP/builds, and one of them.
 */
#include <stdint.h>

#include "api/deploy/build_find.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

struct list {
	struct request *request;
	json_t *builds;
};

static int
list_add(const char *key, json_t *build, uint64_t rev, void *arg)
{
	struct list *list = arg;
	struct request *r = list->request;

	(void)key;
	(void)rev;
	json_array_append_new(
	    list->builds, model_build(r, r->name, r->app, build));
	return 0;
}

void
build_list(struct request *r)
{
	struct list list = {r, json_array()};
	char prefix[STORE_KEY_MAX + 1];

	(void)store_each(r->api->store,
	    key_format(prefix, "build/%s/", r->name), list_add, &list);
	respond_json(r, MHD_HTTP_OK, list.builds);
}

json_t *
build_find(struct request *r, uint64_t *id)
{
	char key[STORE_KEY_MAX + 1];
	json_t *build = NULL;
	uint64_t push;

	if (key_parse_id(r->params[1], id) == 0)
		build = store_get(r->api->store,
		    key_format(key, "build/%s/%s", r->name, r->params[1]),
		    NULL);
	/* The hook of a push sees its own one. */
	if (build != NULL && r->push != 0 &&
	    (key_parse_id(model_text(build, "push"), &push) == -1 ||
		push != r->push)) {
		json_decref(build);
		build = NULL;
	}
	if (build == NULL)
		respond_missing(
		    r, "%s has no build %.60s", request_app(r), r->params[1]);
	return build;
}

void
build_info(struct request *r)
{
	uint64_t id;
	json_t *build = build_find(r, &id);

	if (build == NULL)
		return;
	respond_json(r, MHD_HTTP_OK, model_build(r, r->name, r->app, build));
	json_decref(build);
}
