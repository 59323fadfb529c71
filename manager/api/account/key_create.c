/*
 * POST /account/keys {"public_key"}: who has the key may push
 * to every app that its owner may push to.
 */
#include <string.h>

#include "api/http/check.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/access/ssh_key.h"
#include "api/verbs.h"
#include "common/log.h"
#include "store/keys.h"

static const struct check_field fields[] = {
    {"public_key", CHECK_STRING, CHECK_REQUIRED, 1, SSH_KEY_TEXT - 1, NULL,
	NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static int
key_count(const char *key, uint64_t rev, void *arg)
{
	(void)key, (void)rev;
	++*(int *)arg;
	return 0;
}

/* Answers if there are too many. */
static int
key_has_room(struct request *r)
{
	int count = 0;

	(void)store_each_key(
	    r->api->store, "sshkey/", "sshkey/", key_count, &count);
	if (count < SSH_KEYS_MAX)
		return 1;
	respond_conflict(r,
	    "there are %d keys already, which is the most: take some away "
	    "with paas keys:remove",
	    count);
	return 0;
}

/* Answers if somebody has added it before. */
static int
key_is_new(struct request *r, const char *name, const struct ssh_key *key)
{
	char print[SSH_KEY_PRINT];
	json_t *old = store_get(r->api->store, name, NULL);

	if (old == NULL)
		return 1;
	json_decref(old);
	ssh_key_print(print, key->hash);
	respond_invalid(r, "public_key: %s is there already", print);
	return 0;
}

static void
key_commit(struct request *r, const char *name, const struct ssh_key *key)
{
	struct store_txn *txn = store_begin(r->api->store);
	char print[SSH_KEY_PRINT], user[WHO_NAME];
	json_t *record;

	request_user(r, user, sizeof(user));
	record = json_pack("{s:s, s:s, s:I, s:I}", "key", key->line, "comment",
	    key->comment, "created", (json_int_t)id_now(), "used",
	    (json_int_t)0);
	if (record == NULL) {
		store_abandon(txn);
		respond_invalid(
		    r, "the comment of public_key is not text in UTF-8");
		return;
	}
	request_sign(r, record);
	ssh_key_print(print, key->hash);
	log_info("api: the key %s is added by %s", print, user);
	store_put_new(txn, name, record);
	request_commit(
	    r, txn, MHD_HTTP_CREATED, model_ssh_key(key->hash, record));
	json_decref(record);
}

void
key_create(struct request *r)
{
	char err[PAAS_ERRLEN], name[STORE_KEY_MAX + 1];
	struct ssh_key key;

	if (check_object(r->json, fields, "", err) == -1 ||
	    ssh_key_parse(&key, model_text(r->json, "public_key"), err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	key_format(name, "sshkey/%s", key.hash);
	if (key_is_new(r, name, &key) && key_has_room(r))
		key_commit(r, name, &key);
}
