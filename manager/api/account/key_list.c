/*
 * GET /account/keys, and one of them, by its id or its fingerprint; DELETE it.
 *
 * GET /account/keys/FINGERPRINT/login is what sshd asks, by paas-git-ssh, when
 * somebody comes with a key: who has it gets a token for one session.
 */
#include <bsd/string.h>
#include <string.h>

#include "api/access/access.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/access/push_token.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/access/ssh_key.h"
#include "api/verbs.h"
#include "common/log.h"
#include "store/keys.h"

/* A use is noted once in this time. */
#define USED_EVERY (60 * 1000000LL)

struct list {
	struct request *request;
	json_t *keys;
};

/* An administrator's are all of them. */
static int
key_is_seen(const struct request *r, json_t *record)
{
	return who_owns_all(&r->who) ||
	       strcmp(model_text(record, "owner"), r->who.id) == 0;
}

static int
list_add(const char *key, json_t *record, uint64_t rev, void *arg)
{
	struct list *list = arg;

	(void)rev;
	if (key_is_seen(list->request, record))
		json_array_append_new(
		    list->keys, model_ssh_key(strchr(key, '/') + 1, record));
	return 0;
}

void
key_list(struct request *r)
{
	struct list list = {r, json_array()};

	(void)store_each(r->api->store, "sshkey/", list_add, &list);
	respond_json(r, MHD_HTTP_OK, list.keys);
}

/* ---- one --------------------------------------------------------------- */

struct wanted {
	const char *id;
	char hash[SSH_KEY_HASH]; /* "" until it is found */
};

static int
is_wanted(const char *key, uint64_t rev, void *arg)
{
	struct wanted *wanted = arg;
	const char *hash = strchr(key, '/') + 1;
	char id[37];

	(void)rev;
	id_derive(id, "account", "sshkey", hash);
	if (strcmp(id, wanted->id) != 0)
		return 0;
	strlcpy(wanted->hash, hash, sizeof(wanted->hash));
	return 1;
}

struct found {
	char hash[SSH_KEY_HASH];
	char key[STORE_KEY_MAX + 1];
	json_t *record;
	uint64_t rev;
};

/* 0, or -1 after an answer. */
static int
key_find(struct request *r, struct found *found)
{
	struct wanted wanted = {.id = r->params[0]};

	if (ssh_key_unprint(found->hash, r->params[0]) == -1) {
		(void)store_each_key(
		    r->api->store, "sshkey/", "sshkey/", is_wanted, &wanted);
		strlcpy(found->hash, wanted.hash, sizeof(found->hash));
	}
	found->record =
	    found->hash[0] == '\0'
		? NULL
		: store_get(r->api->store,
		      key_format(found->key, "sshkey/%s", found->hash),
		      &found->rev);
	if (found->record != NULL && key_is_seen(r, found->record))
		return 0;
	json_decref(found->record);
	respond_missing(
	    r, "there is no key \"%.60s\": paas keys lists them", r->params[0]);
	return -1;
}

void
key_info(struct request *r)
{
	struct found found;

	if (key_find(r, &found) == -1)
		return;
	respond_json(r, MHD_HTTP_OK, model_ssh_key(found.hash, found.record));
	json_decref(found.record);
}

void
key_delete(struct request *r)
{
	char print[SSH_KEY_PRINT], user[WHO_NAME];
	struct store_txn *txn;
	struct found found;
	json_t *reply;

	if (key_find(r, &found) == -1)
		return;
	request_user(r, user, sizeof(user));
	ssh_key_print(print, found.hash);
	reply = model_ssh_key(found.hash, found.record);
	json_decref(found.record);
	txn = store_begin(r->api->store);
	store_if(txn, found.key, found.rev);
	store_del(txn, found.key);
	log_info("api: the key %s is removed by %s", print, user);
	request_commit(r, txn, MHD_HTTP_OK, reply);
}

/* ---- sshd -------------------------------------------------------------- */

static void
note_use(struct request *r, const struct found *found)
{
	int64_t now = id_now();
	struct store_txn *txn;
	json_t *used;

	if (now - model_number(found->record, "used") < USED_EVERY)
		return;
	used = json_copy(found->record);
	json_object_set_new(used, "used", json_integer(now));
	txn = store_begin(r->api->store);
	store_if(txn, found->key, found->rev);
	store_put(txn, found->key, used);
	store_commit(txn, NULL, NULL);
	json_decref(used);
}

void
key_login(struct request *r)
{
	char token[PUSH_TOKEN_TEXT];
	struct found found;

	if (key_find(r, &found) == -1)
		return;
	access_login_token(r->api->access, token, ssh_key_number(found.hash));
	respond_json(r, MHD_HTTP_OK,
	    json_pack("{s:s, s:s}", "public_key",
		model_text(found.record, "key"), "token", token));
	explicit_bzero(token, sizeof(token));
	note_use(r, &found);
	json_decref(found.record);
}
