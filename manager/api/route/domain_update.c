/*
 * PATCH /apps/APP/domains/HOST {"sni_endpoint"}: which of several certificates
 * it is served; null for the best one.
 */
#include <string.h>

#include "api/app/app_change.h"
#include "api/http/check.h"
#include "api/route/domain.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

static const struct check_field fields[] = {
    {"sni_endpoint", CHECK_STRING, CHECK_REQUIRED | CHECK_NULLABLE, 1, 60, NULL,
	NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static void
update(struct request *r, const char *host, json_t *domain, uint64_t rev)
{
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn;
	json_t *reply;

	if (domain_choose_cert(r, host, domain) == -1)
		return;
	reply = model_domain(r->api, r->name, r->app, host, domain);
	txn = app_change_begin(r);
	key_format(key, "domain/%s", host);
	store_if(txn, key, rev);
	store_put(txn, key, domain);
	store_event(txn, r->name, "domain", "chose %s certificate for %s%s",
	    json_object_get(domain, "sni_endpoint") != NULL ? "a" : "the best",
	    host[0] == '.' ? "*" : "", host);
	request_commit(r, txn, MHD_HTTP_OK, reply);
}

void
domain_update(struct request *r)
{
	char err[PAAS_ERRLEN], host[HOST_MAX], own[HOST_MAX + MODEL_NAME_MAX],
	    text[DOMAIN_TEXT];
	json_t *domain, *copy;
	uint64_t rev;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	host_own(r, own);
	if (strcmp(domain_asked(r, text), own) == 0) {
		respond_invalid(r,
		    "%s is what the app has for being there: it is served the "
		    "best certificate",
		    own);
		return;
	}
	if ((domain = domain_find(r, host, &rev)) == NULL)
		return;
	copy = json_copy(domain);
	update(r, host, copy, rev);
	json_decref(copy);
	json_decref(domain);
}
