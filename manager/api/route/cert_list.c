/*
 * GET /apps/APP/sni-endpoints and GET /certificates, and one of them.
 */
#include "api/route/cert.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

struct list {
	struct request *request;
	json_t *hosts;
	json_t *certs;
};

static int
list_add(const char *key, json_t *record, uint64_t rev, void *arg)
{
	struct list *list = arg;
	char name[MODEL_NAME_MAX];

	(void)rev;
	if (key_part(key, 2, name, sizeof(name)) == 0)
		json_array_append_new(list->certs,
		    model_cert(list->request, name, record, list->hosts));
	return 0;
}

void
cert_list(struct request *r)
{
	struct list list = {r, cert_hosts(r), json_array()};
	char key[STORE_KEY_MAX + 1];

	(void)store_each(r->api->store,
	    key_format(key, "cert/%s/", cert_owner(r)), list_add, &list);
	json_decref(list.hosts);
	respond_json(r, MHD_HTTP_OK, list.certs);
}

void
cert_info(struct request *r)
{
	char name[MODEL_NAME_MAX];
	json_t *record, *hosts;
	uint64_t rev;

	if ((record = cert_find(r, name, &rev)) == NULL)
		return;
	hosts = cert_hosts(r);
	respond_json(r, MHD_HTTP_OK, model_cert(r, name, record, hosts));
	json_decref(hosts);
	json_decref(record);
}
