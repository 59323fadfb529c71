/*
 * POST /users {"email", "name"?, "role"?, "password"?}: a new user.  Without a
 * password the answer has a set-up token, by which its holder sets one.
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
role_valid(const char *word)
{
	enum role role;

	return who_parse_role(word, &role) == 0;
}

static const struct check_field fields[] = {
    {"email", CHECK_STRING, CHECK_REQUIRED, 0, 0, user_email_valid,
	"an email address"},
    {"name", CHECK_STRING, CHECK_NULLABLE, 0, 100, NULL, NULL},
    {"role", CHECK_STRING, 0, 0, 0, role_valid,
	"member, viewer, deployer or admin"},
    {"password", CHECK_STRING, CHECK_NULLABLE, USER_PASSWORD_MIN,
	USER_PASSWORD_MAX, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static int
user_count(const char *key, uint64_t rev, void *arg)
{
	(void)key, (void)rev;
	++*(int *)arg;
	return 0;
}

/* Answers if there is no room, or somebody of that address. */
static int
user_is_new(struct request *r, const char *email)
{
	json_t *old = user_get(r->api->store, email, NULL);
	int count = 0;

	json_decref(old);
	if (old != NULL) {
		respond_invalid(r, "email \"%s\" is taken by a user", email);
		return 0;
	}
	(void)store_each_key(
	    r->api->store, "user/", "user/", user_count, &count);
	if (count < USERS_MAX)
		return 1;
	respond_conflict(
	    r, "there are %d users already, which is the most", count);
	return 0;
}

static void
user_commit(struct request *r, const char *email, const char *hash)
{
	struct store_txn *txn = store_begin(r->api->store);
	const char *role = model_text(r->json, "role");
	char by[WHO_NAME], id[37], key[STORE_KEY_MAX + 1];
	char text[USER_SETUP_TEXT];
	json_t *reply, *user;

	id_uuid(id);
	request_user(r, by, sizeof(by));
	user = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "id", id, "name",
	    model_text(r->json, "name"), "role",
	    role[0] != '\0' ? role : who_role(ROLE_NONE), "password", hash,
	    "created", (json_int_t)id_now(), "updated", (json_int_t)id_now());
	store_put_new(txn, key_format(key, "user/%s", email), user);
	reply = model_user(email, user);
	if (hash[0] == '\0') {
		setup_add(txn, text, email, id);
		json_object_set_new(reply, "setup_token", json_string(text));
		explicit_bzero(text, sizeof(text));
	}
	log_info("api: the user %s is made by %s", email, by);
	json_decref(user);
	request_commit(r, txn, MHD_HTTP_CREATED, reply);
}

void
user_create(struct request *r)
{
	char email[USER_EMAIL], err[PAAS_ERRLEN];
	const char *hash = "", *password;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if (user_email(email, model_text(r->json, "email")) == -1 ||
	    !user_is_new(r, email))
		return;
	password = model_text(r->json, "password");
	if (password[0] == '\0' || (hash = user_hash(r, password)) != NULL)
		user_commit(r, email, hash);
}
