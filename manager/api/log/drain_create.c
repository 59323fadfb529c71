/*
 * POST /apps/APP/log-drains {"url"}: the log goes there, from now on.
 */
#include <stdio.h>
#include <string.h>

#include "api/app/app_change.h"
#include "api/http/check.h"
#include "api/log/drain.h"
#include "api/http/id.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

static const struct check_field fields[] = {
    {"url", CHECK_STRING, CHECK_REQUIRED, 1, DRAIN_URL_MAX - 1, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

struct others {
	const char *url;
	int count;
	int same;
};

static int
others_count(const char *key, json_t *drain, uint64_t rev, void *arg)
{
	struct others *others = arg;

	(void)key;
	(void)rev;
	others->count++;
	others->same |= strcmp(model_text(drain, "url"), others->url) == 0;
	return 0;
}

static int
create_check(struct request *r, const char *url, struct drain_url *parsed)
{
	char err[PAAS_ERRLEN], prefix[STORE_KEY_MAX + 1];
	struct others others = {.url = url};

	if (drain_url_parse(url, parsed, err) == -1) {
		respond_invalid(r, "url %s", err);
		return -1;
	}
	(void)store_each(r->api->store,
	    key_format(prefix, "drain/%s/", r->name), others_count, &others);
	if (others.same)
		respond_invalid(
		    r, "url is that of a drain of %s already", request_app(r));
	else if (others.count >= DRAINS_MAX)
		respond_invalid(r,
		    "%s has %d drains, and may have no more: remove one first, "
		    "with paas drains:remove",
		    request_app(r), DRAINS_MAX);
	return respond_given(r) ? -1 : 0;
}

void
drain_create(struct request *r)
{
	char err[PAAS_ERRLEN], id[37], key[STORE_KEY_MAX + 1], token[48];
	char user[64];
	struct drain_url parsed;
	struct store_txn *txn;
	json_t *drain, *reply;
	const char *url;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	url = model_text(r->json, "url");
	if (create_check(r, url, &parsed) == -1)
		return;
	id_uuid(id);
	snprintf(token, sizeof(token), "d.%s", id);
	id_uuid(id);
	request_user(r, user, sizeof(user));
	drain = json_pack("{s:s, s:s, s:s, s:s, s:I}", "number",
	    model_text(r->app, "number"), "url", url, "token", token, "user",
	    user, "created", (json_int_t)id_now());
	reply = model_drain(r->api, r->name, r->app, id, drain);
	txn = app_change_begin(r);
	store_put_new(txn, key_format(key, "drain/%s/%s", r->name, id), drain);
	/* A URL may have a password in it. */
	store_event(
	    txn, r->name, "drain", "added a log drain to %.200s", parsed.host);
	json_decref(drain);
	request_commit(r, txn, MHD_HTTP_CREATED, reply);
}
