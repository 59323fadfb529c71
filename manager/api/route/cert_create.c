/*
 * POST /apps/APP/sni-endpoints {"certificate_chain", "private_key", "name"?},
 * POST /certificates {the same, "default"?}: adds a certificate.
 */
#include <bsd/string.h>
#include <string.h>

#include "api/app/app_name.h"
#include "api/route/cert.h"
#include "api/route/cert_pair.h"
#include "api/http/check.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

#define CERTS_MAX 1000 /* of an app, and of the platform */

#define NAME_FORM "1 to 30 of a-z, 0-9 and '-', the first one a letter"

#define FIELDS                                                                 \
	{"certificate_chain", CHECK_STRING, CHECK_REQUIRED, 1, CERT_BYTES_MAX, \
	    NULL, NULL},                                                       \
	    {"private_key", CHECK_STRING, CHECK_REQUIRED, 1, CERT_BYTES_MAX,   \
		NULL, NULL},                                                   \
	{                                                                      \
		"name", CHECK_STRING, 0, 0, 0, key_app_valid, NAME_FORM        \
	}

static const struct check_field app_fields[] = {
    FIELDS,
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static const struct check_field platform_fields[] = {
    FIELDS,
    {"default", CHECK_BOOL, 0, 0, 0, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

struct taken {
	const char *content;
	size_t count;
	char name[MODEL_NAME_MAX]; /* of one with the same bytes, or "" */
};

static int
look(const char *key, json_t *record, uint64_t rev, void *arg)
{
	struct taken *taken = arg;

	(void)rev;
	taken->count++;
	if (strcmp(model_text(record, "content"), taken->content) == 0)
		(void)key_part(key, 2, taken->name, sizeof(taken->name));
	return 0;
}

/* Answers if there is no room for one more, or if it is there already. */
static int
is_new(struct request *r, const char *name, const struct cert_pair *pair)
{
	char content[17], key[STORE_KEY_MAX + 1];
	struct taken taken = {content, 0, ""};
	json_t *same;

	key_format_id(content, pair->id);
	(void)store_each(r->api->store,
	    key_format(key, "cert/%s/", cert_owner(r)), look, &taken);
	same = store_get(r->api->store,
	    key_format(key, "cert/%s/%s", cert_owner(r), name), NULL);
	json_decref(same);
	if (taken.name[0] != '\0')
		respond_invalid(r,
		    "certificate_chain is that of the certificate %s already",
		    taken.name);
	else if (same != NULL)
		respond_invalid(r,
		    "name \"%s\" is taken: change that one with "
		    "paas certs:update, or take another name",
		    name);
	else if (taken.count >= CERTS_MAX)
		respond_invalid(r,
		    "%s has %d certificates, which are the most: remove one "
		    "first, with paas certs:remove",
		    r->app != NULL ? request_app(r) : "the platform",
		    CERTS_MAX);
	else
		return 1;
	return 0;
}

static void
create(struct request *r, const char *name, const struct cert_pair *pair)
{
	int is_default = json_is_true(json_object_get(r->json, "default"));
	struct store_txn *txn;
	json_t *record, *hosts, *reply;

	if (!is_new(r, name, pair))
		return;
	txn = cert_begin(r);
	record = cert_put(r, txn, name, pair, is_default, NULL, 0);
	if (is_default)
		cert_drop_default(r, txn, name);
	cert_event(r, txn, "added", name, record);
	hosts = cert_hosts(r);
	reply = model_cert(r, name, record, hosts);
	json_decref(hosts);
	json_decref(record);
	request_commit(r, txn, MHD_HTTP_CREATED, reply);
}

void
cert_create(struct request *r)
{
	char err[PAAS_ERRLEN], name[MODEL_NAME_MAX];
	const char *given = model_text(r->json, "name");
	struct cert_pair pair;

	if (check_object(r->json, r->app != NULL ? app_fields : platform_fields,
		"", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if (given[0] != '\0')
		strlcpy(name, given, sizeof(name));
	else
		app_name_make(name);
	if (cert_pair_read(&pair, model_text(r->json, "certificate_chain"),
		model_text(r->json, "private_key"), err) == -1)
		respond_invalid(r, "%s", err);
	else
		create(r, name, &pair);
	cert_pair_free(&pair);
}
