/*
 * POST /apps/APP/domains {"hostname", "sni_endpoint"?}: claims a host.
 */
#include <string.h>

#include "api/app/app_change.h"
#include "api/http/check.h"
#include "api/route/domain.h"
#include "api/http/id.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/names.h"
#include "store/keys.h"

static const struct check_field fields[] = {
    {"hostname", CHECK_STRING, CHECK_REQUIRED, 1, 255, NULL, NULL},
    {"sni_endpoint", CHECK_STRING, CHECK_NULLABLE, 1, 60, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* Answers if somebody has the host. */
static int
domain_is_free(struct request *r, const char *host)
{
	char key[STORE_KEY_MAX + 1], name[KEY_NAME_MAX + 1];
	const char *app;
	json_t *taken;

	taken =
	    store_get(r->api->store, key_format(key, "domain/%s", host), NULL);
	if (taken != NULL) {
		app = model_text(taken, "app");
		if (who_role_for(r->api, &r->who, app) == ROLE_NONE)
			respond_invalid(
			    r, "hostname \"%s\" is taken by another app", host);
		else if (strcmp(app, r->name) == 0)
			respond_invalid(r,
			    "hostname \"%s\" is a domain of %s already", host,
			    request_app(r));
		else
			respond_invalid(r,
			    "hostname \"%s\" is taken by the app %s: remove "
			    "it there first, with paas domains:remove",
			    host, names_of(r->api->store, app, name));
		json_decref(taken);
		return 0;
	}
	if (!host_has_route(r, host))
		return 1;
	respond_invalid(r,
	    "hostname \"%s\" is a route to addresses outside: remove that "
	    "first, with paas routes:remove",
	    host);
	return 0;
}

static int
domain_is_one(struct request *r, const char *host)
{
	if (strcmp(host, ".") != 0)
		return 1;
	respond_invalid(r,
	    "hostname \"*\" is every host, and no app's: use paas routes:add "
	    "'*' app:%s",
	    request_app(r));
	return 0;
}

void
domain_create(struct request *r)
{
	char err[PAAS_ERRLEN], host[HOST_MAX], key[STORE_KEY_MAX + 1];
	struct store_txn *txn;
	json_t *domain, *reply;
	uint64_t zone_rev;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if (host_claim(r, model_text(r->json, "hostname"), host) == -1 ||
	    !domain_is_one(r, host) || !domain_is_free(r, host) ||
	    !domain_may_claim(r, host, &zone_rev))
		return;
	domain = json_pack(
	    "{s:s, s:I}", "app", r->name, "created", (json_int_t)id_now());
	if (domain_choose_cert(r, host, domain) == -1) {
		json_decref(domain);
		return;
	}
	reply = model_domain(r->api, r->name, r->app, host, domain);
	txn = app_change_begin(r);
	domain_claim(txn, host, zone_rev);
	store_if(txn, key_format(key, "route/%s", host), 0);
	store_put_new(txn, key_format(key, "domain/%s", host), domain);
	store_event(txn, r->name, "domain", "added domain %s%s",
	    host[0] == '.' ? "*" : "", host);
	json_decref(domain);
	request_commit(r, txn, MHD_HTTP_CREATED, reply);
}
