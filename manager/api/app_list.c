/*
 * GET /apps: those that one may see, by name.
 */
#include "api/app_texts.h"
#include "api/model.h"
#include "api/request.h"
#include "api/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

struct list {
	struct request *request;
	json_t *apps;
};

static int
list_add(const char *key, json_t *app, uint64_t rev, void *arg)
{
	struct list *list = arg;
	struct request *r = list->request;
	char name[MODEL_NAME_MAX];

	(void)rev;
	if (key_part(key, 1, name, sizeof(name)) == 0 &&
	    who_role_for(r->api->store, &r->who, name) != ROLE_NONE)
		json_array_append_new(list->apps, model_app(r->api, name, app));
	return 0;
}

static void
list_add_brief(const char *name, json_t *brief, void *arg)
{
	struct list *list = arg;
	struct request *r = list->request;

	if (who_role_for(r->api->store, &r->who, name) != ROLE_NONE)
		json_array_append(list->apps, brief);
}

static char *
list_text(json_t *briefs, size_t *len, void *arg)
{
	struct request *r = arg;

	return app_texts_join(r->api->app_texts, briefs, len);
}

void
app_list(struct request *r)
{
	struct list list = {r, json_array()};

	if (app_texts_each(r->api->app_texts, list_add_brief, &list) == 0) {
		respond_list(r, list.apps, list_text, r);
		return;
	}
	(void)store_each(r->api->store, "app/", list_add, &list);
	respond_json(r, MHD_HTTP_OK, list.apps);
}
