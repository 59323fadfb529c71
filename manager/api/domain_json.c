/*
 * {"hostname", "kind", "cname", ...}: a host that an app answers at.  A
 * wildcard is ".example.com" in the store and "*.example.com" to people.
 */
#include "api/id.h"
#include "api/model.h"

json_t *
model_domain(struct api *api, const char *name, json_t *app, const char *host,
    json_t *domain)
{
	json_t *record = domain != NULL ? domain : app;
	char id[37];

	id_derive(id, model_text(app, "id"), "domain", host);
	return json_pack("{s:s, s:o, s:s, s:o?, s:s, s:o, s:o, s:o, s:n, s:n}",
	    "id", id, "hostname",
	    json_sprintf("%s%s", host[0] == '.' ? "*" : "", host), "kind",
	    domain != NULL ? "custom" : "heroku", "cname",
	    domain != NULL ? json_sprintf("%s.%s", name, api->conf->domain)
			   : NULL,
	    "status", domain != NULL ? "succeeded" : "none", "app",
	    model_app_ref(name, app), "created_at",
	    id_time_of(record, "created"), "updated_at",
	    id_time_of(record, "created"), "acm_status", "acm_status_reason");
}
