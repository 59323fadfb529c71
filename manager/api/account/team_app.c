/*
 * Apps go from hand to hand: PATCH /teams/apps/APP {"owner"}, to a team by its
 * name or a user by their address, and POST /account/app-transfers {"app",
 * "recipient"}, Heroku's way from one user to another.
 */
#include <bsd/string.h>
#include <string.h>

#include "api/access/team.h"
#include "api/access/user.h"
#include "api/account/team_change.h"
#include "api/app/app_change.h"
#include "api/http/check.h"
#include "api/http/id.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/model.h"
#include "api/verbs.h"
#include "common/log.h"
#include "store/keys.h"

#define OWNER_MAX (USER_EMAIL - 1)

static const struct check_field update_fields[] = {
    {"owner", CHECK_STRING, CHECK_REQUIRED, 1, OWNER_MAX, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static const struct check_field transfer_fields[] = {
    {"app", CHECK_STRING, CHECK_REQUIRED, 1, OWNER_MAX, NULL, NULL},
    {"recipient", CHECK_STRING, CHECK_REQUIRED, 1, OWNER_MAX, NULL, NULL},
    {"silent", CHECK_BOOL, CHECK_NULLABLE, 0, 0, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* Who an app goes to. */
struct heir {
	int is_team;
	struct team team;
	char email[USER_EMAIL];
	char id[37];
};

/* 0, or -1 after an answer. */
static int
heir_find(struct request *r, const char *which, struct heir *heir)
{
	json_t *user;
	uint64_t rev;

	heir->is_team = strchr(which, '@') == NULL && !id_is_uuid(which);
	if (heir->is_team) {
		if (team_find(r, which, ROLE_DEPLOYER, &heir->team) == -1)
			return -1;
		json_decref(heir->team.record);
		return team_get(r->api, heir->team.id, &heir->team);
	}
	if ((user = user_find(r, which, heir->email, &rev)) == NULL)
		return -1;
	strlcpy(heir->id, model_text(user, "id"), sizeof(heir->id));
	json_decref(user);
	return 0;
}

/* To take an app from a team takes an admin of that one. */
static int
may_leave(struct request *r)
{
	const char *id = model_text(r->app, "team");
	struct team team;
	int may;

	if (id[0] == '\0')
		return 1;
	may = team_find(r, id, ROLE_ADMIN, &team) == 0;
	if (may)
		json_decref(team.record);
	return may;
}

/* The new record of the app; what else changes goes to txn. */
static json_t *
heir_of_app(struct request *r, struct store_txn *txn, const struct heir *heir)
{
	char key[STORE_KEY_MAX + 1];
	json_t *app = model_touch(r->app), *member;
	uint64_t rev;

	if (heir->is_team) {
		json_object_set_new(app, "team", json_string(heir->team.id));
		team_touch(txn, &heir->team);
		/* It has the app now, and needs no role for it. */
		store_del(txn,
		    key_format(key, "teamgrant/%s/%s", r->name, heir->team.id));
		return app;
	}
	(void)json_object_del(app, "team");
	json_object_set_new(app, "user", json_string(heir->email));
	json_object_set_new(app, "owner", json_string(heir->id));
	key_format(key, "member/%s/%s", r->name, heir->email);
	json_decref(store_get(r->api->store, key, &rev));
	member = team_member_new(r, heir->id, ROLE_ADMIN);
	store_if(txn, key, rev);
	store_put(txn, key, member);
	json_decref(member);
	return app;
}

/* Takes the reference to what is to be answered, NULL: the app. */
static void
give(struct request *r, const struct heir *heir, unsigned int status,
    json_t *reply)
{
	const char *to = heir->is_team ? heir->team.name : heir->email;
	struct store_txn *txn = app_change_begin(r);
	char by[WHO_NAME], key[STORE_KEY_MAX + 1];
	json_t *app = heir_of_app(r, txn, heir);

	request_user(r, by, sizeof(by));
	store_put(txn, key_format(key, "app/%s", r->name), app);
	store_event(txn, r->name, "transfer", "given to %s%s by %s",
	    heir->is_team ? "the team " : "", to, by);
	log_info("api: app %s is given to %s by %s", request_app(r), to, by);
	if (reply == NULL)
		reply = model_app(r->api, r->name, app);
	json_decref(app);
	request_commit(r, txn, status, reply);
}

void
team_app_update(struct request *r)
{
	char err[PAAS_ERRLEN];
	struct heir heir;

	if (check_object(r->json, update_fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if (!may_leave(r) ||
	    heir_find(r, model_text(r->json, "owner"), &heir) == -1)
		return;
	give(r, &heir, MHD_HTTP_OK, NULL);
	if (heir.is_team)
		json_decref(heir.team.record);
}

/* ---- from one user to another ------------------------------------------ */

/* The app that the body names, if it is the asker's to give: 0, or -1. */
static int
transfer_find_app(struct request *r)
{
	const char *which = model_text(r->json, "app");
	enum role role = ROLE_NONE;

	json_decref(r->app);
	r->app = model_find_app(r->api, which, r->name, &r->app_rev);
	if (r->app != NULL)
		role = who_role_for(r->api, &r->who, r->name);
	if (role == ROLE_ADMIN)
		return 0;
	if (role == ROLE_NONE)
		respond_missing(r, "there is no app named %.60s", which);
	else
		respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden",
		    "you are %s of %s, and to give it away takes one who is "
		    "admin",
		    who_role(role), request_app(r));
	return -1;
}

static json_t *
transfer_shape(struct request *r, const struct heir *heir)
{
	char id[37];

	id_uuid(id);
	return json_pack("{s:s, s:o, s:o, s:{s:s, s:s}, s:s, s:o, s:o}", "id",
	    id, "app", model_app_ref(r->name, r->app), "owner",
	    model_app_owner(r->api->store, r->app), "recipient", "id", heir->id,
	    "email", heir->email, "state", "accepted", "created_at",
	    id_time(id_now()), "updated_at", id_time(id_now()));
}

void
app_transfer(struct request *r)
{
	char err[PAAS_ERRLEN];
	struct heir heir;

	if (check_object(r->json, transfer_fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if (transfer_find_app(r) == -1 || !may_leave(r) ||
	    heir_find(r, model_text(r->json, "recipient"), &heir) == -1)
		return;
	if (heir.is_team) {
		json_decref(heir.team.record);
		respond_invalid(r,
		    "recipient has to be the address of a user: PATCH "
		    "/teams/apps/APP gives an app to a team");
		return;
	}
	give(r, &heir, MHD_HTTP_CREATED, transfer_shape(r, &heir));
}
