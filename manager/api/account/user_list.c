/*
 * GET /users, and one of them; PATCH /users/USER {"name", "role",
 * "suspended"}, DELETE it.
 */
#include <string.h>

#include "api/http/check.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/access/user.h"
#include "api/verbs.h"
#include "common/log.h"
#include "store/keys.h"

static int
list_add(const char *key, json_t *user, uint64_t rev, void *arg)
{
	(void)rev;
	json_array_append_new(arg, model_user(strchr(key, '/') + 1, user));
	return 0;
}

void
user_list(struct request *r)
{
	json_t *users = json_array();

	(void)store_each(r->api->store, "user/", list_add, users);
	respond_json(r, MHD_HTTP_OK, users);
}

/*
 * Everybody sees themselves, and administrators everybody: whether there is
 * somebody of an address is not for others to know.
 */
void
user_info(struct request *r)
{
	char email[USER_EMAIL];
	json_t *user;
	uint64_t rev;

	/* Administrators of the machine have no record. */
	if (strcmp(r->params[0], "~") == 0 && r->who.id[0] == '\0') {
		account_info(r);
		return;
	}
	user = user_look(r, r->params[0], email, &rev);
	if (!who_owns_all(&r->who) &&
	    (user == NULL || strcmp(email, r->who.name) != 0))
		respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden",
		    "only administrators see others than themselves");
	else if (user != NULL)
		respond_json(r, MHD_HTTP_OK, model_user(email, user));
	else
		user_missing(r, r->params[0]);
	json_decref(user);
}

/* ---- the last administrator -------------------------------------------- */

static int
is_admin(json_t *user)
{
	return !user_is_suspended(user) &&
	       strcmp(model_text(user, "role"), who_role(ROLE_ADMIN)) == 0;
}

/* Another one than whose record it is. */
static int
is_other_admin(const char *key, json_t *user, uint64_t rev, void *arg)
{
	(void)rev;
	return strcmp(key, (const char *)arg) != 0 && is_admin(user);
}

/*
 * Whoever comes by a token could lock out all who do, themselves among them:
 * 1 after an answer.  Those of the machine get in anyway.
 */
static int
user_is_last(struct request *r, const char *email, json_t *user, json_t *new)
{
	char key[STORE_KEY_MAX + 1];

	key_format(key, "user/%s", email);
	if (r->door->kind == DOOR_PEOPLE || !is_admin(user) ||
	    (new != NULL &&is_admin(new)) ||
	    store_each(r->api->store, "user/", is_other_admin, key) != 0)
		return 0;
	respond_conflict(r,
	    "%s is the last admin: paas users:set EMAIL --role admin makes "
	    "somebody else one first",
	    email);
	return 1;
}

/* ---- changed ----------------------------------------------------------- */

static int
role_valid(const char *word)
{
	enum role role;

	return who_parse_role(word, &role) == 0;
}

static const struct check_field fields[] = {
    {"name", CHECK_STRING, CHECK_NULLABLE, 0, 100, NULL, NULL},
    {"role", CHECK_STRING, 0, 0, 0, role_valid,
	"member, viewer, deployer or admin"},
    {"suspended", CHECK_BOOL, 0, 0, 0, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static json_t *
user_changed(struct request *r, json_t *user)
{
	json_t *name = json_object_get(r->json, "name");
	json_t *role = json_object_get(r->json, "role");
	json_t *suspended = json_object_get(r->json, "suspended");
	json_t *new = model_touch(user);

	if (name != NULL)
		json_object_set_new(
		    new, "name", json_string(model_text(r->json, "name")));
	if (role != NULL)
		json_object_set(new, "role", role);
	if (suspended != NULL &&
	    json_is_true(suspended) != user_is_suspended(user)) {
		json_object_set(new, "suspended", suspended);
		json_object_set_new(new, "suspended_at",
		    json_integer(json_is_true(suspended) ? id_now() : 0));
	}
	return new;
}

void
user_update(struct request *r)
{
	char by[WHO_NAME], email[USER_EMAIL], err[PAAS_ERRLEN];
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn;
	json_t *new, *user;
	uint64_t rev;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if ((user = user_find(r, r->params[0], email, &rev)) == NULL)
		return;
	new = user_changed(r, user);
	if (user_is_last(r, email, user, new)) {
		json_decref(user);
		json_decref(new);
		return;
	}
	json_decref(user);
	txn = store_begin(r->api->store);
	store_if(txn, key_format(key, "user/%s", email), rev);
	store_put(txn, key, new);
	request_user(r, by, sizeof(by));
	log_info("api: the user %s is changed by %s", email, by);
	request_commit(r, txn, MHD_HTTP_OK, model_user(email, new));
	json_decref(new);
}

/* Tokens, keys and roles are useless at once; user_sweep takes them away. */
void
user_delete(struct request *r)
{
	char by[WHO_NAME], email[USER_EMAIL], key[STORE_KEY_MAX + 1];
	struct store_txn *txn;
	json_t *reply, *user;
	uint64_t rev;

	if ((user = user_find(r, r->params[0], email, &rev)) == NULL)
		return;
	if (user_is_last(r, email, user, NULL)) {
		json_decref(user);
		return;
	}
	reply = model_user(email, user);
	json_decref(user);
	txn = store_begin(r->api->store);
	store_if(txn, key_format(key, "user/%s", email), rev);
	store_del(txn, key);
	request_user(r, by, sizeof(by));
	log_info("api: the user %s is removed by %s", email, by);
	request_commit(r, txn, MHD_HTTP_OK, reply);
}
