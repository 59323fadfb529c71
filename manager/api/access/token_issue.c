/*
 * A new token, for POST /tokens and POST /oauth/authorizations.
 *
 * The answer is the only place where its secret is ever seen.
 */
#include <bsd/string.h>
#include <string.h>

#include "api/access/browser.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/access/token.h"
#include "common/log.h"
#include "store/keys.h"

struct count {
	const char *owner;
	int n;
};

static int
token_count(const char *key, json_t *token, uint64_t rev, void *arg)
{
	struct count *count = arg;

	(void)key, (void)rev;
	count->n += strcmp(model_text(token, "owner"), count->owner) == 0;
	return 0;
}

/* Answers if there are too many. */
static int
token_has_room(struct request *r)
{
	struct count count = {r->who.id, 0};

	(void)store_each(r->api->store, "token/", token_count, &count);
	if (count.n < TOKEN_MAX)
		return 1;
	respond_conflict(r,
	    "there are %d tokens already, which is the most: take some away "
	    "with paas tokens:revoke",
	    count.n);
	return 0;
}

static json_t *
token_record(
    struct request *r, const struct token *token, const struct token_wish *wish)
{
	int64_t now = id_now();
	char hash[TOKEN_HASH];
	json_t *record;

	token_hash(hash, token);
	record = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "scope",
	    wish->scope, "hash", hash, "description", wish->description,
	    "created", (json_int_t)now, "expires",
	    (json_int_t)(wish->seconds > 0 ? now + wish->seconds * 1000000 : 0),
	    "used", (json_int_t)0);
	request_sign(r, record);
	if (wish->session) {
		json_object_set_new(record, "session", json_true());
		browser_stamp_record(r->api->store, record);
	}
	if (r->app != NULL)
		json_object_set_new(record, "app", json_string(r->name));
	return record;
}

void
token_issue(struct request *r, struct store_txn *txn,
    const struct token_wish *wish, token_shape shape)
{
	char id[17], key[STORE_KEY_MAX + 1], text[TOKEN_TEXT];
	struct token token;
	const char *user;
	json_t *record;

	if (!token_has_room(r)) {
		store_abandon(txn);
		return;
	}
	token_make(&token);
	token_format(text, &token);
	key_format_id(id, token.id);
	record = token_record(r, &token, wish);
	user = model_text(record, "user");
	/* Who takes the app away takes its tokens, too: of all that are. */
	if (r->app != NULL) {
		store_if(txn, key_format(key, "app/%s", r->name), r->app_rev);
		store_event(txn, r->name, "token",
		    "token %s for %s, made by %s", id,
		    strcmp(wish->scope, "deploy") == 0 ? "pushes" : wish->scope,
		    user);
	}
	store_put_new(txn, key_format(key, "token/%s", id), record);
	log_info("api: token %s is made by %s for %s", id, user,
	    r->app != NULL ? request_app(r) : "all apps");
	request_commit(
	    r, txn, MHD_HTTP_CREATED, shape(r->api->store, id, record, text));
	json_decref(record);
	token_wipe(&token);
	explicit_bzero(text, sizeof(text));
}
