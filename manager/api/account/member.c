/*
 * /apps/APP/collaborators: who has which role for an app, in the shapes of
 * Heroku's collaborators; member/APP/EMAIL in the store.
 */
#include <bsd/string.h>
#include <string.h>

#include "api/app/app_change.h"
#include "api/http/check.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/access/user.h"
#include "api/verbs.h"
#include "store/keys.h"

/* Heroku's words for what one may, and the role that has it. */
static const struct {
	const char *name;
	const char *description;
	enum role role;
} permissions[] = {
    {"view", "View the app, its releases and its logs", ROLE_VIEWER},
    {"deploy", "Push code, change config vars", ROLE_DEPLOYER},
    {"operate", "Scale, and manage domains", ROLE_DEPLOYER},
    {"manage", "Destroy the app, and manage who may what", ROLE_ADMIN},
};

#define PERMISSIONS (sizeof(permissions) / sizeof(permissions[0]))

static int
role_valid(const char *word)
{
	enum role role;

	return who_parse_role(word, &role) == 0 && role != ROLE_NONE;
}

static const struct check_field create_fields[] = {
    {"user", CHECK_STRING, CHECK_REQUIRED, 1, USER_EMAIL - 1, NULL, NULL},
    {"role", CHECK_STRING, 0, 0, 0, role_valid, "viewer, deployer or admin"},
    {"permissions", CHECK_ARRAY, 0, 1, 8, NULL, NULL},
    {"silent", CHECK_BOOL, CHECK_NULLABLE, 0, 0, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static const struct check_field update_fields[] = {
    {"role", CHECK_STRING, 0, 0, 0, role_valid, "viewer, deployer or admin"},
    {"permissions", CHECK_ARRAY, 0, 1, 8, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* ---- shown ------------------------------------------------------------- */

static json_t *
member_permissions(enum role role)
{
	json_t *list = json_array();

	for (size_t i = 0; i < PERMISSIONS; i++)
		if (permissions[i].role <= role)
			json_array_append_new(list,
			    json_pack("{s:s, s:s}", "name", permissions[i].name,
				"description", permissions[i].description));
	return list;
}

static json_t *
member_shape(const char *name, json_t *app, const char *email, json_t *member)
{
	const char *role = model_text(member, "role");
	const char *owner = model_text(member, "owner");
	enum role bits = ROLE_NONE;

	(void)who_parse_role(role, &bits);
	return json_pack("{s:s, s:o, s:s, s:o, s:{s:s, s:s, s:b}, s:o, s:o}",
	    "id", model_text(member, "id"), "app", model_app_ref(name, app),
	    "role", role, "permissions", member_permissions(bits), "user",
	    "email", email, "id", owner, "federated", 0, "created_at",
	    id_time_of(member, "created"), "updated_at",
	    id_time_of(member, "updated"));
}

/* Heroku's CLI asks what admins of a team may. */
void
team_permissions(struct request *r)
{
	respond_json(r, MHD_HTTP_OK, member_permissions(ROLE_ADMIN));
}

struct list {
	struct request *request;
	json_t *members;
};

static int
list_add(const char *key, json_t *member, uint64_t rev, void *arg)
{
	struct list *list = arg;
	struct request *r = list->request;

	(void)rev;
	json_array_append_new(list->members,
	    member_shape(r->name, r->app, strrchr(key, '/') + 1, member));
	return 0;
}

void
member_list(struct request *r)
{
	struct list list = {r, json_array()};
	char prefix[STORE_KEY_MAX + 1];

	(void)store_each(r->api->store,
	    key_format(prefix, "member/%s/", r->name), list_add, &list);
	respond_json(r, MHD_HTTP_OK, list.members);
}

/* ---- one --------------------------------------------------------------- */

struct member {
	char email[USER_EMAIL];
	char owner[37];
	char key[STORE_KEY_MAX + 1];
	json_t *record; /* NULL: none yet */
	uint64_t rev;
};

/* Of a user, whose reference it takes. */
static void
member_read(struct request *r, json_t *user, struct member *m)
{
	strlcpy(m->owner, model_text(user, "id"), sizeof(m->owner));
	json_decref(user);
	key_format(m->key, "member/%s/%s", r->name, m->email);
	m->record = store_get(r->api->store, m->key, &m->rev);
}

/* 0, or -1 after an answer. */
static int
member_find(struct request *r, const char *which, struct member *m)
{
	json_t *user;
	uint64_t rev;

	if ((user = user_find(r, which, m->email, &rev)) == NULL)
		return -1;
	member_read(r, user, m);
	return 0;
}

/* Whether who is none is a user at all is not for everybody to know. */
static int
member_find_old(struct request *r, struct member *m)
{
	json_t *user;
	uint64_t rev;

	m->record = NULL;
	user = user_look(r, r->params[1], m->email, &rev);
	if (user != NULL)
		member_read(r, user, m);
	if (m->record != NULL)
		return 0;
	respond_missing(r,
	    "%.60s is no collaborator of %s: paas access lists them",
	    r->params[1], request_app(r));
	return -1;
}

void
member_info(struct request *r)
{
	struct member m;

	if (member_find_old(r, &m) == -1)
		return;
	respond_json(
	    r, MHD_HTTP_OK, member_shape(r->name, r->app, m.email, m.record));
	json_decref(m.record);
}

/* ---- changed ----------------------------------------------------------- */

/* The greatest that the words name; ROLE_NONE after an answer. */
static enum role
member_read_permissions(struct request *r, json_t *words)
{
	enum role role = ROLE_NONE;
	const char *word;
	json_t *value;
	size_t i, j;

	json_array_foreach (words, i, value) {
		word = json_string_value(value);
		for (j = 0; word != NULL && j < PERMISSIONS; j++)
			if (strcmp(permissions[j].name, word) == 0)
				break;
		if (word == NULL || j == PERMISSIONS) {
			respond_invalid(r,
			    "permissions[%zu] has to be view, deploy, operate "
			    "or manage",
			    i);
			return ROLE_NONE;
		}
		if (permissions[j].role > role)
			role = permissions[j].role;
	}
	return role;
}

static enum role
member_read_role(struct request *r)
{
	json_t *words = json_object_get(r->json, "permissions");
	enum role role = ROLE_DEPLOYER;

	if (words != NULL && json_object_get(r->json, "role") != NULL) {
		respond_invalid(
		    r, "role and permissions say the same: send one of them");
		return ROLE_NONE;
	}
	if (words != NULL)
		return member_read_permissions(r, words);
	(void)who_parse_role(model_text(r->json, "role"), &role);
	return role;
}

static void
member_put(
    struct request *r, struct member *m, enum role role, unsigned int status)
{
	struct store_txn *txn = app_change_begin(r);
	char by[WHO_NAME], id[37];
	json_t *record;

	request_user(r, by, sizeof(by));
	if (m->record != NULL)
		record = model_touch(m->record);
	else {
		id_uuid(id);
		record = json_pack("{s:s, s:s, s:I, s:I}", "id", id, "by", by,
		    "created", (json_int_t)id_now(), "updated",
		    (json_int_t)id_now());
	}
	json_object_set_new(record, "owner", json_string(m->owner));
	json_object_set_new(record, "role", json_string(who_role(role)));
	store_if(txn, m->key, m->rev);
	store_put(txn, m->key, record);
	store_event(txn, r->name, "access", "%s is %s now, by %s", m->email,
	    who_role(role), by);
	request_commit(
	    r, txn, status, member_shape(r->name, r->app, m->email, record));
	json_decref(record);
}

void
member_create(struct request *r)
{
	char err[PAAS_ERRLEN];
	struct member m;
	enum role role;

	if (check_object(r->json, create_fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if ((role = member_read_role(r)) == ROLE_NONE ||
	    member_find(r, model_text(r->json, "user"), &m) == -1)
		return;
	if (m.record != NULL &&
	    strcmp(model_text(m.record, "owner"), m.owner) == 0)
		respond_invalid(r,
		    "user \"%s\" is a collaborator of %s already", m.email,
		    request_app(r));
	else
		member_put(r, &m, role, MHD_HTTP_CREATED);
	json_decref(m.record);
}

void
member_update(struct request *r)
{
	char err[PAAS_ERRLEN];
	struct member m;
	enum role role;

	if (check_object(r->json, update_fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if ((role = member_read_role(r)) == ROLE_NONE ||
	    member_find_old(r, &m) == -1)
		return;
	member_put(r, &m, role, MHD_HTTP_OK);
	json_decref(m.record);
}

void
member_delete(struct request *r)
{
	struct store_txn *txn;
	char by[WHO_NAME];
	struct member m;
	json_t *reply;

	if (member_find_old(r, &m) == -1)
		return;
	request_user(r, by, sizeof(by));
	reply = member_shape(r->name, r->app, m.email, m.record);
	json_decref(m.record);
	txn = app_change_begin(r);
	store_if(txn, m.key, m.rev);
	store_del(txn, m.key);
	store_event(txn, r->name, "access",
	    "%s is no collaborator any more, "
	    "by %s",
	    m.email, by);
	request_commit(r, txn, MHD_HTTP_OK, reply);
}
