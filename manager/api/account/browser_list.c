/*
 * GET /sessions, one's own (of all, for administrators), and one of them;
 * DELETE /sessions/ID ends it.  "~" is the one that the request came by.
 */
#include <stdio.h>
#include <string.h>

#include "api/access/browser.h"
#include "api/account/browser_json.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/access/token.h"
#include "api/verbs.h"
#include "common/log.h"
#include "store/keys.h"

static int
is_mine(const struct request *r, const char *id)
{
	char own[17];

	key_format_id(own, r->who.token);
	return r->browser && strcmp(own, id) == 0;
}

static int
is_over(struct request *r, json_t *record)
{
	return model_number(record, "expires") <= id_now() ||
	       !browser_lives(r->api->store, record, id_now());
}

struct list {
	struct request *request;
	json_t *shapes;
};

static int
list_add(const char *key, json_t *record, uint64_t rev, void *arg)
{
	struct list *list = arg;
	struct request *r = list->request;
	char id[17];

	(void)rev;
	if (key_part(key, 1, id, sizeof(id)) == 0 && token_is_seen(r, record) &&
	    !is_over(r, record))
		json_array_append_new(
		    list->shapes, model_browser(r, id, record, is_mine(r, id)));
	return 0;
}

void
browser_list(struct request *r)
{
	struct list list = {r, json_array()};

	(void)store_each(r->api->store, "session/", list_add, &list);
	respond_json(r, MHD_HTTP_OK, list.shapes);
}

/* -1 after an answer. */
static int
find(struct request *r, struct token_found *found)
{
	if (token_find(r, "session", r->browser ? r->who.token : 0, found) == 0)
		return 0;
	respond_missing(r, "there is no session of that id");
	return -1;
}

void
browser_info(struct request *r)
{
	struct token_found found;

	if (find(r, &found) == -1)
		return;
	respond_json(r, MHD_HTTP_OK,
	    model_browser(r, found.id, found.record, is_mine(r, found.id)));
	json_decref(found.record);
}

void
browser_delete(struct request *r)
{
	struct store_txn *txn;
	char user[WHO_NAME];
	struct token_found found;
	json_t *shape;

	if ((r->who.scope & SCOPE_GLOBAL) == 0 || r->who.app[0] != '\0') {
		respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden",
		    "only a token of the scope global ends sessions");
		return;
	}
	if (find(r, &found) == -1)
		return;
	shape = model_browser(r, found.id, found.record, 0);
	json_decref(found.record);
	if (is_mine(r, found.id))
		snprintf(r->cookie, sizeof(r->cookie),
		    "%s=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict%s",
		    browser_is_tls(r) ? BROWSER_COOKIE_TLS : BROWSER_COOKIE,
		    browser_is_tls(r) ? "; Secure" : "");
	txn = store_begin(r->api->store);
	store_if(txn, found.key, found.rev);
	store_del(txn, found.key);
	request_user(r, user, sizeof(user));
	log_info("api: session %s is ended by %s", found.id, user);
	request_commit(r, txn, MHD_HTTP_OK, shape);
}
