#include "api/route/cert.h"

#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "api/app/app_change.h"
#include "api/app/app_domains.h"
#include "api/route/cert_pair.h"
#include "api/route/domain.h"
#include "api/http/id.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "store/keys.h"

const char *
cert_owner(const struct request *r)
{
	return r->app != NULL ? r->name : KEY_PLATFORM;
}

/* ---- which one --------------------------------------------------------- */

json_t *
cert_lookup(struct request *r, const char *which, char name[MODEL_NAME_MAX],
    uint64_t *rev)
{
	char key[STORE_KEY_MAX + 1], prefix[STORE_KEY_MAX + 1];
	json_t *record = NULL;

	*rev = 0;
	if (id_is_uuid(which)) {
		key_format(prefix, "cert/%s/", cert_owner(r));
		record = model_find_id(r->api->store, prefix, which, key, rev);
		if (record != NULL)
			(void)key_part(key, 2, name, MODEL_NAME_MAX);
	} else if (key_app_valid(which)) {
		strlcpy(name, which, MODEL_NAME_MAX);
		key_format(key, "cert/%s/%s", cert_owner(r), name);
		record = store_get(r->api->store, key, rev);
	}
	return record;
}

json_t *
cert_find(struct request *r, char name[MODEL_NAME_MAX], uint64_t *rev)
{
	const char *which = r->params[r->app != NULL];
	json_t *record = cert_lookup(r, which, name, rev);

	if (record == NULL)
		respond_missing(r, "%s has no certificate %.60s",
		    r->app != NULL ? request_app(r) : "the platform", which);
	return record;
}

/* ---- records ----------------------------------------------------------- */

static json_t *
make_record(const struct cert_pair *pair, int is_default, json_t *old)
{
	char content[17], id[37];
	json_int_t now = id_now();

	key_format_id(content, pair->id);
	if (old != NULL)
		strlcpy(id, model_text(old, "id"), sizeof(id));
	else
		id_uuid(id);
	return json_pack("{s:s, s:s, s:s, s:O, s:s, s:s, s:s, s:I, s:I, s:b, "
			 "s:b, s:b, s:I, s:I}",
	    "id", id, "content", content, "chain", pair->chain, "names",
	    pair->names, "type", pair->type, "subject", pair->subject, "issuer",
	    pair->issuer, "starts", (json_int_t)pair->starts, "expires",
	    (json_int_t)pair->expires, "self_signed", pair->self_signed,
	    "ca_signed", pair->ca_signed, "default", is_default, "created",
	    old != NULL ? (json_int_t)model_number(old, "created") : now,
	    "updated", now);
}

json_t *
cert_put(struct request *r, struct store_txn *txn, const char *name,
    const struct cert_pair *pair, int is_default, json_t *old, uint64_t rev)
{
	json_t *record = make_record(pair, is_default, old);
	json_t *secret = json_pack("{s:s}", "key", pair->key);
	char key[STORE_KEY_MAX + 1];

	store_if(txn, key_format(key, "cert/%s/%s", cert_owner(r), name), rev);
	store_put(txn, key, record);
	store_put(
	    txn, key_format(key, "certkey/%s/%s", cert_owner(r), name), secret);
	json_decref(secret);
	return record;
}

struct defaults {
	struct store_txn *txn;
	const char *name;
};

static int
drop_default(const char *key, json_t *record, uint64_t rev, void *arg)
{
	struct defaults *defaults = arg;
	json_t *copy;

	if (!json_is_true(json_object_get(record, "default")) ||
	    strcmp(strrchr(key, '/') + 1, defaults->name) == 0)
		return 0;
	copy = model_touch(record);
	json_object_set_new(copy, "default", json_false());
	store_if(defaults->txn, key, rev);
	store_put(defaults->txn, key, copy);
	json_decref(copy);
	return 0;
}

void
cert_drop_default(struct request *r, struct store_txn *txn, const char *name)
{
	struct defaults defaults = {txn, name};

	(void)store_each(
	    r->api->store, "cert/" KEY_PLATFORM "/", drop_default, &defaults);
}

/* ---- changes ----------------------------------------------------------- */

struct store_txn *
cert_begin(struct request *r)
{
	return r->app != NULL ? app_change_begin(r)
			      : store_begin(r->api->store);
}

/* "www.example.com, *.example.com and 3 more" */
static void
list_names(json_t *names, char *buf, size_t len)
{
	size_t i, shown = json_array_size(names);
	char more[64] = "";
	json_t *name;

	if (shown > 3) {
		snprintf(more, sizeof(more), " and %zu more", shown - 2);
		shown = 2;
	}
	buf[0] = '\0';
	json_array_foreach (names, i, name) {
		const char *text = json_string_value(name);

		if (i >= shown || text == NULL)
			break;
		strlcat(buf, i > 0 ? ", " : "", len);
		strlcat(buf, text[0] == '.' ? "*" : "", len);
		strlcat(buf, text, len);
	}
	strlcat(buf, more, len);
}

void
cert_event(struct request *r, struct store_txn *txn, const char *what,
    const char *name, json_t *record)
{
	char names[1024], user[WHO_NAME];

	list_names(json_object_get(record, "names"), names, sizeof(names));
	if (r->app != NULL) {
		store_event(txn, r->name, "certificate",
		    "%s certificate %s for %s", what, name, names);
		return;
	}
	request_user(r, user, sizeof(user));
	log_info("api: %s %s the platform's certificate %s for %s", user, what,
	    name, names);
}

/* ---- hosts ------------------------------------------------------------- */

static void
add_host(const char *host, void *arg)
{
	json_array_append_new(arg, json_string(host));
}

json_t *
cert_hosts(struct request *r)
{
	char own[HOST_MAX + MODEL_NAME_MAX];
	json_t *hosts;

	if (r->app == NULL)
		return NULL;
	hosts = json_array();
	host_own(r, own);
	json_array_append_new(hosts, json_string(own));
	app_domains_each(r->api->app_domains, r->name, add_host, hosts);
	return hosts;
}
