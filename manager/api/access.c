#include "api/access.h"

#include <arpa/inet.h>
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <inttypes.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/id.h"
#include "api/limit.h"
#include "api/model.h"
#include "api/peer.h"
#include "api/push_token.h"
#include "api/request.h"
#include "api/respond.h"
#include "api/ssh_key.h"
#include "api/token.h"
#include "common/log.h"
#include "store/keys.h"

#define SECRET_MAX 256
#define KEY_RECORD "secret/push"

/* Receiving what is pushed takes as long as the network does. */
#define PUSH_LIFE (6 * 3600 * 1000000ULL)

/* From the key to what is asked for with it, which follows at once. */
#define LOGIN_LIFE (120 * 1000000ULL)

/* A use is noted once in this time. */
#define USED_EVERY (60 * 1000000LL)

struct access {
	struct api *api;
	uid_t router; /* of nginx' workers */
	uid_t git;
	struct limit *limit;
	uint8_t key[PUSH_TOKEN_KEY];
};

/* ---- open and close -------------------------------------------------- */

/* One that is missing asks for nothing. */
static uid_t
access_uid(const char *name)
{
	const struct passwd *entry = getpwnam(name);

	return entry != NULL ? entry->pw_uid : (uid_t)-1;
}

/* Tokens of pushes under way are good over a restart. */
static void
access_load_key(struct access *a)
{
	struct store *store = a->api->store;
	json_t *record = store_get(store, KEY_RECORD, NULL);
	const char *hex = model_text(record, "key");
	char text[2 * PUSH_TOKEN_KEY + 1];
	struct store_txn *txn;
	size_t n = 0;

	if (sodium_hex2bin(a->key, sizeof(a->key), hex, strlen(hex), NULL, &n,
		NULL) != 0 ||
	    n != sizeof(a->key)) {
		arc4random_buf(a->key, sizeof(a->key));
		(void)sodium_bin2hex(
		    text, sizeof(text), a->key, sizeof(a->key));
		json_decref(record);
		record = json_pack("{s:s}", "key", text);
		txn = store_begin(store);
		store_put(txn, KEY_RECORD, record);
		store_commit(txn, NULL, NULL);
	}
	json_decref(record);
}

struct access *
access_open(struct api *api, char err[PAAS_ERRLEN])
{
	struct access *a = calloc(1, sizeof(*a));

	if (a == NULL || (a->limit = limit_new()) == NULL) {
		free(a);
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	a->api = api;
	a->router = access_uid(api->conf->user_router);
	a->git = access_uid(api->conf->user_git);
	access_load_key(a);
	return a;
}

void
access_close(struct access *a)
{
	if (a == NULL)
		return;
	limit_free(a->limit);
	sodium_memzero(a->key, sizeof(a->key));
	free(a);
}

/* ---- the process ----------------------------------------------------- */

int
access_greets(const struct access *a, int fd)
{
	uid_t uid = (uid_t)-1;

	return peer_is_admin(fd, a->api->admins, &uid) ||
	       (uid != (uid_t)-1 && (uid == a->router || uid == a->git));
}

int
access_peer(struct request *r)
{
	const struct access *a = r->api->access;
	const struct conf *conf = r->api->conf;
	const union MHD_ConnectionInfo *info;
	int admin;

	info =
	    MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	admin = info != NULL &&
		peer_is_admin(info->connect_fd, r->api->admins, &r->uid);
	if (admin)
		return 1;
	if (r->door->kind == DOOR_PEOPLE)
		respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden",
		    "only root and members of the group '%s' may use this "
		    "socket: usermod -aG %s USER, then log in again",
		    conf->user_manager, conf->user_manager);
	else if (info != NULL && (r->uid == a->router || r->uid == a->git))
		return 1;
	else
		respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden",
		    "only nginx and git may use this socket: ask on %s",
		    r->api->doors[DOOR_PEOPLE].addr.sun_path);
	return 0;
}

/* ---- tokens ---------------------------------------------------------- */

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
	if (inet_pton(AF_INET, address, key->address) == 1)
		key->address[7] = 4;
	else if (inet_pton(AF_INET6, address, v6) == 1)
		memcpy(key->address, v6, sizeof(key->address));
}

static void
access_note_use(struct access *a, uint64_t id, json_t *record, uint64_t rev)
{
	char key[STORE_KEY_MAX + 1];
	int64_t now = id_now();
	struct store_txn *txn;
	json_t *used;

	if (now - model_number(record, "used") < USED_EVERY)
		return;
	used = json_copy(record);
	json_object_set_new(used, "used", json_integer(now));
	txn = store_begin(a->api->store);
	key_format(key, "token/%016" PRIx64, id);
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
enum access_result
access_token(struct access *a, const char *text, size_t len,
    const char *address, json_t **out, uint64_t *id, unsigned int *wait)
{
	char key[STORE_KEY_MAX + 1];
	struct access_key who;
	struct token token;
	json_t *record = NULL;
	uint64_t rev;
	int64_t left;
	int good;

	*out = NULL;
	good = token_parse(&token, text, len) == 0;
	if (good)
		record = store_get(a->api->store,
		    key_format(key, "token/%016" PRIx64, token.id), &rev);
	access_limit_key(&who, address, record != NULL ? token.id : 0);
	left = limit_wait(a->limit, &who, sizeof(who), id_now());
	if (left > 0) {
		*wait = (unsigned int)(left / 1000000 + 1);
		json_decref(record);
		return ACCESS_LATER;
	}
	good = good && token_fits(&token, record, id_now());
	if (!good) {
		limit_count(a->limit, &who, sizeof(who), id_now());
		if (limit_wait(a->limit, &who, sizeof(who), id_now()) > 0)
			log_warn("api: too many wrong tokens from %s",
			    address[0] != '\0' ? address : "this machine");
		json_decref(record);
		token_wipe(&token);
		return ACCESS_WRONG;
	}
	*id = token.id;
	*out = record;
	access_note_use(a, token.id, record, rev);
	token_wipe(&token);
	return ACCESS_GOOD;
}

void
access_push_token(struct access *a, char *text, uint64_t token, uint64_t app)
{
	struct push_token push = {.token = token, .app = app};

	arc4random_buf(&push.nonce, sizeof(push.nonce));
	push.expires = (uint64_t)id_now() + PUSH_LIFE;
	push_token_format(text, &push, a->key);
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

/* ---- the route ------------------------------------------------------- */

/* The number of the app that the path names; 0: there is none. */
static uint64_t
access_app_number(struct request *r)
{
	char name[MODEL_NAME_MAX];
	uint64_t number = 0, rev;
	json_t *app;

	app = model_find_app(r->api, r->params[0], name, &rev);
	if (app != NULL)
		(void)key_parse_id(model_text(app, "number"), &number);
	json_decref(app);
	return number;
}

/* What it was made by has to be there still, and not expired. */
static json_t *
access_push(struct request *r, const char *text, size_t len)
{
	char key[STORE_KEY_MAX + 1];
	struct push_token push;
	json_t *record;
	int64_t expires, now = id_now();

	if (push_token_parse(&push, text, len, r->api->access->key) == -1 ||
	    push.expires <= (uint64_t)now || push.app == 0 ||
	    push.app != access_app_number(r))
		return NULL;
	record = store_get(r->api->store,
	    key_format(key, "token/%016" PRIx64, push.token), NULL);
	if (record == NULL)
		record = ssh_key_find(r->api->store, push.token);
	expires = model_number(record, "expires");
	if (record != NULL && (expires == 0 || now < expires)) {
		r->push = push.nonce;
		return record;
	}
	json_decref(record);
	return NULL;
}

static int
access_refuse(struct request *r, unsigned int wait)
{
	if (wait > 0) {
		respond_error(r, MHD_HTTP_TOO_MANY_REQUESTS, "rate_limit",
		    "too many wrong tokens: try again in %u s", wait);
		return 0;
	}
	respond_error(r, MHD_HTTP_UNAUTHORIZED, "unauthorized",
	    "send a token that is good for this: Authorization: Bearer TOKEN");
	respond_header(r, "WWW-Authenticate", "Bearer realm=\"paas\"");
	return 0;
}

/* Of one app, a token is good for that one alone. */
static int
access_covers(json_t *record, const char *app)
{
	const char *only = model_text(record, "app");

	return (token_scope(model_text(record, "scope")) & TOKEN_DEPLOY) != 0 &&
	       (only[0] == '\0' || strcmp(only, app) == 0);
}

static int
access_by_token(struct request *r)
{
	char secret[SECRET_MAX];
	const char *header;
	unsigned int wait = 0;
	uint64_t id;
	size_t len;

	header = MHD_lookup_connection_value(
	    r->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
	if (header == NULL ||
	    (len = access_secret(header, secret, sizeof(secret))) == 0)
		return access_refuse(r, 0);
	if (strncmp(secret, PUSH_TOKEN_PREFIX, strlen(PUSH_TOKEN_PREFIX)) == 0)
		r->token = access_push(r, secret, len);
	else if (access_token(r->api->access, secret, len, "", &r->token, &id,
		     &wait) != ACCESS_GOOD)
		return access_refuse(r, wait);
	sodium_memzero(secret, sizeof(secret));
	if (r->token == NULL)
		return access_refuse(r, 0);
	if (r->push != 0 || access_covers(r->token, r->params[0]))
		return 1;
	respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden",
	    "this token is not good for %.60s", r->params[0]);
	return 0;
}

int
access_route(struct request *r)
{
	unsigned int flags = r->route->flags;

	if (r->door->kind == DOOR_PEOPLE && (flags & API_GIT) == 0)
		return 1;
	if (r->door->kind == DOOR_TOKENS && (flags & API_GIT) != 0)
		return 1;
	if (r->door->kind == DOOR_TOKENS && (flags & API_DEPLOY) != 0)
		return access_by_token(r);
	respond_missing(r, "there is nothing at that path for you");
	return 0;
}
