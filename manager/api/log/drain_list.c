/*
 * GET /apps/APP/log-drains, and one of them.
 */
#include <bsd/string.h>
#include <string.h>

#include "api/log/drain.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

struct list {
	struct request *request;
	json_t *drains;
};

static int
list_add(const char *key, json_t *drain, uint64_t rev, void *arg)
{
	struct list *list = arg;
	struct request *r = list->request;

	(void)rev;
	json_array_append_new(list->drains,
	    model_drain(r->api, r->name, r->app, strrchr(key, '/') + 1, drain));
	return 0;
}

void
drain_list(struct request *r)
{
	struct list list = {r, json_array()};
	char prefix[STORE_KEY_MAX + 1];

	(void)store_each(r->api->store,
	    key_format(prefix, "drain/%s/", r->name), list_add, &list);
	respond_json(r, MHD_HTTP_OK, list.drains);
}

struct find {
	const char *which;
	char *id;
	json_t *drain;
	uint64_t rev;
};

static int
find_by(const char *key, json_t *drain, uint64_t rev, void *arg)
{
	struct find *find = arg;
	const char *id = strrchr(key, '/') + 1;

	if (strcmp(find->which, id) != 0 &&
	    strcmp(find->which, model_text(drain, "token")) != 0 &&
	    strcmp(find->which, model_text(drain, "url")) != 0)
		return 0;
	strlcpy(find->id, id, DRAIN_ID_MAX);
	find->drain = json_incref(drain);
	find->rev = rev;
	return 1;
}

json_t *
drain_find(struct request *r, char id[DRAIN_ID_MAX], uint64_t *rev)
{
	struct find find = {.which = r->params[1], .id = id};
	char prefix[STORE_KEY_MAX + 1];

	(void)store_each(r->api->store,
	    key_format(prefix, "drain/%s/", r->name), find_by, &find);
	*rev = find.rev;
	if (find.drain == NULL)
		respond_missing(r,
		    "%s has no drain %.100s: paas drains lists those it has",
		    request_app(r), r->params[1]);
	return find.drain;
}

void
drain_info(struct request *r)
{
	char id[DRAIN_ID_MAX];
	uint64_t rev;
	json_t *drain;

	if ((drain = drain_find(r, id, &rev)) == NULL)
		return;
	respond_json(
	    r, MHD_HTTP_OK, model_drain(r->api, r->name, r->app, id, drain));
	json_decref(drain);
}
