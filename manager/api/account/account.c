/*
 * GET /account; PATCH /account {"name", "password", "new_password", "beta",
 * "allow_tracking"}: about who asks, which on manager.sock is an administrator
 * without a record.  The last two are kept for clients, and mean nothing.
 */
#include <string.h>

#include "api/access/access.h"
#include "api/access/browser.h"
#include "api/access/login.h"
#include "api/http/check.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/access/user.h"
#include "api/verbs.h"
#include "common/log.h"
#include "store/keys.h"

static const struct check_field fields[] = {
    {"name", CHECK_STRING, CHECK_NULLABLE, 0, 100, NULL, NULL},
    {"password", CHECK_STRING, 0, 1, USER_PASSWORD_MAX, NULL, NULL},
    {"new_password", CHECK_STRING, 0, USER_PASSWORD_MIN, USER_PASSWORD_MAX,
	NULL, NULL},
    {"beta", CHECK_BOOL, 0, 0, 0, NULL, NULL},
    {"allow_tracking", CHECK_BOOL, 0, 0, 0, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static void
account_local(struct request *r)
{
	char id[37], name[WHO_NAME];
	json_t *user, *shape;

	request_user(r, name, sizeof(name));
	id_derive(id, "", "owner", name);
	user = json_pack("{s:s, s:s}", "id", id, "role", who_role(ROLE_ADMIN));
	shape = model_user(name, user);
	json_object_set_new(shape, "local", json_true());
	json_decref(user);
	respond_json(r, MHD_HTTP_OK, shape);
}

void
account_info(struct request *r)
{
	json_t *user;

	if (r->who.id[0] == '\0') {
		account_local(r);
		return;
	}
	user = user_get(r->api->store, r->who.name, NULL);
	respond_json(r, MHD_HTTP_OK, model_user(r->who.name, user));
	json_decref(user);
}

/* 0, or -1 if there is an answer, or will be. */
static int
account_password(struct request *r, json_t *user, json_t *new)
{
	struct access *a = r->api->access;
	const char *hash, *wanted = model_text(r->json, "new_password");
	uint64_t account = login_number(r->who.id);
	unsigned int wait;
	int good;

	if (wanted[0] == '\0')
		return 0;
	/* Not as log-ins count: who has got a token locks nobody out. */
	if ((wait = access_wait(a, r->who.address, 0)) == 0)
		wait = access_wait(a, NULL, account);
	if (wait > 0) {
		respond_error(r, MHD_HTTP_TOO_MANY_REQUESTS, "rate_limit",
		    "too many wrong passwords: try again in %u s", wait);
		return -1;
	}
	good = user_check(
	    r, user, model_text(r->json, "password"), PASSWORD_FIRST);
	if (good == 0) {
		access_wrong(a, r->who.address, 0);
		access_wrong(a, NULL, account);
		respond_invalid(r,
		    "password is not the one that you have now: it has to be, "
		    "for a new one");
	}
	if (good != 1 || (hash = user_hash(r, wanted)) == NULL)
		return -1;
	json_object_set_new(new, "password", json_string(hash));
	return 0;
}

static void
account_change(struct request *r, json_t *user, uint64_t rev)
{
	static const char *const flags[] = {"beta", "allow_tracking"};
	json_t *new = model_touch(user);
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn;
	size_t i;

	if (json_object_get(r->json, "name") != NULL)
		json_object_set_new(
		    new, "name", json_string(model_text(r->json, "name")));
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		json_object_set(
		    new, flags[i], json_object_get(r->json, flags[i]));
	if (account_password(r, user, new) == 0) {
		txn = store_begin(r->api->store);
		store_if(txn, key_format(key, "user/%s", r->who.name), rev);
		store_put(txn, key, new);
		browser_keep(r, new, txn);
		request_commit(
		    r, txn, MHD_HTTP_OK, model_user(r->who.name, new));
	}
	json_decref(new);
}

void
account_update(struct request *r)
{
	char err[PAAS_ERRLEN];
	json_t *user;
	uint64_t rev;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if (r->who.id[0] == '\0') {
		respond_invalid(r,
		    "an administrator of this machine has no account to "
		    "change: paas users:create makes one");
		return;
	}
	if ((user = user_get(r->api->store, r->who.name, &rev)) != NULL)
		account_change(r, user, rev);
	else
		respond_missing(r, "your account is gone");
	json_decref(user);
}
