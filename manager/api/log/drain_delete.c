/*
 * DELETE /apps/APP/log-drains/ID_OR_TOKEN_OR_URL: answers with what it was.
 */
#include <string.h>

#include "api/app/app_change.h"
#include "api/log/drain.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

/* Its URL and its token are secrets, which not all who may end it may read. */
static void
delete_hide(const struct request *r, const struct drain_url *parsed,
    const char *url, json_t *reply)
{
	if (r->who.basis == BASIS_NONE ||
	    (r->who.scope & SCOPE_READ_SECRETS) != 0)
		return;
	json_object_set_new(reply, "url",
	    json_sprintf(
		"%.*s://%s", (int)strcspn(url, ":"), url, parsed->host));
	json_object_set_new(reply, "token", json_string(""));
}

void
drain_delete(struct request *r)
{
	char err[PAAS_ERRLEN], id[DRAIN_ID_MAX], key[STORE_KEY_MAX + 1];
	struct drain_url parsed = {.host = ""};
	struct store_txn *txn;
	json_t *drain, *reply;
	uint64_t rev;

	if ((drain = drain_find(r, id, &rev)) == NULL)
		return;
	(void)drain_url_parse(model_text(drain, "url"), &parsed, err);
	reply = model_drain(r->api, r->name, r->app, id, drain);
	delete_hide(r, &parsed, model_text(drain, "url"), reply);
	json_decref(drain);
	txn = app_change_begin(r);
	key_format(key, "drain/%s/%s", r->name, id);
	store_if(txn, key, rev);
	store_del(txn, key);
	store_event(txn, r->name, "drain", "removed the log drain to %.200s",
	    parsed.host);
	request_commit(r, txn, MHD_HTTP_OK, reply);
}
