/*
 * GET /tokens, and one of them; DELETE /tokens/ID.  Administrators see all of
 * them, others their own.
 */
#include <string.h>

#include "api/model.h"
#include "api/request.h"
#include "api/respond.h"
#include "api/token.h"
#include "api/verbs.h"
#include "common/log.h"
#include "store/keys.h"

struct list {
	struct request *request;
	json_t *tokens;
};

static int
list_add(const char *key, json_t *token, uint64_t rev, void *arg)
{
	struct list *list = arg;
	char id[17];

	(void)rev;
	if (key_part(key, 1, id, sizeof(id)) == 0 &&
	    token_is_seen(list->request, token))
		json_array_append_new(list->tokens,
		    model_token(list->request->api->store, id, token));
	return 0;
}

void
token_list(struct request *r)
{
	struct list list = {r, json_array()};

	(void)store_each(r->api->store, "token/", list_add, &list);
	respond_json(r, MHD_HTTP_OK, list.tokens);
}

/* The record that the path names; NULL after an answer. */
static json_t *
token_find(struct request *r, char key[STORE_KEY_MAX + 1], uint64_t *rev)
{
	json_t *token = NULL;
	uint64_t id;

	if (key_parse_id(r->params[0], &id) == 0)
		token = store_get(r->api->store,
		    key_format(key, "token/%s", r->params[0]), rev);
	if (token != NULL && token_is_seen(r, token))
		return token;
	json_decref(token);
	/* Somebody may have given the secret in place of the id. */
	respond_missing(r,
	    "there is no token of that id: paas tokens lists them, an id has "
	    "16 hex digits");
	return NULL;
}

void
token_info(struct request *r)
{
	char key[STORE_KEY_MAX + 1];
	json_t *token;
	uint64_t rev;

	if ((token = token_find(r, key, &rev)) == NULL)
		return;
	respond_json(
	    r, MHD_HTTP_OK, model_token(r->api->store, r->params[0], token));
	json_decref(token);
}

void
token_delete(struct request *r)
{
	char key[STORE_KEY_MAX + 1], user[WHO_NAME];
	struct store_txn *txn;
	json_t *reply, *token;
	const char *app;
	uint64_t rev;

	if ((token = token_find(r, key, &rev)) == NULL)
		return;
	request_user(r, user, sizeof(user));
	app = model_text(token, "app");
	reply = model_token(r->api->store, r->params[0], token);
	txn = store_begin(r->api->store);
	store_if(txn, key, rev);
	store_del(txn, key);
	if (app[0] != '\0')
		store_event(txn, app, "token", "token %s is revoked by %s",
		    r->params[0], user);
	log_info("api: token %s is revoked by %s", r->params[0], user);
	json_decref(token);
	request_commit(r, txn, MHD_HTTP_OK, reply);
}
