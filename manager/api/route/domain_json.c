/*
 * {"hostname", "kind", "cname", ...}: a host that an app answers at.  A
 * wildcard is ".example.com" in the store and "*.example.com" to people.
 */
#include <string.h>

#include "api/http/id.h"
#include "api/model.h"
#include "routing/routing.h"
#include "store/names.h"
#include "store/keys.h"

struct find {
	const char *id;
	json_t *ref;
};

static int
find_cert(const char *key, json_t *record, uint64_t rev, void *arg)
{
	struct find *find = arg;

	(void)rev;
	if (strcmp(model_text(record, "id"), find->id) != 0)
		return 0;
	find->ref = json_pack(
	    "{s:s, s:s}", "id", find->id, "name", strrchr(key, '/') + 1);
	return 1;
}

/* The one that the domain has chosen. */
static json_t *
chosen_cert(struct api *api, const char *app, json_t *domain)
{
	char prefix[STORE_KEY_MAX + 1];
	struct find find = {model_text(domain, "sni_endpoint"), NULL};

	if (find.id[0] != '\0')
		(void)store_each(api->store,
		    key_format(prefix, "cert/%s/", app), find_cert, &find);
	return find.ref;
}

/* Of the app's own, the one that is served; null for none. */
static json_t *
served_cert(struct api *api, const char *app, const char *host)
{
	char key[STORE_KEY_MAX + 1], owner[MODEL_NAME_MAX];
	json_t *record, *ref;

	routing_cert(api->routing, host, key);
	if (key[0] == '\0' || key_part(key, 1, owner, sizeof(owner)) == -1 ||
	    strcmp(owner, app) != 0 ||
	    (record = store_get(api->store, key, NULL)) == NULL)
		return json_null();
	ref = json_pack("{s:s, s:s}", "id", model_text(record, "id"), "name",
	    strrchr(key, '/') + 1);
	json_decref(record);
	return ref;
}

json_t *
model_domain(struct api *api, const char *name, json_t *app, const char *host,
    json_t *domain)
{
	json_t *record = domain != NULL ? domain : app;
	json_t *cert = chosen_cert(api, name, domain);
	char id[37];

	id_derive(id, model_text(app, "id"), "domain", host);
	return json_pack("{s:s, s:o, s:s, s:o?, s:s, s:o, s:o, s:o, s:o, s:n, "
			 "s:n}",
	    "id", id, "hostname",
	    json_sprintf("%s%s", host[0] == '.' ? "*" : "", host), "kind",
	    domain != NULL ? "custom" : "heroku", "cname",
	    domain != NULL
		? json_sprintf("%s.%s", names_in(name, app), api->conf->domain)
		: NULL,
	    "status", domain != NULL ? "succeeded" : "none", "app",
	    model_app_ref(name, app), "created_at",
	    id_time_of(record, "created"), "updated_at",
	    id_time_of(record, "created"), "sni_endpoint",
	    cert != NULL ? cert : served_cert(api, name, host), "acm_status",
	    "acm_status_reason");
}
