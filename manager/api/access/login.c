#include "api/access/login.h"

#include <bsd/string.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "api/access/access.h"
#include "api/http/id.h"
#include "api/http/idempotency.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "store/keys.h"

uint64_t
login_number(const char *account)
{
	uint64_t number;

	(void)crypto_generichash((uint8_t *)&number, sizeof(number),
	    (const uint8_t *)account, strlen(account), NULL, 0);
	return number;
}

static void
login_refuse(struct request *r, unsigned int wait)
{
	char seconds[16];

	if (wait == 0) {
		respond_error(r, MHD_HTTP_UNAUTHORIZED, "unauthorized",
		    "that address and that password do not fit");
		return;
	}
	respond_error(r, MHD_HTTP_TOO_MANY_REQUESTS, "rate_limit",
	    "too many wrong passwords: try again in %u s", wait);
	snprintf(seconds, sizeof(seconds), "%u", wait);
	respond_header(r, "Retry-After", seconds);
}

/*
 * Wrong ones are counted by address and by account.  Those of an account do
 * not hold up whoever comes from where it was last used with its password:
 * strangers could lock its owner out else.
 */
static int
login_check(struct request *r, const struct login *login, json_t *user)
{
	struct access *a = r->api->access;
	uint64_t number = login_number(login->email);
	const char *address = r->who.address;
	enum password_turn turn = PASSWORD_FIRST;
	unsigned int wait;
	int good, known;

	known = user != NULL && model_number(user, "login") != 0 &&
		strcmp(model_text(user, "address"), address) == 0;
	if ((wait = access_wait(a, address, known ? number : 0)) == 0 && !known)
		wait = access_wait(a, NULL, number);
	if (wait > 0) {
		login_refuse(r, wait);
		return 0;
	}
	if (!known)
		turn = access_was_wrong(a, address) ? PASSWORD_SUSPECT
						    : PASSWORD_STRANGER;
	if ((good = user_check(r, user, login->password, turn)) == -1)
		return 0;
	if (good == 1 && !user_is_suspended(user))
		return 1;
	access_wrong(a, address, known ? number : 0);
	if (!known)
		access_wrong(a, NULL, number);
	login_refuse(r, 0);
	return 0;
}

json_t *
login_enter(
    struct request *r, const struct login *login, struct store_txn **txn)
{
	char key[STORE_KEY_MAX + 1];
	json_t *seen, *user;
	uint64_t rev;

	user = user_get(r->api->store, login->email, &rev);
	if (!login_check(r, login, user)) {
		json_decref(user);
		return NULL;
	}
	who_is_user(r->api, &r->who, login->email, user);
	r->who.scope = SCOPE_ALL;
	if (!idempotency_look(r)) {
		json_decref(user);
		return NULL;
	}
	seen = json_copy(user);
	json_object_set_new(seen, "login", json_integer(id_now()));
	json_object_set_new(seen, "address", json_string(r->who.address));
	*txn = store_begin(r->api->store);
	store_if(*txn, key_format(key, "user/%s", login->email), rev);
	store_put(*txn, key, seen);
	json_decref(seen);
	return user;
}
