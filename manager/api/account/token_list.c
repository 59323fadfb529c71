/*
 * GET /tokens, and one of them; DELETE /tokens/ID.  Administrators see all of
 * them, others their own.
 */
#include <string.h>

#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/access/token.h"
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

/* -1 after an answer. */
static int
find(struct request *r, struct token_found *found)
{
	if (token_find(r, "token", 0, found) == 0)
		return 0;
	/* Somebody may have given the secret in place of the id. */
	respond_missing(r,
	    "there is no token of that id: paas tokens lists them, an id has "
	    "16 hex digits");
	return -1;
}

void
token_info(struct request *r)
{
	struct token_found found;

	if (find(r, &found) == -1)
		return;
	respond_json(
	    r, MHD_HTTP_OK, model_token(r->api->store, found.id, found.record));
	json_decref(found.record);
}

void
token_delete(struct request *r)
{
	char user[WHO_NAME];
	struct token_found found;
	struct store_txn *txn;
	json_t *reply;
	const char *app;

	if (find(r, &found) == -1)
		return;
	request_user(r, user, sizeof(user));
	app = model_text(found.record, "app");
	reply = model_token(r->api->store, found.id, found.record);
	txn = store_begin(r->api->store);
	store_if(txn, found.key, found.rev);
	store_del(txn, found.key);
	if (app[0] != '\0')
		store_event(txn, app, "token", "token %s is revoked by %s",
		    found.id, user);
	log_info("api: token %s is revoked by %s", found.id, user);
	json_decref(found.record);
	request_commit(r, txn, MHD_HTTP_OK, reply);
}
