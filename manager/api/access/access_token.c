#include <arpa/inet.h>
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "api/access/access_impl.h"
#include "api/access/browser.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/access/ssh_key.h"
#include "api/access/token.h"
#include "common/log.h"
#include "store/keys.h"

/* Receiving what is pushed takes as long as the network does. */
#define PUSH_LIFE (6 * 3600 * 1000000ULL)

/* From the key to what is asked for with it, which follows at once. */
#define LOGIN_LIFE (120 * 1000000ULL)

/* A use is noted once in this time. */
#define USED_EVERY (60 * 1000000LL)

/* ---- headers --------------------------------------------------------- */

size_t
access_secret(const char *header, char *buf, size_t size)
{
	size_t len;
	char *password;

	if (strncasecmp(header, "Bearer ", 7) == 0) {
		len = strlcpy(buf, header + 7, size);
		return len < size ? len : 0;
	}
	if (strncasecmp(header, "Basic ", 6) != 0 ||
	    sodium_base642bin((uint8_t *)buf, size - 1, header + 6,
		strlen(header + 6), NULL, &len, NULL,
		sodium_base64_VARIANT_ORIGINAL) != 0)
		return 0;
	buf[len] = '\0';
	if ((password = memchr(buf, ':', len)) == NULL)
		return 0;
	*password++ = '\0';
	if (*password == '\0')
		return strlen(buf);
	len -= (size_t)(password - buf);
	memmove(buf, password, len + 1);
	return len;
}

/* ---- who is wrong too often ------------------------------------------ */

/* An IPv4 address, or the network that one holder of IPv6 has, and an id. */
struct access_key {
	uint8_t address[8];
	uint64_t id;
};

static void
access_limit_key(struct access_key *key, const char *address, uint64_t id)
{
	uint8_t v6[16];

	memset(key, 0, sizeof(*key));
	key->id = id;
	if (address == NULL)
		key->address[7] = 1;
	else if (inet_pton(AF_INET, address, key->address) == 1)
		key->address[7] = 4;
	else if (inet_pton(AF_INET6, address, v6) == 1)
		memcpy(key->address, v6, sizeof(key->address));
}

unsigned int
access_wait(struct access *a, const char *address, uint64_t id)
{
	struct access_key key;
	int64_t left;

	access_limit_key(&key, address, id);
	left = limit_wait(a->limit, &key, sizeof(key), id_now());
	return left > 0 ? (unsigned int)(left / 1000000 + 1) : 0;
}

/* With an id that no token has, and no account but by a great chance. */
static void
access_network_key(struct access_key *key, const char *address)
{
	int v4 = strchr(address, ':') == NULL;

	access_limit_key(key, address, UINT64_MAX);
	memset(key->address + (v4 ? 3 : 6), 0, 2);
	key->address[7] = v4 ? 4 : 6;
}

void
access_wrong(struct access *a, const char *address, uint64_t id)
{
	struct access_key key;

	access_limit_key(&key, address, id);
	limit_count(a->limit, &key, sizeof(key), id_now());
	if (address == NULL)
		return;
	if (limit_wait(a->limit, &key, sizeof(key), id_now()) > 0)
		log_warn("api: too many wrong tokens from %s",
		    address[0] != '\0' ? address : "this machine");
	access_network_key(&key, address);
	limit_count(a->limit, &key, sizeof(key), id_now());
}

void
access_network(char network[ACCESS_NETWORK], const char *address)
{
	struct access_key key;

	access_network_key(&key, address);
	(void)sodium_bin2hex(
	    network, ACCESS_NETWORK, key.address, (ACCESS_NETWORK - 1) / 2);
}

int
access_was_wrong(struct access *a, const char *address)
{
	struct access_key key;

	access_network_key(&key, address);
	return limit_counts(a->limit, &key, sizeof(key), id_now());
}

/* ---- tokens ---------------------------------------------------------- */

static void
access_note_use(struct access *a, const char *key, json_t *record, uint64_t rev)
{
	int64_t every = USED_EVERY, idle = model_number(record, "idle");
	int64_t now = id_now();
	struct store_txn *txn;
	json_t *used;

	if (idle != 0 && idle / 4 < every)
		every = idle / 4;
	if (now - model_number(record, "used") < every)
		return;
	used = json_copy(record);
	json_object_set_new(used, "used", json_integer(now));
	txn = store_begin(a->api->store);
	store_if(txn, key, rev);
	store_put(txn, key, used);
	store_commit(txn, NULL, NULL);
	json_decref(used);
}

/*
 * Wrong attempts are counted by address, those at a token that there is by
 * address and token: who guesses locks out nobody's token but the one that is
 * guessed at, and that for nobody else.
 */
static enum access_result
access_by_record(struct access *a, enum basis basis, const char *text,
    size_t len, struct who *who, unsigned int *wait)
{
	char address[sizeof(who->address)], key[STORE_KEY_MAX + 1];
	const char *kind = basis == BASIS_SESSION ? "session" : "token";
	struct token token;
	json_t *record = NULL;
	uint64_t id, rev = 0;
	int good;

	strlcpy(address, who->address, sizeof(address));
	good = token_parse(&token, text, len) == 0;
	if (good)
		record = store_get(a->api->store,
		    key_format(key, "%s/%016" PRIx64, kind, token.id), &rev);
	id = record != NULL ? token.id : 0;
	if ((*wait = access_wait(a, address, id)) > 0) {
		json_decref(record);
		return ACCESS_LATER;
	}
	good = good && token_fits(&token, record, id_now()) &&
	       browser_lives(a->api->store, record, id_now()) &&
	       who_read(a->api, record, who) == 0;
	token_wipe(&token);
	strlcpy(who->address, address, sizeof(who->address));
	if (good) {
		who->token = id;
		who->basis = basis;
		who->until = access_until(record);
		access_note_use(a, key, record, rev);
	} else
		access_wrong(a, address, id);
	json_decref(record);
	return good ? ACCESS_GOOD : ACCESS_WRONG;
}

enum access_result
access_token(struct access *a, const char *text, size_t len, struct who *who,
    unsigned int *wait)
{
	return access_by_record(a, BASIS_TOKEN, text, len, who, wait);
}

enum access_result
access_session(struct access *a, const char *text, size_t len, struct who *who,
    unsigned int *wait)
{
	return access_by_record(a, BASIS_SESSION, text, len, who, wait);
}

void
access_push_token(struct access *a, char *text, uint64_t token, uint64_t app)
{
	struct push_token push = {.token = token, .app = app};

	arc4random_buf(&push.nonce, sizeof(push.nonce));
	push.expires = (uint64_t)id_now() + PUSH_LIFE;
	push_token_format(text, &push, a->key);
}

void
access_sign(const struct access *a, const char *text, size_t len, char *hex)
{
	uint8_t mac[ACCESS_MAC];

	(void)crypto_generichash(mac, sizeof(mac), (const uint8_t *)text, len,
	    a->key, sizeof(a->key));
	(void)sodium_bin2hex(hex, ACCESS_MAC_TEXT, mac, sizeof(mac));
}

/* ---- SSH ------------------------------------------------------------- */

int
access_is_git(const struct request *r)
{
	return r->uid == r->api->access->git;
}

/* As that of a push, of app 0, which is none. */
void
access_login_token(struct access *a, char *text, uint64_t key)
{
	struct push_token login = {.token = key, .app = 0};

	arc4random_buf(&login.nonce, sizeof(login.nonce));
	login.expires = (uint64_t)id_now() + LOGIN_LIFE;
	push_token_format(text, &login, a->key);
}

json_t *
access_login(struct access *a, const char *text, size_t len, uint64_t *key)
{
	struct push_token login;

	if (push_token_parse(&login, text, len, a->key) == -1 ||
	    login.app != 0 || login.expires <= (uint64_t)id_now())
		return NULL;
	*key = login.token;
	return ssh_key_find(a->api->store, login.token);
}

/* The number of an app; 0: there is none of that name or id. */
static uint64_t
access_app_number(struct api *api, const char *which, char *name)
{
	uint64_t number = 0, rev;
	json_t *app;

	app = model_find_app(api, which, name, &rev);
	if (app != NULL)
		(void)key_parse_id(model_text(app, "number"), &number);
	json_decref(app);
	return number;
}

/* What it was made by has to be there still, and not expired. */
int
access_push(struct access *a, const char *text, size_t len, const char *app,
    struct who *who, uint64_t *nonce)
{
	char address[sizeof(who->address)], key[STORE_KEY_MAX + 1];
	char name[MODEL_NAME_MAX];
	struct push_token push;
	int64_t expires, now = id_now();
	json_t *record;
	int good;

	if (push_token_parse(&push, text, len, a->key) == -1 ||
	    push.expires <= (uint64_t)now || push.app == 0 || app == NULL ||
	    push.app != access_app_number(a->api, app, name))
		return -1;
	record = store_get(a->api->store,
	    key_format(key, "token/%016" PRIx64, push.token), NULL);
	if (record == NULL)
		record = ssh_key_find(a->api->store, push.token);
	expires = model_number(record, "expires");
	strlcpy(address, who->address, sizeof(address));
	good = record != NULL && (expires == 0 || now < expires) &&
	       browser_lives(a->api->store, record, now) &&
	       who_read(a->api, record, who) == 0;
	json_decref(record);
	strlcpy(who->address, address, sizeof(who->address));
	who->scope = SCOPE_DEPLOY;
	strlcpy(who->app, name, sizeof(who->app));
	who->token = push.token;
	who->basis = BASIS_PUSH;
	who->until = who->push_until = (int64_t)push.expires;
	*nonce = push.nonce;
	return good ? 0 : -1;
}
