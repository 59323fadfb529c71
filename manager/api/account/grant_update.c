/*
 * PATCH /oauth/authorizations/ID {"description"}, and POST to its
 * actions/regenerate-tokens: another secret for the same authorization, whose
 * old one is over with that commit.
 */
#include <string.h>

#include "api/access/token.h"
#include "api/account/grant.h"
#include "api/http/check.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "common/log.h"

static const struct check_field fields[] = {
    {"description", CHECK_STRING, CHECK_REQUIRED, 0, GRANT_DESCRIPTION, NULL,
	NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* Takes the record as it is to be; text is shown with it, if there is one. */
static void
put(struct request *r, const struct token_found *found, json_t *new,
    const char *text, const char *done)
{
	struct store_txn *txn = store_begin(r->api->store);
	char user[WHO_NAME];
	const char *app = model_text(new, "app");

	request_user(r, user, sizeof(user));
	store_if(txn, found->key, found->rev);
	store_put(txn, found->key, new);
	if (app[0] != '\0')
		store_event(
		    txn, app, "token", "token %s %s %s", found->id, done, user);
	log_info("api: token %s %s %s", found->id, done, user);
	request_commit(r, txn, MHD_HTTP_OK,
	    grant_shape(r->api->store, found->id, new, text));
	json_decref(new);
}

void
grant_update(struct request *r)
{
	char err[PAAS_ERRLEN];
	struct token_found found;
	json_t *new;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if (grant_find(r, &found) == -1)
		return;
	new = model_touch(found.record);
	json_object_set(
	    new, "description", json_object_get(r->json, "description"));
	put(r, &found, new, NULL, "is described anew by");
	json_decref(found.record);
}

/* The id stays, by which others know it; the time that it is good for, too. */
void
grant_regenerate(struct request *r)
{
	char hash[TOKEN_HASH], text[TOKEN_TEXT];
	struct token_found found;
	struct token token;
	json_t *new;

	if (grant_find(r, &found) == -1)
		return;
	token_make(&token);
	(void)key_parse_id(found.id, &token.id);
	token_format(text, &token);
	token_hash(hash, &token);
	new = model_touch(found.record);
	json_object_set_new(new, "hash", json_string(hash));
	json_object_set_new(new, "edition",
	    json_integer((uint16_t)(model_number(new, "edition") + 1)));
	put(r, &found, new, text, "gets another secret from");
	json_decref(found.record);
	token_wipe(&token);
	explicit_bzero(text, sizeof(text));
}
