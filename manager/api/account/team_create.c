/*
 * POST /teams {"name", "overall_role"?}: a new team, whose first admin is who
 * makes it.
 */
#include <bsd/string.h>
#include <string.h>

#include "api/access/roles.h"
#include "api/access/team.h"
#include "api/account/team_change.h"
#include "api/http/check.h"
#include "api/http/id.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/model.h"
#include "api/verbs.h"
#include "common/log.h"
#include "store/keys.h"

static const struct check_field fields[] = {
    {"name", CHECK_STRING, CHECK_REQUIRED, 0, 0, key_app_valid, TEAM_NAME_FORM},
    {"overall_role", CHECK_STRING, 0, 0, 0, team_overall_valid,
	TEAM_OVERALL_FORM},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static int
team_count(const char *key, uint64_t rev, void *arg)
{
	(void)key, (void)rev;
	++*(int *)arg;
	return 0;
}

static int
create_has_room(struct request *r)
{
	int count = 0;

	(void)store_each_key(
	    r->api->store, "team/", "team/", team_count, &count);
	if (count >= TEAMS_MAX) {
		respond_conflict(
		    r, "there are %d teams already, which is the most", count);
		return 0;
	}
	if (r->who.id[0] == '\0' ||
	    roles_count_teams(r->api->roles, r->who.name) < USER_TEAMS_MAX)
		return 1;
	respond_conflict(r,
	    "you are a member of %d teams already, which is the most: paas "
	    "members:remove takes you out of one",
	    USER_TEAMS_MAX);
	return 0;
}

/* An administrator of the machine is no member: members:add makes one. */
static void
create_admin(struct request *r, struct store_txn *txn, const char *team)
{
	char key[STORE_KEY_MAX + 1];
	json_t *member;

	if (r->who.id[0] == '\0')
		return;
	member = team_member_new(r, r->who.id, ROLE_ADMIN);
	store_put_new(txn,
	    key_format(key, "teammember/%s/%s", team, r->who.name), member);
	json_decref(member);
}

void
team_create(struct request *r)
{
	const char *name, *overall;
	char by[WHO_NAME], err[PAAS_ERRLEN], key[STORE_KEY_MAX + 1];
	struct store_txn *txn;
	struct team team;
	json_t *reply;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	name = model_text(r->json, "name");
	overall = model_text(r->json, "overall_role");
	if (!team_name_free(r, name) || !team_overall_allowed(r) ||
	    !create_has_room(r))
		return;
	id_uuid(team.id);
	strlcpy(team.name, name, sizeof(team.name));
	request_user(r, by, sizeof(by));
	team.record = json_pack("{s:s, s:s, s:s, s:I, s:I}", "name", name,
	    "overall_role", overall[0] != '\0' ? overall : who_role(ROLE_NONE),
	    "by", by, "created", (json_int_t)id_now(), "updated",
	    (json_int_t)id_now());
	txn = store_begin(r->api->store);
	store_put_new(txn, key_format(key, "team/%s", team.id), team.record);
	team_name_take(txn, name, team.id);
	create_admin(r, txn, team.id);
	log_info("api: the team %s is made by %s", name, by);
	reply = model_team(r->api, &r->who, &team);
	/* It is not there yet, nor is who will be its admin. */
	if (r->who.id[0] != '\0')
		json_object_set_new(
		    reply, "role", json_string(who_role(ROLE_ADMIN)));
	json_decref(team.record);
	request_commit(r, txn, MHD_HTTP_CREATED, reply);
}
