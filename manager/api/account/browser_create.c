/*
 * POST /sessions {"email", "password", "description"?, "expires_in"?,
 * "idle_timeout"?}: a browser logs in.  Its cookie is in the answer's head,
 * and what it has to send beside that in the body.
 */
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "api/access/browser.h"
#include "api/account/browser_json.h"
#include "api/http/check.h"
#include "api/http/id.h"
#include "api/access/login.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/access/token.h"
#include "api/verbs.h"
#include "common/log.h"
#include "store/keys.h"

#define OLD_MAX 16 /* taken away with one that begins */

static const struct check_field fields[] = {
    {"email", CHECK_STRING, CHECK_REQUIRED, 1, USER_EMAIL - 1, user_email_valid,
	"an email address"},
    {"password", CHECK_STRING, CHECK_REQUIRED, 1, USER_PASSWORD_MAX, NULL,
	NULL},
    {"description", CHECK_STRING, CHECK_NULLABLE, 0, 100, NULL, NULL},
    {"expires_in", CHECK_NUMBER, CHECK_NULLABLE, 1, BROWSER_EXPIRES, NULL,
	NULL},
    {"idle_timeout", CHECK_NUMBER, CHECK_NULLABLE, 1, BROWSER_EXPIRES, NULL,
	NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* ---- room -------------------------------------------------------------- */

struct old {
	struct request *request;
	struct store_txn *txn;
	char oldest[STORE_KEY_MAX + 1]; /* of the user's own that are left */
	int own, gone;
};

static int
drop_old(const char *key, json_t *record, uint64_t rev, void *arg)
{
	struct old *old = arg;

	(void)rev;
	if (old->gone < OLD_MAX &&
	    (model_number(record, "expires") <= id_now() ||
		!browser_lives(old->request->api->store, record, id_now()))) {
		store_del(old->txn, key);
		old->gone++;
	} else if (strcmp(model_text(record, "owner"), old->request->who.id) ==
		   0) {
		if (old->own++ == 0)
			strlcpy(old->oldest, key, sizeof(old->oldest));
	}
	return 0;
}

static void
make_room(struct request *r, struct store_txn *txn)
{
	struct old old = {.request = r, .txn = txn};

	(void)store_each(r->api->store, "session/", drop_old, &old);
	if (old.own >= BROWSER_MAX)
		store_del(txn, old.oldest);
}

/* ---- made -------------------------------------------------------------- */

static void
set_cookie(struct request *r, const struct token *token, int64_t seconds)
{
	int tls = browser_is_tls(r);
	char text[TOKEN_TEXT];

	token_format(text, token);
	snprintf(r->cookie, sizeof(r->cookie),
	    "%s=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Strict%s",
	    tls ? BROWSER_COOKIE_TLS : BROWSER_COOKIE, text, (long long)seconds,
	    tls ? "; Secure" : "");
	explicit_bzero(text, sizeof(text));
}

static int64_t
seconds_of(struct request *r, const char *field, int64_t otherwise)
{
	int64_t given = check_number(json_object_get(r->json, field));

	return given > 0 ? given : otherwise;
}

static json_t *
make_record(
    struct request *r, const struct token *token, json_t *user, int64_t seconds)
{
	char hash[TOKEN_HASH], stamp[17];
	json_int_t idle = seconds_of(r, "idle_timeout", BROWSER_IDLE) * 1000000;
	json_int_t now = id_now(), end = now + seconds * 1000000;
	json_t *record;

	token_hash(hash, token);
	browser_stamp(stamp, user);
	record = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I}",
	    "hash", hash, "scope", "global", "stamp", stamp, "address",
	    r->who.address, "description", model_text(r->json, "description"),
	    "created", now, "used", now, "expires", end, "idle", idle);
	request_sign(r, record);
	return record;
}

static void
begin(struct request *r, struct store_txn *txn, json_t *user)
{
	int64_t seconds = seconds_of(r, "expires_in", BROWSER_EXPIRES);
	char id[17], key[STORE_KEY_MAX + 1];
	struct token token;
	json_t *record;

	token_make(&token);
	key_format_id(id, token.id);
	record = make_record(r, &token, user, seconds);
	make_room(r, txn);
	store_put_new(txn, key_format(key, "session/%s", id), record);
	set_cookie(r, &token, seconds);
	token_wipe(&token);
	log_info("api: session %s of %s begins", id, r->who.name);
	request_commit(
	    r, txn, MHD_HTTP_CREATED, model_browser(r, id, record, 1));
	json_decref(record);
}

void
browser_create(struct request *r)
{
	struct store_txn *txn;
	char err[PAAS_ERRLEN];
	struct login login;
	json_t *user;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if (r->door->kind != DOOR_TOKENS) {
		respond_invalid(r,
		    "a session is for browsers, by api.%s: on this socket "
		    "nobody needs one",
		    r->api->conf->domain);
		return;
	}
	(void)user_email(login.email, model_text(r->json, "email"));
	strlcpy(login.password, model_text(r->json, "password"),
	    sizeof(login.password));
	user = login_enter(r, &login, &txn);
	explicit_bzero(&login, sizeof(login));
	if (user == NULL)
		return;
	begin(r, txn, user);
	json_decref(user);
}
