/*
 * PUT /routes/HOST {"path"?, "instances"?, "weight"?, "apps"?, settings}: sets
 * one path of a host; other paths stay.  PATCH: what it does not name of the
 * path stays, too.
 *
 * instances are addresses outside; apps get shares of the requests, beside
 * those or alone: [{"app", "weight"}].
 */
#include <bsd/string.h>
#include <string.h>

#include "api/app/host.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/route/route.h"
#include "api/route/route_edit.h"
#include "api/verbs.h"
#include "routing/routing.h"
#include "store/names.h"
#include "store/keys.h"

int
route_parse_path(
    struct request *r, const char *text, char prefix[ROUTE_PATH_MAX + 1])
{
	size_t len = strlcpy(prefix, text, ROUTE_PATH_MAX + 1);
	size_t fine = strcspn(text, " %?#\\\"<>");

	for (size_t i = 0; i < fine; i++)
		if (text[i] < 0x21 || text[i] > 0x7e)
			fine = i;
	if (len > ROUTE_PATH_MAX || text[0] != '/' || fine != len ||
	    strstr(text, "//") != NULL || strstr(text, "/.") != NULL) {
		respond_invalid(r,
		    "path \"%.60s\" has to start with '/' and be segments as "
		    "in /docs/v2, at most %d bytes",
		    text, ROUTE_PATH_MAX);
		return -1;
	}
	if (len > 1 && prefix[len - 1] == '/')
		prefix[len - 1] = '\0';
	return 0;
}

/*
 * A host that an app has: its paths may lead elsewhere, but of the whole of it
 * that app keeps a share.  0, or -1 after an answer.
 */
static int
route_may_have(
    struct request *r, const char *host, const char *app, json_t *record)
{
	json_t *whole = route_find_path(record, "/"), *share;
	char name[KEY_NAME_MAX + 1];
	size_t i;

	if (whole == NULL)
		return 0;
	json_array_foreach (json_object_get(whole, "apps"), i, share)
		if (strcmp(model_text(share, "app"), app) == 0)
			return 0;
	respond_invalid(r,
	    "host \"%s\" is a domain of the app %s: name that among the apps, "
	    "or remove the domain first, with paas domains:remove",
	    host, names_of(r->api->store, app, name));
	return -1;
}

/* A redirect to itself would never end. */
static int
route_leads_on(struct request *r, const char *host, json_t *record)
{
	json_t *path;
	size_t i;

	json_array_foreach (json_object_get(record, "paths"), i, path)
		if (strcmp(model_text(path, "to_host"), host) == 0) {
			respond_invalid(r,
			    "to_host has to be another host than %s itself",
			    host);
			return 0;
		}
	return 1;
}

/* Canonical in host; app gets who has it, "" for nobody. */
static int
route_claim(struct request *r, char host[HOST_MAX], char app[MODEL_NAME_MAX])
{
	app[0] = '\0';
	if (host_parse(r, r->params[0], host) == -1)
		return -1;
	if (routing_owner_exact(r->api->store, r->api->conf, host, app) == 0)
		return 0;
	app[0] = '\0';
	return host_claim(r, r->params[0], host);
}

static void
route_commit(struct request *r, const char *host, struct route_ids *ids,
    json_t *old, uint64_t rev, json_t *record)
{
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn = store_begin(r->api->store);
	json_t *domain;
	uint64_t domain_rev;

	domain = store_get(
	    r->api->store, key_format(key, "domain/%s", host), &domain_rev);
	json_decref(domain);
	store_if(txn, key, domain_rev);
	key_format(key, "route/%s", host);
	store_if(txn, key, rev);
	store_put(txn, key, record);
	route_targets_put(txn, host, old, record);
	route_ids_put(ids, txn);
	request_commit(r, txn, old != NULL ? MHD_HTTP_OK : MHD_HTTP_CREATED,
	    model_route(r->api, host, record));
}

static void
route_set(struct request *r, int patch)
{
	char app[MODEL_NAME_MAX], host[HOST_MAX], key[STORE_KEY_MAX + 1];
	struct route_ids ids;
	json_t *old, *record;
	uint64_t rev;

	if (route_claim(r, host, app) == -1)
		return;
	old = store_get(r->api->store, key_format(key, "route/%s", host), &rev);
	route_ids_read(r, &ids);
	record = route_edit(r, route_fields, &ids, old, patch);
	if (record != NULL &&
	    (app[0] == '\0' || route_may_have(r, host, app, record) == 0) &&
	    route_leads_on(r, host, record))
		route_commit(r, host, &ids, old, rev, record);
	json_decref(record);
	json_decref(old);
}

void
route_put(struct request *r)
{
	route_set(r, 0);
}

void
route_patch(struct request *r)
{
	route_set(r, 1);
}
