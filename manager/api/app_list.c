/*
 * GET /apps: those that one may see, by name.
 */
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

void
app_list(struct request *r)
{
	struct list list = {r, json_array()};

	(void)store_each(r->api->store, "app/", list_add, &list);
	respond_json(r, MHD_HTTP_OK, list.apps);
}
