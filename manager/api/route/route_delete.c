/*
 * DELETE /routes/HOST; with ?path=/docs only that prefix of it.
 */
#include <string.h>

#include "api/app/host.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/route/route.h"
#include "api/route/route_edit.h"
#include "api/verbs.h"
#include "routing/routing.h"
#include "store/keys.h"

/* The route without one of its paths; NULL if it has no such path. */
static json_t *
route_without(json_t *route, const char *prefix)
{
	json_t *path, *copy, *paths = json_array();
	json_t *old = json_object_get(route, "paths");
	size_t i;

	json_array_foreach (old, i, path)
		if (strcmp(model_text(path, "prefix"), prefix) != 0)
			json_array_append(paths, path);
	if (json_array_size(paths) == json_array_size(old)) {
		json_decref(paths);
		return NULL;
	}
	copy = model_touch(route);
	json_object_set_new(copy, "paths", paths);
	return copy;
}

static void
route_remove(struct request *r, const char *host, json_t *route, uint64_t rev,
    const char *path)
{
	char key[STORE_KEY_MAX + 1], prefix[ROUTE_PATH_MAX + 1];
	struct store_txn *txn;
	json_t *rest = NULL;

	if (path != NULL && route_parse_path(r, path, prefix) == -1)
		return;
	if (path != NULL && (rest = route_without(route, prefix)) == NULL) {
		respond_missing(
		    r, "the route %.100s has no path %s", r->params[0], prefix);
		return;
	}
	txn = store_begin(r->api->store);
	key_format(key, "route/%s", host);
	store_if(txn, key, rev);
	if (rest != NULL && json_array_size(json_object_get(rest, "paths")) > 0)
		store_put(txn, key, rest);
	else
		store_del(txn, key);
	route_targets_put(txn, host, route, rest);
	json_decref(rest);
	host_gone(txn);
	request_commit(r, txn, MHD_HTTP_OK, model_route(r->api, host, route));
}

static void
missing(struct request *r, const char *host)
{
	json_t *lines = routing_imported(r->api->routing, host);

	if (lines != NULL)
		respond_invalid(r,
		    "the route %.100s was imported: take its line out of the "
		    "file and import that again",
		    r->params[0]);
	else
		respond_missing(r, "there is no route %.100s", r->params[0]);
	json_decref(lines);
}

void
route_delete(struct request *r)
{
	char host[HOST_MAX], key[STORE_KEY_MAX + 1];
	char buf[ROUTE_PATH_MAX + 1];
	const char *path;
	json_t *route;
	uint64_t rev;

	path = request_query(r, "path", buf, sizeof(buf));
	if (respond_given(r) || host_parse(r, r->params[0], host) == -1)
		return;
	route =
	    store_get(r->api->store, key_format(key, "route/%s", host), &rev);
	if (route == NULL) {
		missing(r, host);
		return;
	}
	route_remove(r, host, route, rev, path);
	json_decref(route);
}
