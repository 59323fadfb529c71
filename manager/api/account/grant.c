/*
 * /oauth/authorizations: tokens in Heroku's shape, and how one logs in: POST
 * with the address and the password of a user as Basic credentials.
 */
#include <bsd/string.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "api/access/access.h"
#include "api/http/check.h"
#include "api/http/id.h"
#include "api/http/idempotency.h"
#include "api/account/grant.h"
#include "api/access/login.h"
#include "api/model.h"
#include "api/http/protocol.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/access/token.h"
#include "api/access/user.h"
#include "api/verbs.h"
#include "common/log.h"
#include "store/keys.h"

#define EXPIRES_MAX (10LL * 365 * 86400)
#define SCOPE_TEXT  200
#define LOGIN_LIFE  (30LL * 86400) /* of a token by a password, in seconds */

static const struct check_field fields[] = {
    {"scope", CHECK_ARRAY, CHECK_NULLABLE, 0, 8, NULL, NULL},
    {"description", CHECK_STRING, CHECK_NULLABLE, 0, GRANT_DESCRIPTION, NULL,
	NULL},
    {"expires_in", CHECK_NUMBER, CHECK_NULLABLE, 1, EXPIRES_MAX, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* ---- shown ------------------------------------------------------------- */

static json_t *
shape_scope(const char *words)
{
	json_t *list = json_array();
	size_t len;

	for (words += strspn(words, " "); *words != '\0';
	     words += len + strspn(words + len, " ")) {
		len = strcspn(words, " ");
		json_array_append_new(list, json_stringn(words, len));
	}
	return list;
}

static json_t *
shape_expires_in(json_t *record)
{
	int64_t expires = model_number(record, "expires");
	int64_t left = (expires - id_now()) / 1000000;

	if (expires == 0)
		return json_null();
	return json_integer(left > 0 ? left : 0);
}

/* full_name is null of those who have not said theirs. */
static json_t *
shape_user(struct store *st, json_t *record)
{
	const char *email = model_text(record, "user");
	json_t *user = user_get(st, email, NULL), *shape;
	const char *name = model_text(user, "name");

	shape = model_user_ref(email, model_text(record, "owner"));
	json_object_set_new(shape, "full_name",
	    name[0] != '\0' ? json_string(name) : json_null());
	json_decref(user);
	return shape;
}

json_t *
grant_shape(struct store *st, const char *id, json_t *record, const char *text)
{
	const char *touched =
	    model_number(record, "updated") > 0 ? "updated" : "created";

	return json_pack("{s:s, s:s, s:{s:s, s:o, s:o}, s:n, s:n, s:n, s:o,"
			 " s:o, s:o, s:o, s:o, s:o}",
	    "id", id, "description", model_text(record, "description"),
	    "access_token", "id", id, "expires_in", shape_expires_in(record),
	    "token", text != NULL ? json_string(text) : json_null(), "client",
	    "grant", "refresh_token", "session",
	    json_is_true(json_object_get(record, "session"))
		? json_pack("{s:s}", "id", id)
		: json_null(),
	    "scope", shape_scope(model_text(record, "scope")), "user",
	    shape_user(st, record), "created_at", id_time_of(record, "created"),
	    "updated_at", id_time_of(record, touched), "last_used_at",
	    id_time_of(record, "used"));
}

struct list {
	struct request *request;
	json_t *shapes;
};

/* Everybody's own, an administrator's too: GET /tokens has those of all. */
static int
list_add(const char *key, json_t *record, uint64_t rev, void *arg)
{
	struct list *list = arg;
	char id[17];

	(void)rev;
	if (key_part(key, 1, id, sizeof(id)) == 0 &&
	    strcmp(model_text(record, "owner"), list->request->who.id) == 0)
		json_array_append_new(list->shapes,
		    grant_shape(list->request->api->store, id, record, NULL));
	return 0;
}

void
grant_list(struct request *r)
{
	struct list list = {r, json_array()};

	(void)store_each(r->api->store, "token/", list_add, &list);
	respond_json(r, MHD_HTTP_OK, list.shapes);
}

/* ---- one --------------------------------------------------------------- */

int
grant_find(struct request *r, struct token_found *found)
{
	if (token_find(r, "token", r->who.token, found) == 0)
		return 0;
	respond_missing(r, "there is no authorization of that id");
	return -1;
}

void
grant_info(struct request *r)
{
	struct token_found found;

	if (grant_find(r, &found) == -1)
		return;
	respond_json(r, MHD_HTTP_OK,
	    grant_shape(r->api->store, found.id, found.record, NULL));
	json_decref(found.record);
}

/* Whatever its scope, a token may end itself. */
void
grant_delete(struct request *r)
{
	char user[WHO_NAME];
	struct token_found found;
	struct store_txn *txn;
	json_t *shape;

	if (grant_find(r, &found) == -1)
		return;
	shape = grant_shape(r->api->store, found.id, found.record, NULL);
	json_decref(found.record);
	if (((r->who.scope & SCOPE_GLOBAL) == 0 || r->who.app[0] != '\0') &&
	    strcmp(r->params[0], "~") != 0) {
		json_decref(shape);
		respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden",
		    "the scope of this token does not reach to other ones");
		return;
	}
	txn = store_begin(r->api->store);
	store_if(txn, found.key, found.rev);
	store_del(txn, found.key);
	request_user(r, user, sizeof(user));
	log_info("api: token %s is revoked by %s", found.id, user);
	request_commit(r, txn, MHD_HTTP_OK, shape);
}

/* ---- a password -------------------------------------------------------- */

/* Whether the request has an address and a password: no token is one. */
static int
login_read(struct request *r, struct login *login)
{
	char text[sizeof(struct login) + 8], *colon;
	const char *header;
	size_t len = 0;
	int good = 0;

	header = MHD_lookup_connection_value(
	    r->conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
	if (header == NULL || strncasecmp(header, "Basic ", 6) != 0 ||
	    sodium_base642bin((uint8_t *)text, sizeof(text) - 1, header + 6,
		strlen(header + 6), NULL, &len, NULL,
		sodium_base64_VARIANT_ORIGINAL) != 0)
		return 0;
	text[len] = '\0';
	if (strlen(text) == len && (colon = strchr(text, ':')) != NULL) {
		*colon++ = '\0';
		good =
		    user_email(login->email, text) == 0 && *colon != '\0' &&
		    strncmp(colon, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) != 0 &&
		    strlcpy(login->password, colon, sizeof(login->password)) <
			sizeof(login->password);
	}
	explicit_bzero(text, sizeof(text));
	return good;
}

/* ---- made -------------------------------------------------------------- */

/* The words with blanks between them; -1 after an answer. */
static int
read_scope(struct request *r, char text[SCOPE_TEXT])
{
	json_t *value;
	const char *word;
	size_t i;

	text[0] = '\0';
	json_array_foreach (json_object_get(r->json, "scope"), i, value) {
		word = json_string_value(value);
		if (word == NULL || strchr(word, ' ') != NULL ||
		    who_scope(word) == 0 ||
		    strlen(text) + strlen(word) + 2 > SCOPE_TEXT) {
			respond_invalid(
			    r, "scope[%zu] has to be one of " SCOPE_FORM, i);
			return -1;
		}
		if (text[0] != '\0')
			strlcat(text, " ", SCOPE_TEXT);
		strlcat(text, word, SCOPE_TEXT);
	}
	if (text[0] == '\0')
		strlcpy(text, "global", SCOPE_TEXT);
	return 0;
}

static void
issue(struct request *r, struct store_txn *txn, int session)
{
	char scope[SCOPE_TEXT];
	struct token_wish wish;

	if (read_scope(r, scope) == -1) {
		store_abandon(txn);
		return;
	}
	wish.scope = scope;
	wish.description = model_text(r->json, "description");
	wish.seconds = check_number(json_object_get(r->json, "expires_in"));
	wish.session = session;
	if (session && wish.seconds == 0)
		wish.seconds = LOGIN_LIFE;
	token_issue(r, txn, &wish, grant_shape);
}

static void
issue_by_login(struct request *r, const struct login *login)
{
	struct store_txn *txn;
	json_t *user;

	if ((user = login_enter(r, login, &txn)) == NULL)
		return;
	json_decref(user);
	issue(r, txn, 1);
}

/* Before it gets an answer that a better token of the same user had. */
static int
token_may_issue(struct request *r)
{
	if ((r->who.scope & SCOPE_GLOBAL) != 0 && r->who.app[0] == '\0')
		return 1;
	respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden",
	    "only a token of the scope global makes others");
	return 0;
}

void
grant_create(struct request *r)
{
	char err[PAAS_ERRLEN];
	struct login login;

	if (r->door->kind == DOOR_TOKENS && login_read(r, &login)) {
		if (check_object(r->json, fields, "", err) == -1)
			respond_invalid(r, "%s", err);
		else
			issue_by_login(r, &login);
		explicit_bzero(&login, sizeof(login));
		return;
	}
	if (!access_identify(r) ||
	    (r->door->kind == DOOR_TOKENS &&
		(!protocol_rate(r) || !token_may_issue(r) ||
		    !idempotency_look(r))))
		return;
	if (check_object(r->json, fields, "", err) == -1)
		respond_invalid(r, "%s", err);
	else
		issue(r, store_begin(r->api->store), 0);
}
