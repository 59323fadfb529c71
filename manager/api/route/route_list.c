/*
 * GET /routes?prefix=, and one of them by its host.
 */
#include <bsd/string.h>

#include "api/app/host.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "routing/routing.h"
#include "store/keys.h"

struct list {
	struct api *api;
	json_t *routes;
};

static int
list_add(const char *key, json_t *route, uint64_t rev, void *arg)
{
	struct list *list = arg;
	char host[HOST_MAX];

	(void)rev;
	if (key_part(key, 1, host, sizeof(host)) == 0)
		json_array_append_new(
		    list->routes, model_route(list->api, host, route));
	return 0;
}

void
route_list(struct request *r)
{
	char key[STORE_KEY_MAX + 1], prefix[HOST_MAX];
	struct list list = {r->api, NULL};

	/* Hosts that start with it; "*." is how people write a wildcard. */
	if (request_query(r, "prefix", prefix, sizeof(prefix)) == NULL)
		prefix[0] = '\0';
	if (respond_given(r))
		return;
	list.routes = json_array();
	key_format(key, "route/%s", prefix + (prefix[0] == '*'));
	(void)store_each(r->api->store, key, list_add, &list);
	respond_json(r, MHD_HTTP_OK, list.routes);
}

/* Has no record of its own: a line of what was imported, perhaps. */
static void
info_imported(struct request *r, const char *host)
{
	json_t *lines = routing_imported(r->api->routing, host);

	if (lines == NULL)
		respond_missing(r, "there is no route %.100s", r->params[0]);
	else
		respond_json(r, MHD_HTTP_OK,
		    json_pack("{s:o, s:o}", "host", host_show(host), "imported",
			lines));
}

void
route_info(struct request *r)
{
	char host[HOST_MAX], key[STORE_KEY_MAX + 1];
	json_t *route;

	if (host_parse(r, r->params[0], host) == -1)
		return;
	route =
	    store_get(r->api->store, key_format(key, "route/%s", host), NULL);
	if (route != NULL)
		respond_json(r, MHD_HTTP_OK, model_route(r->api, host, route));
	else
		info_imported(r, host);
	json_decref(route);
}
