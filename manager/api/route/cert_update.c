/*
 * PATCH /apps/APP/sni-endpoints/CERT {"certificate_chain", "private_key"},
 * PATCH /certificates/CERT {the same, or "default"}: the next one in its
 * place.
 */
#include "api/route/cert.h"
#include "api/route/cert_pair.h"
#include "api/http/check.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

static const struct check_field app_fields[] = {
    {"certificate_chain", CHECK_STRING, CHECK_REQUIRED, 1, CERT_BYTES_MAX, NULL,
	NULL},
    {"private_key", CHECK_STRING, CHECK_REQUIRED, 1, CERT_BYTES_MAX, NULL,
	NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static const struct check_field platform_fields[] = {
    {"certificate_chain", CHECK_STRING, 0, 1, CERT_BYTES_MAX, NULL, NULL},
    {"private_key", CHECK_STRING, 0, 1, CERT_BYTES_MAX, NULL, NULL},
    {"default", CHECK_BOOL, 0, 0, 0, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* 0, or -1 after an answer; a pair of nothing if none was sent. */
static int
read_pair(struct request *r, struct cert_pair *pair)
{
	const char *chain = model_text(r->json, "certificate_chain");
	const char *key = model_text(r->json, "private_key");
	char err[PAAS_ERRLEN];

	if (chain[0] == '\0' && key[0] == '\0')
		return 0;
	if (chain[0] == '\0' || key[0] == '\0') {
		respond_invalid(r,
		    "%s is missing: certificate_chain and private_key are "
		    "changed together",
		    key[0] == '\0' ? "private_key" : "certificate_chain");
		return -1;
	}
	if (cert_pair_read(pair, chain, key, err) == 0)
		return 0;
	respond_invalid(r, "%s", err);
	return -1;
}

/* The record without a new pair: only whether it is the default. */
static json_t *
put_record(struct request *r, struct store_txn *txn, const char *name,
    int is_default, json_t *old, uint64_t rev)
{
	char key[STORE_KEY_MAX + 1];
	json_t *record = model_touch(old);

	json_object_set_new(record, "default", json_boolean(is_default));
	store_if(txn, key_format(key, "cert/%s/%s", cert_owner(r), name), rev);
	store_put(txn, key, record);
	return record;
}

static void
update(struct request *r, const char *name, const struct cert_pair *pair,
    json_t *old, uint64_t rev)
{
	json_t *chosen = json_object_get(r->json, "default");
	json_t *hosts, *record, *reply;
	struct store_txn *txn = cert_begin(r);
	int is_default;

	is_default = json_is_true(
	    chosen != NULL ? chosen : json_object_get(old, "default"));
	if (is_default)
		cert_drop_default(r, txn, name);
	record = pair->chain != NULL
		     ? cert_put(r, txn, name, pair, is_default, old, rev)
		     : put_record(r, txn, name, is_default, old, rev);
	cert_event(r, txn, "updated", name, record);
	hosts = cert_hosts(r);
	reply = model_cert(r, name, record, hosts);
	json_decref(hosts);
	json_decref(record);
	request_commit(r, txn, MHD_HTTP_OK, reply);
}

void
cert_update(struct request *r)
{
	char err[PAAS_ERRLEN], name[MODEL_NAME_MAX];
	struct cert_pair pair = {0};
	json_t *old;
	uint64_t rev;

	if (check_object(r->json, r->app != NULL ? app_fields : platform_fields,
		"", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if ((old = cert_find(r, name, &rev)) == NULL)
		return;
	if (read_pair(r, &pair) == 0)
		update(r, name, &pair, old, rev);
	cert_pair_free(&pair);
	json_decref(old);
}
