/*
 * POST /setup-tokens {"email"?}: a token for one use and one day, by which a
 * user sets a password; without an address it makes the first administrator.
 * POST /setup {"token", "password", "email"?, "name"?}: uses it.
 *
 * setup/HASH has whom it is for; its text is in the answer and nowhere else.
 */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "api/access/access.h"
#include "api/http/check.h"
#include "api/http/id.h"
#include "api/http/idempotency.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/access/user.h"
#include "api/verbs.h"
#include "common/log.h"
#include "store/keys.h"

#define HASH_BYTES 32

static const struct check_field make_fields[] = {
    {"email", CHECK_STRING, CHECK_NULLABLE, 0, 0, user_email_valid,
	"an email address"},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static const struct check_field use_fields[] = {
    {"token", CHECK_STRING, CHECK_REQUIRED, 1, 200, NULL, NULL},
    {"password", CHECK_STRING, CHECK_REQUIRED, USER_PASSWORD_MIN,
	USER_PASSWORD_MAX, NULL, NULL},
    {"email", CHECK_STRING, CHECK_NULLABLE, 0, 0, user_email_valid,
	"an email address"},
    {"name", CHECK_STRING, CHECK_NULLABLE, 0, 100, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static void
setup_key(char key[STORE_KEY_MAX + 1], const char *text)
{
	char hex[2 * HASH_BYTES + 1];
	uint8_t hash[HASH_BYTES];

	(void)crypto_generichash(
	    hash, sizeof(hash), (const uint8_t *)text, strlen(text), NULL, 0);
	(void)sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	key_format(key, "setup/%s", hex);
}

void
setup_add(struct store_txn *txn, char text[USER_SETUP_TEXT], const char *email,
    const char *id)
{
	char hex[2 * HASH_BYTES + 1], key[STORE_KEY_MAX + 1];
	uint8_t secret[HASH_BYTES];
	json_t *record;

	arc4random_buf(secret, sizeof(secret));
	(void)sodium_bin2hex(hex, sizeof(hex), secret, sizeof(secret));
	snprintf(text, USER_SETUP_TEXT, USER_SETUP_PREFIX "%s", hex);
	setup_key(key, text);
	record = json_pack("{s:s, s:s, s:I, s:I}", "user", email, "owner", id,
	    "created", (json_int_t)id_now(), "expires",
	    (json_int_t)(id_now() + USER_SETUP_LIFE));
	store_put_new(txn, key, record);
	json_decref(record);
	sodium_memzero(secret, sizeof(secret));
	sodium_memzero(hex, sizeof(hex));
}

/* ---- made -------------------------------------------------------------- */

struct old {
	struct store_txn *txn;
	int64_t now;
	int left;
};

static int
setup_drop_old(const char *key, json_t *record, uint64_t rev, void *arg)
{
	struct old *old = arg;

	(void)rev;
	if (model_number(record, "expires") <= old->now) {
		store_del(old->txn, key);
		old->left--;
	}
	return old->left == 0;
}

/* Whose it is to be; 0, or -1 after an answer. */
static int
setup_whose(struct request *r, char email[USER_EMAIL], char id[37])
{
	const char *which = model_text(r->json, "email");
	json_t *user;
	uint64_t rev;

	email[0] = id[0] = '\0';
	if (which[0] == '\0') {
		if (user_is_none(r->api->store))
			return 0;
		respond_conflict(r,
		    "there are users already: paas users:create makes another "
		    "one, and with an email a user gets a new password");
		return -1;
	}
	if ((user = user_find(r, which, email, &rev)) == NULL)
		return -1;
	strlcpy(id, model_text(user, "id"), 37);
	json_decref(user);
	return 0;
}

void
setup_create(struct request *r)
{
	char email[USER_EMAIL], err[PAAS_ERRLEN], id[37];
	char text[USER_SETUP_TEXT], user[WHO_NAME];
	struct old old;
	json_t *reply;

	if (check_object(r->json, make_fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if (setup_whose(r, email, id) == -1)
		return;
	old = (struct old){store_begin(r->api->store), id_now(), 32};
	(void)store_each(r->api->store, "setup/", setup_drop_old, &old);
	setup_add(old.txn, text, email, id);
	request_user(r, user, sizeof(user));
	log_info("api: a set-up token for %s is made by %s",
	    email[0] != '\0' ? email : "the first administrator", user);
	reply = json_pack("{s:s, s:o, s:o}", "token", text, "email",
	    email[0] != '\0' ? json_string(email) : json_null(), "expires_at",
	    id_time(id_now() + USER_SETUP_LIFE));
	request_commit(r, old.txn, MHD_HTTP_CREATED, reply);
	explicit_bzero(text, sizeof(text));
}

/* ---- used -------------------------------------------------------------- */

struct setup {
	char key[STORE_KEY_MAX + 1];
	json_t *record;
	uint64_t rev;
	char email[USER_EMAIL];
	json_t *user; /* NULL: a new one */
	uint64_t user_rev;
};

/* 0, or -1 after an answer. */
static int
setup_read(struct request *r, struct setup *s)
{
	struct access *a = r->api->access;
	unsigned int wait = access_wait(a, r->who.address, 0);
	const char *text = model_text(r->json, "token");

	if (wait > 0) {
		respond_error(r, MHD_HTTP_TOO_MANY_REQUESTS, "rate_limit",
		    "too many wrong tokens: try again in %u s", wait);
		return -1;
	}
	setup_key(s->key, text);
	s->record = store_get(r->api->store, s->key, &s->rev);
	if (s->record != NULL && id_now() < model_number(s->record, "expires"))
		return 0;
	access_wrong(a, r->who.address, 0);
	respond_error(r, MHD_HTTP_UNAUTHORIZED, "unauthorized",
	    "that set-up token is not good here (any more): paas setup makes "
	    "another one");
	return -1;
}

/* The same of whom it is for. */
static int
setup_find(struct request *r, struct setup *s)
{
	const char *given = model_text(r->json, "email");
	const char *email = model_text(s->record, "user");

	if (email[0] == '\0') {
		if (given[0] == '\0') {
			respond_invalid(r, "email is missing");
			return -1;
		}
		if (!user_is_none(r->api->store)) {
			respond_conflict(
			    r, "there is an administrator already: paas login");
			return -1;
		}
		return user_email(s->email, given);
	}
	if (given[0] != '\0' && (user_email(s->email, given) == -1 ||
				    strcmp(s->email, email) != 0)) {
		respond_invalid(r,
		    "email \"%.60s\" is not whose set-up token this is: it is "
		    "for %s",
		    given, email);
		return -1;
	}
	strlcpy(s->email, email, sizeof(s->email));
	s->user = user_get(r->api->store, email, &s->user_rev);
	if (s->user != NULL && strcmp(model_text(s->user, "id"),
				   model_text(s->record, "owner")) == 0)
		return 0;
	respond_missing(r, "the user %s is no more", email);
	return -1;
}

/* The user as that is to be, a new reference. */
static json_t *
setup_user(struct request *r, struct setup *s, const char *hash)
{
	const char *name = model_text(r->json, "name");
	json_t *user;
	char id[37];

	if (s->user != NULL)
		user = model_touch(s->user);
	else {
		id_uuid(id);
		user = json_pack("{s:s, s:s, s:I, s:I}", "id", id, "role",
		    who_role(ROLE_ADMIN), "created", (json_int_t)id_now(),
		    "updated", (json_int_t)id_now());
	}
	json_object_set_new(user, "password", json_string(hash));
	if (name[0] != '\0')
		json_object_set_new(user, "name", json_string(name));
	return user;
}

static void
setup_commit(struct request *r, struct setup *s, const char *hash)
{
	struct store_txn *txn = store_begin(r->api->store);
	json_t *user = setup_user(r, s, hash);
	char key[STORE_KEY_MAX + 1];

	strlcpy(r->who.name, s->email, sizeof(r->who.name));
	strlcpy(r->who.id, model_text(user, "id"), sizeof(r->who.id));
	store_if(txn, s->key, s->rev);
	store_del(txn, s->key);
	store_if(txn, key_format(key, "user/%s", s->email), s->user_rev);
	store_put(txn, key, user);
	log_info("api: %s has set a password, by a set-up token", s->email);
	request_commit(r, txn, MHD_HTTP_CREATED, model_user(s->email, user));
	json_decref(user);
}

void
setup_redeem(struct request *r)
{
	struct setup setup = {.record = NULL};
	char err[PAAS_ERRLEN];
	const char *hash;

	if (check_object(r->json, use_fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	r->known_by_body = 1;
	if (!idempotency_look(r))
		return;
	if (setup_read(r, &setup) == 0 && setup_find(r, &setup) == 0 &&
	    (hash = user_hash(r, model_text(r->json, "password"))) != NULL)
		setup_commit(r, &setup, hash);
	json_decref(setup.record);
	json_decref(setup.user);
}
