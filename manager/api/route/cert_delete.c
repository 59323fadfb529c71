/*
 * DELETE /apps/APP/sni-endpoints/CERT, DELETE /certificates/CERT
 */
#include "api/route/cert.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

void
cert_delete(struct request *r)
{
	char key[STORE_KEY_MAX + 1], name[MODEL_NAME_MAX];
	json_t *record, *hosts, *reply;
	struct store_txn *txn;
	uint64_t rev;

	if ((record = cert_find(r, name, &rev)) == NULL)
		return;
	hosts = cert_hosts(r);
	reply = model_cert(r, name, record, hosts);
	json_decref(hosts);
	txn = cert_begin(r);
	store_if(txn, key_format(key, "cert/%s/%s", cert_owner(r), name), rev);
	store_del(txn, key);
	store_del(txn, key_format(key, "certkey/%s/%s", cert_owner(r), name));
	cert_event(r, txn, "removed", name, record);
	json_decref(record);
	request_commit(r, txn, MHD_HTTP_OK, reply);
}
