/*
 * DELETE /apps/APP/domains/HOST
 */
#include <string.h>

#include "api/app/app_change.h"
#include "api/route/domain.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

/* Does nothing else hang on it?  If so there is an answer. */
static int
domain_is_unused(struct request *r, const char *host)
{
	char key[STORE_KEY_MAX + 1];
	json_t *redirect;
	int unused = 0;

	redirect = store_get(
	    r->api->store, key_format(key, "redirect/%s", r->name), NULL);
	if (host_has_route(r, host))
		respond_invalid(r,
		    "hostname \"%s\" has a route of its own: remove that "
		    "first, with paas routes:remove",
		    host);
	else if (strcmp(model_text(redirect, "to_host"), host) == 0)
		respond_invalid(r,
		    "hostname \"%s\" is where the other hosts of %s redirect "
		    "to: end that first, with paas http:unset to_host",
		    host, request_app(r));
	else
		unused = 1;
	json_decref(redirect);
	return unused;
}

void
domain_delete(struct request *r)
{
	char host[HOST_MAX], own[HOST_MAX + MODEL_NAME_MAX], text[DOMAIN_TEXT];
	char key[STORE_KEY_MAX + 1];
	json_t *domain, *reply;
	struct store_txn *txn;
	uint64_t rev;

	host_own(r, own);
	if (strcmp(domain_asked(r, text), own) == 0) {
		respond_invalid(r,
		    "%s is what the app has for being there, and goes with it",
		    own);
		return;
	}
	if ((domain = domain_find(r, host, &rev)) == NULL)
		return;
	if (!domain_is_unused(r, host)) {
		json_decref(domain);
		return;
	}
	reply = model_domain(r->api, r->name, r->app, host, domain);
	json_decref(domain);
	txn = app_change_begin(r);
	key_format(key, "domain/%s", host);
	store_if(txn, key, rev);
	store_del(txn, key);
	host_gone(txn);
	store_event(txn, r->name, "domain", "removed domain %s%s",
	    host[0] == '.' ? "*" : "", host);
	request_commit(r, txn, MHD_HTTP_OK, reply);
}
