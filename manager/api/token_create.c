/*
 * POST /tokens {"app"?, "scope"?, "expires_in"?, "description"?}: a new token.
 *
 * This answer is the only place where its secret is ever seen.
 */
#include <string.h>

#include "api/check.h"
#include "api/id.h"
#include "api/model.h"
#include "api/request.h"
#include "api/respond.h"
#include "api/token.h"
#include "api/verbs.h"
#include "common/log.h"
#include "store/keys.h"

#define EXPIRES_MIN 1
#define EXPIRES_MAX (10LL * 365 * 86400)
#define SCOPE       "deploy"

static int
token_scope_valid(const char *word)
{
	return strcmp(word, SCOPE) == 0;
}

static const struct check_field fields[] = {
    {"app", CHECK_STRING, CHECK_NULLABLE, 1, 64, NULL, NULL},
    {"scope", CHECK_STRING, 0, 0, 0, token_scope_valid, SCOPE},
    {"expires_in", CHECK_NUMBER, CHECK_NULLABLE, EXPIRES_MIN, EXPIRES_MAX, NULL,
	NULL},
    {"description", CHECK_STRING, CHECK_NULLABLE, 0, 100, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static int
token_count(const char *key, json_t *token, uint64_t rev, void *arg)
{
	(void)key;
	(void)token;
	(void)rev;
	++*(int *)arg;
	return 0;
}

/* Answers if there are too many. */
static int
token_has_room(struct request *r)
{
	int count = 0;

	(void)store_each(r->api->store, "token/", token_count, &count);
	if (count < TOKEN_MAX)
		return 1;
	respond_conflict(r,
	    "there are %d tokens already, which is the most: take some away "
	    "with paas tokens:revoke",
	    count);
	return 0;
}

/* The app that the body names: 0, -1 after an answer. */
static int
token_find_app(struct request *r)
{
	const char *which = model_text(r->json, "app");

	json_decref(r->app);
	r->app = NULL;
	if (which[0] == '\0')
		return 0;
	r->app = model_find_app(r->api, which, r->name, &r->app_rev);
	if (r->app != NULL)
		return 0;
	respond_missing(r, "there is no app named %.60s", which);
	return -1;
}

static json_t *
token_record(struct request *r, const struct token *token)
{
	int64_t now = id_now(), expires;
	char hash[TOKEN_HASH], user[64];
	json_t *record;

	expires = check_number(json_object_get(r->json, "expires_in"));
	request_user(r, user, sizeof(user));
	token_hash(hash, token);
	record = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "user", user,
	    "scope", SCOPE, "hash", hash, "description",
	    model_text(r->json, "description"), "created", (json_int_t)now,
	    "expires", (json_int_t)(expires > 0 ? now + expires * 1000000 : 0),
	    "used", (json_int_t)0);
	if (r->app != NULL)
		json_object_set_new(record, "app", json_string(r->name));
	return record;
}

static void
token_commit(
    struct request *r, const char *id, json_t *record, const char *text)
{
	struct store_txn *txn = store_begin(r->api->store);
	const char *user = model_text(record, "user");
	char key[STORE_KEY_MAX + 1];
	json_t *reply = model_token(id, record);

	json_object_set_new(reply, "token", json_string(text));
	/* Who takes the app away takes its tokens, too: of all that are. */
	if (r->app != NULL) {
		store_if(txn, key_format(key, "app/%s", r->name), r->app_rev);
		store_event(txn, r->name, "token",
		    "token %s for pushes, made by %s", id, user);
	}
	store_put_new(txn, key_format(key, "token/%s", id), record);
	log_info("api: token %s is made by %s for %s", id, user,
	    r->app != NULL ? r->name : "all apps");
	request_commit(r, txn, MHD_HTTP_CREATED, reply);
}

void
token_create(struct request *r)
{
	char err[PAAS_ERRLEN], id[17], text[TOKEN_TEXT];
	struct token token;
	json_t *record;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if (token_find_app(r) == -1 || !token_has_room(r))
		return;
	token_make(&token);
	token_format(text, &token);
	key_format_id(id, token.id);
	record = token_record(r, &token);
	token_commit(r, id, record, text);
	json_decref(record);
	token_wipe(&token);
	explicit_bzero(text, sizeof(text));
}
