#include "api/http/idempotency.h"

#include <bsd/string.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "store/keys.h"

#define HEADER "Idempotency-Key"
#define HOUR   (3600 * 1000000LL)
#define HASH   16 /* bytes of hashes in keys */
#define NONCE  crypto_secretbox_NONCEBYTES

/* What a key stands for. */
struct idempotency {
	char owner[2 * 8 + 1];
	char hash[2 * HASH + 1];
	char body[2 * HASH + 1];
	uint8_t secret[crypto_secretbox_KEYBYTES];
};

/* ---- keys -------------------------------------------------------------- */

static void
hash_texts(uint8_t *out, size_t len, const char *const *texts)
{
	crypto_generichash_state state;

	(void)crypto_generichash_init(&state, NULL, 0, len);
	for (; *texts != NULL; texts++)
		(void)crypto_generichash_update(
		    &state, (const uint8_t *)*texts, strlen(*texts) + 1);
	(void)crypto_generichash_final(&state, out, len);
}

/* The header's value; NULL if there is none. */
static const char *
key_given(struct request *r)
{
	if (r->route == NULL || strcmp(r->route->method, "POST") != 0)
		return NULL;
	return MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, HEADER);
}

static int
key_valid(const char *key)
{
	size_t i;

	for (i = 0; key[i] != '\0'; i++)
		if (key[i] <= ' ' || key[i] > '~')
			return 0;
	return i > 0 && i <= IDEMPOTENCY_KEY_MAX;
}

static void
key_derive(struct request *r, const char *key, struct idempotency *idem)
{
	/* Another app of the same name is another place to do it. */
	const char *app = r->app != NULL ? model_text(r->app, "number") : "";
	char account[WHO_NAME + 64];
	uint8_t hash[HASH], owner[16], body[HASH];

	/* One person's keys, by whatever token they come. */
	if (r->known_by_body)
		snprintf(account, sizeof(account), "body %s", r->body_hash);
	else if (r->who.id[0] != '\0')
		snprintf(account, sizeof(account), "user %s", r->who.id);
	else
		snprintf(account, sizeof(account), "local %u %016llx",
		    (unsigned int)r->uid, (unsigned long long)r->who.token);
	hash_texts(owner, sizeof(owner), (const char *[]){account, NULL});
	hash_texts(hash, sizeof(hash),
	    (const char *[]){"hash", account, r->path, app, key, NULL});
	hash_texts(idem->secret, sizeof(idem->secret),
	    (const char *[]){"secret", account, r->path, app, key, NULL});
	/* A body may hold a password, of which no plain hash is to be kept. */
	hash_texts(body, sizeof(body),
	    (const char *[]){"body", account, key, r->body_hash, NULL});
	(void)sodium_bin2hex(idem->owner, sizeof(idem->owner), owner, 8);
	(void)sodium_bin2hex(idem->hash, sizeof(idem->hash), hash, HASH);
	(void)sodium_bin2hex(idem->body, sizeof(idem->body), body, HASH);
}

/* ---- answers ----------------------------------------------------------- */

/* In base64; NULL if out of memory. */
static json_t *
answer_seal(const struct idempotency *idem, json_t *reply)
{
	char *text = json_dumps(reply, JSON_COMPACT | JSON_ENCODE_ANY);
	size_t len = text != NULL ? strlen(text) : 0, size, room;
	uint8_t *box = NULL;
	json_t *sealed = NULL;
	char *base64 = NULL;

	size = NONCE + crypto_secretbox_MACBYTES + len;
	room = sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL);
	if (text != NULL && (box = malloc(size)) != NULL &&
	    (base64 = malloc(room)) != NULL) {
		randombytes_buf(box, NONCE);
		(void)crypto_secretbox_easy(
		    box + NONCE, (uint8_t *)text, len, box, idem->secret);
		(void)sodium_bin2base64(
		    base64, room, box, size, sodium_base64_VARIANT_ORIGINAL);
		sealed = json_string(base64);
	}
	if (text != NULL)
		sodium_memzero(text, len);
	free(text);
	free(box);
	free(base64);
	return sealed;
}

static json_t *
answer_seal_text(const struct idempotency *idem, const char *text)
{
	json_t *value = json_string(text), *sealed = answer_seal(idem, value);

	json_decref(value);
	return sealed;
}

/* NULL if it can't be read. */
static json_t *
answer_open(const struct idempotency *idem, const char *base64)
{
	size_t len = strlen(base64), size = 0;
	uint8_t *box = malloc(len + 1), *text = malloc(len + 1);
	json_t *reply = NULL;

	if (box != NULL && text != NULL &&
	    sodium_base642bin(box, len, base64, len, NULL, &size, NULL,
		sodium_base64_VARIANT_ORIGINAL) == 0 &&
	    size > NONCE + crypto_secretbox_MACBYTES &&
	    crypto_secretbox_open_easy(
		text, box + NONCE, size - NONCE, box, idem->secret) == 0) {
		size -= NONCE + crypto_secretbox_MACBYTES;
		reply = json_loadb((char *)text, size, JSON_DECODE_ANY, NULL);
		sodium_memzero(text, size);
	}
	free(box);
	free(text);
	return reply;
}

static void
answer_replay(struct request *r, const struct idempotency *idem, json_t *record)
{
	json_t *reply, *cookie;

	if (strcmp(model_text(record, "body"), idem->body) != 0) {
		respond_invalid(r,
		    HEADER " was used for another body already: send a new one "
			   "with a new request");
		return;
	}
	cookie = answer_open(idem, model_text(record, "cookie"));
	if (cookie != NULL)
		strlcpy(
		    r->cookie, json_string_value(cookie), sizeof(r->cookie));
	json_decref(cookie);
	reply = answer_open(idem, model_text(record, "answer"));
	if (reply == NULL) {
		respond_broken(r, "the answer to that " HEADER " is damaged");
		return;
	}
	respond_json(r, (unsigned int)model_number(record, "status"), reply);
	respond_header(r, "Idempotency-Replayed", "true");
}

/* ---- verbs ------------------------------------------------------------- */

void
idempotency_body(struct request *r)
{
	uint8_t hash[HASH];

	if (key_given(r) == NULL)
		return;
	(void)crypto_generichash(hash, sizeof(hash),
	    (const uint8_t *)(r->body != NULL ? r->body : ""), r->body_len,
	    NULL, 0);
	(void)sodium_bin2hex(
	    r->body_hash, sizeof(r->body_hash), hash, sizeof(hash));
}

/* The header's value, once it is right; NULL else, perhaps after an answer. */
static const char *
key_checked(struct request *r)
{
	const char *given = request_gone(r) ? NULL : key_given(r);

	if (given == NULL || key_valid(given))
		return given;
	respond_invalid(r,
	    HEADER " has to be 1 to %d printable characters, no blanks",
	    IDEMPOTENCY_KEY_MAX);
	return NULL;
}

int
idempotency_upload(
    struct request *r, char hash[IDEMPOTENCY_HASH], char body[IDEMPOTENCY_HASH])
{
	const char *given = key_checked(r);
	struct idempotency idem;

	hash[0] = '\0';
	if (body != NULL)
		body[0] = '\0';
	if (given != NULL) {
		key_derive(r, given, &idem);
		memcpy(hash, idem.hash, IDEMPOTENCY_HASH);
		if (body != NULL)
			memcpy(body, idem.body, IDEMPOTENCY_HASH);
		sodium_memzero(&idem, sizeof(idem));
	}
	return respond_given(r) ? -1 : 0;
}

/* The record and its key; NULL if there is none. */
static json_t *
record_find(struct request *r, const struct idempotency *idem,
    char key[STORE_KEY_MAX + 1])
{
	int64_t hour = id_now() / HOUR;
	json_t *record = NULL;

	for (int i = 0; i <= IDEMPOTENCY_HOURS && record == NULL; i++)
		record = store_get(r->api->store,
		    key_format(key, "idem/%010lld/%s/%s", (long long)(hour - i),
			idem->owner, idem->hash),
		    NULL);
	return record;
}

/* By a door where that has to be found out first. */
static int
nobody_known(const struct request *r)
{
	return r->door->kind == DOOR_TOKENS && r->who.id[0] == '\0' &&
	       r->who.token == 0 && !r->known_by_body;
}

int
idempotency_look(struct request *r)
{
	const char *given;
	char key[STORE_KEY_MAX + 1];
	struct idempotency idem;
	json_t *record;

	if (r->route->upload != NULL || (given = key_checked(r)) == NULL)
		return !respond_given(r);
	if (nobody_known(r))
		return 1;
	key_derive(r, given, &idem);
	record = record_find(r, &idem, key);
	if (record != NULL)
		answer_replay(r, &idem, record);
	json_decref(record);
	sodium_memzero(&idem, sizeof(idem));
	return record == NULL;
}

static int
count_one(const char *key, uint64_t rev, void *arg)
{
	(void)key;
	(void)rev;
	return ++*(int *)arg >= IDEMPOTENCY_MAX;
}

int
idempotency_add(struct request *r, struct store_txn *txn, unsigned int status,
    json_t *reply)
{
	const char *given = request_gone(r) ? NULL : key_given(r);
	char key[STORE_KEY_MAX + 1];
	struct idempotency idem;
	json_t *record, *sealed;
	int64_t hour = id_now() / HOUR;
	int count = 0;

	if (given == NULL)
		return 0;
	key_derive(r, given, &idem);
	key_format(key, "idem/%010lld/%s/", (long long)hour, idem.owner);
	if (store_each_key(r->api->store, key, key, count_one, &count) != 0) {
		respond_error(r, MHD_HTTP_TOO_MANY_REQUESTS, "rate_limit",
		    HEADER " is good for %d requests an hour: go on in the "
			   "next one, or without it",
		    IDEMPOTENCY_MAX);
		return -1;
	}
	/* The same request may have come just before the hour was full. */
	store_if(txn,
	    key_format(key, "idem/%010lld/%s/%s", (long long)(hour - 1),
		idem.owner, idem.hash),
	    0);
	sealed = answer_seal(&idem, reply);
	record = json_pack("{s:s, s:i, s:o}", "body", idem.body, "status",
	    (int)status, "answer", sealed != NULL ? sealed : json_null());
	if (r->cookie[0] != '\0')
		json_object_set_new(
		    record, "cookie", answer_seal_text(&idem, r->cookie));
	key_format(
	    key, "idem/%010lld/%s/%s", (long long)hour, idem.owner, idem.hash);
	store_put_new(txn, key, record);
	json_decref(record);
	sodium_memzero(&idem, sizeof(idem));
	return 0;
}

int
idempotency_given(struct request *r)
{
	return !request_gone(r) && key_given(r) != NULL;
}

void
idempotency_forget(struct request *r)
{
	const char *given = request_gone(r) ? NULL : key_given(r);
	char key[STORE_KEY_MAX + 1];
	struct idempotency idem;
	struct store_txn *txn;
	json_t *record;

	if (given == NULL)
		return;
	key_derive(r, given, &idem);
	if ((record = record_find(r, &idem, key)) != NULL) {
		txn = store_begin(r->api->store);
		store_del(txn, key);
		store_commit(txn, NULL, NULL);
	}
	json_decref(record);
	sodium_memzero(&idem, sizeof(idem));
}
