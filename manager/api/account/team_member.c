/*
 * /teams/TEAM/members: who is in a team, with which role, in the shapes of
 * Heroku's team members; teammember/ID/EMAIL in the store.
 */
#include <bsd/string.h>
#include <string.h>

#include "api/access/roles.h"
#include "api/access/team.h"
#include "api/access/user.h"
#include "api/account/team_change.h"
#include "api/http/check.h"
#include "api/http/id.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/model.h"
#include "api/verbs.h"
#include "store/keys.h"

static const struct check_field fields[] = {
    {"email", CHECK_STRING, CHECK_REQUIRED, 1, USER_EMAIL - 1, NULL, NULL},
    {"role", CHECK_STRING, CHECK_REQUIRED, 0, 0, team_role_valid,
	TEAM_ROLE_FORM},
    {"federated", CHECK_BOOL, CHECK_NULLABLE, 0, 0, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* ---- shown ------------------------------------------------------------- */

static json_t *
member_shape(struct store *store, const char *email, json_t *member)
{
	json_t *user = user_get(store, email, NULL);
	const char *name = model_text(user, "name");
	json_t *shape;

	shape = json_pack("{s:s, s:s, s:s, s:b, s:n, s:b, s:o, s:o, "
			  "s:{s:s, s:s, s:o}}",
	    "id", model_text(member, "id"), "email", email, "role",
	    model_text(member, "role"), "federated", 0, "identity_provider",
	    "two_factor_authentication", 0, "created_at",
	    id_time_of(member, "created"), "updated_at",
	    id_time_of(member, "updated"), "user", "email", email, "id",
	    model_text(member, "owner"), "name",
	    name[0] != '\0' ? json_string(name) : json_null());
	json_decref(user);
	return shape;
}

struct list {
	struct store *store;
	json_t *members;
};

static int
list_add(const char *key, json_t *member, uint64_t rev, void *arg)
{
	struct list *list = arg;

	(void)rev;
	json_array_append_new(list->members,
	    member_shape(list->store, strrchr(key, '/') + 1, member));
	return 0;
}

void
teammate_list(struct request *r)
{
	struct list list = {r->api->store, json_array()};
	char prefix[STORE_KEY_MAX + 1];
	struct team team;

	if (team_find(r, r->params[0], ROLE_VIEWER, &team) == 0) {
		json_decref(team.record);
		(void)store_each(r->api->store,
		    key_format(prefix, "teammember/%s/", team.id), list_add,
		    &list);
		respond_json(r, MHD_HTTP_OK, json_incref(list.members));
	}
	json_decref(list.members);
}

/* ---- one --------------------------------------------------------------- */

struct member {
	struct team team;
	char email[USER_EMAIL];
	char owner[37];
	char key[STORE_KEY_MAX + 1];
	json_t *record; /* NULL: none yet */
	uint64_t rev;
};

static void
member_free(struct member *m)
{
	json_decref(m->team.record);
	json_decref(m->record);
}

/* What there is of a user, borrowed, in m->team. */
static void
member_look(struct request *r, json_t *user, struct member *m)
{
	strlcpy(m->owner, model_text(user, "id"), sizeof(m->owner));
	key_format(m->key, "teammember/%s/%s", m->team.id, m->email);
	m->record = store_get(r->api->store, m->key, &m->rev);
	/* Of one of the same address that is gone: as if it were not there. */
	if (m->record != NULL &&
	    strcmp(model_text(m->record, "owner"), m->owner) != 0) {
		json_decref(m->record);
		m->record = NULL;
	}
}

/* Any user: 0, or -1 after an answer. */
static int
member_find(
    struct request *r, const char *which, enum role need, struct member *m)
{
	json_t *user;
	uint64_t rev;

	if (team_find(r, r->params[0], need, &m->team) == -1)
		return -1;
	if ((user = user_find(r, which, m->email, &rev)) == NULL) {
		json_decref(m->team.record);
		return -1;
	}
	member_look(r, user, m);
	json_decref(user);
	return 0;
}

/*
 * Of the team.  Whether who is none is a user at all is not for everybody to
 * know.
 */
static int
member_find_old(
    struct request *r, const char *which, enum role need, struct member *m)
{
	json_t *user;
	uint64_t rev;

	if (team_find(r, r->params[0], need, &m->team) == -1)
		return -1;
	m->record = NULL;
	if ((user = user_look(r, which, m->email, &rev)) != NULL)
		member_look(r, user, m);
	json_decref(user);
	if (m->record != NULL)
		return 0;
	respond_missing(r,
	    "%.60s is no member of the team %s: paas members --team %s lists "
	    "them",
	    which, m->team.name, m->team.name);
	member_free(m);
	return -1;
}

void
teammate_info(struct request *r)
{
	struct member m;

	if (member_find_old(r, r->params[1], ROLE_VIEWER, &m) == -1)
		return;
	respond_json(
	    r, MHD_HTTP_OK, member_shape(r->api->store, m.email, m.record));
	member_free(&m);
}

/* ---- how many ---------------------------------------------------------- */

struct census {
	struct store *store;
	const char *but;
	unsigned int all;
	unsigned int admins; /* but for that one */
};

static int
census_add(const char *key, json_t *member, uint64_t rev, void *arg)
{
	const char *email = strrchr(key, '/') + 1;
	struct census *census = arg;
	json_t *user;

	(void)rev;
	census->all++;
	if (strcmp(model_text(member, "role"), who_role(ROLE_ADMIN)) != 0 ||
	    strcmp(email, census->but) == 0)
		return 0;
	/* Users that are gone are no admins, if their records are there yet,
	 * nor those who can't come in. */
	user = user_get(census->store, email, NULL);
	if (user != NULL && !user_is_suspended(user) &&
	    strcmp(model_text(user, "id"), model_text(member, "owner")) == 0)
		census->admins++;
	json_decref(user);
	return 0;
}

static void
member_census(struct request *r, const struct member *m, struct census *census)
{
	char prefix[STORE_KEY_MAX + 1];

	*census = (struct census){r->api->store, m->email, 0, 0};
	(void)store_each(r->api->store,
	    key_format(prefix, "teammember/%s/", m->team.id), census_add,
	    census);
}

static int
member_has_room(struct request *r, const struct member *m)
{
	struct census census;

	member_census(r, m, &census);
	if (census.all >= TEAM_MEMBERS_MAX) {
		respond_conflict(r,
		    "the team %s has %u members already, which is the most",
		    m->team.name, census.all);
		return 0;
	}
	if (roles_count_teams(r->api->roles, m->email) < USER_TEAMS_MAX)
		return 1;
	respond_conflict(r,
	    "%s is a member of %d teams already, which is the most", m->email,
	    USER_TEAMS_MAX);
	return 0;
}

/* Somebody has to be able to say who is in it. */
static int
member_is_last_admin(struct request *r, const struct member *m)
{
	struct census census;

	if (m->record == NULL ||
	    strcmp(model_text(m->record, "role"), who_role(ROLE_ADMIN)) != 0)
		return 0;
	member_census(r, m, &census);
	if (census.admins > 0)
		return 0;
	respond_conflict(r,
	    "%s is the last admin of the team %s: make another one first, with "
	    "paas members:set EMAIL --team %s --role admin, or remove the team",
	    m->email, m->team.name, m->team.name);
	return 1;
}

/* ---- changed ----------------------------------------------------------- */

static void
member_put(struct request *r, struct member *m, enum role role)
{
	struct store_txn *txn;
	json_t *record;
	unsigned int status = MHD_HTTP_OK;

	if (role != ROLE_ADMIN && member_is_last_admin(r, m))
		return;
	if (m->record == NULL && !member_has_room(r, m))
		return;
	if (m->record != NULL) {
		record = model_touch(m->record);
		json_object_set_new(
		    record, "role", json_string(who_role(role)));
	} else {
		record = team_member_new(r, m->owner, role);
		status = MHD_HTTP_CREATED;
	}
	txn = store_begin(r->api->store);
	team_touch(txn, &m->team);
	store_if(txn, m->key, m->rev);
	store_put(txn, m->key, record);
	request_commit(
	    r, txn, status, member_shape(r->api->store, m->email, record));
	json_decref(record);
}

/* The role that the body names; ROLE_NONE after an answer. */
static enum role
member_read(struct request *r)
{
	char err[PAAS_ERRLEN];

	if (check_object(r->json, fields, "", err) == 0)
		return team_role(model_text(r->json, "role"));
	respond_invalid(r, "%s", err);
	return ROLE_NONE;
}

void
teammate_put(struct request *r)
{
	const char *email = model_text(r->json, "email");
	enum role role = member_read(r);
	struct member m;

	if (role == ROLE_NONE || member_find(r, email, ROLE_ADMIN, &m) == -1)
		return;
	member_put(r, &m, role);
	member_free(&m);
}

void
teammate_create(struct request *r)
{
	const char *email = model_text(r->json, "email");
	enum role role = member_read(r);
	struct member m;

	if (role == ROLE_NONE || member_find(r, email, ROLE_ADMIN, &m) == -1)
		return;
	if (m.record != NULL)
		respond_invalid(r,
		    "email \"%s\" is a member of the team %s already", m.email,
		    m.team.name);
	else
		member_put(r, &m, role);
	member_free(&m);
}

void
teammate_update(struct request *r)
{
	const char *email = model_text(r->json, "email");
	enum role role = member_read(r);
	struct member m;

	if (role == ROLE_NONE ||
	    member_find_old(r, email, ROLE_ADMIN, &m) == -1)
		return;
	member_put(r, &m, role);
	member_free(&m);
}

/* Whoever is in a team may leave it. */
static enum role
member_need(struct request *r)
{
	const char *which = r->params[1];
	char email[USER_EMAIL];

	if (r->who.id[0] != '\0' &&
	    (strcmp(which, "~") == 0 || strcmp(which, r->who.id) == 0 ||
		(user_email(email, which) == 0 &&
		    strcmp(email, r->who.name) == 0)))
		return ROLE_VIEWER;
	return ROLE_ADMIN;
}

void
teammate_delete(struct request *r)
{
	struct store_txn *txn;
	struct member m;

	if (member_find_old(r, r->params[1], member_need(r), &m) == -1)
		return;
	if (!member_is_last_admin(r, &m)) {
		txn = store_begin(r->api->store);
		team_touch(txn, &m.team);
		store_if(txn, m.key, m.rev);
		store_del(txn, m.key);
		request_commit(r, txn, MHD_HTTP_OK,
		    member_shape(r->api->store, m.email, m.record));
	}
	member_free(&m);
}
