#include "api/access/team.h"

#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "api/access/roles.h"
#include "api/access/user.h"
#include "api/http/id.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/model.h"

/* ---- found ------------------------------------------------------------- */

int
team_get(struct api *api, const char *which, struct team *team)
{
	char key[STORE_KEY_MAX + 1];
	json_t *leads = NULL;

	if (!id_is_uuid(which)) {
		if (!key_app_valid(which))
			return -1;
		leads = store_get(
		    api->store, key_format(key, "teamname/%s", which), NULL);
		which = model_text(leads, "team");
	}
	strlcpy(team->id, which, sizeof(team->id));
	json_decref(leads);
	if (team->id[0] == '\0')
		return -1;
	team->record = store_get(
	    api->store, key_format(key, "team/%s", team->id), &team->rev);
	strlcpy(
	    team->name, model_text(team->record, "name"), sizeof(team->name));
	return team->record != NULL ? 0 : -1;
}

int
team_find(
    struct request *r, const char *which, enum role need, struct team *team)
{
	enum role role = ROLE_NONE;
	int there = team_get(r->api, which, team) == 0;

	if (there)
		role = who_role_in(r->api, &r->who, team->id);
	if (there && role >= need)
		return 0;
	if (role == ROLE_NONE)
		respond_missing(r,
		    "there is no team named %.60s: paas teams lists yours",
		    which);
	else
		respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden",
		    "you are %s in the team %s, and that takes one who is %s: "
		    "ask for paas members:set %s --team %s --role %s",
		    who_role(role), team->name, who_role(need), r->who.name,
		    team->name, who_role(need));
	if (there)
		json_decref(team->record);
	return -1;
}

int
team_allows(struct request *r, const char *which, enum role need)
{
	struct team team;

	if (r->who.app[0] != '\0') {
		respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden",
		    "this token is good for one app and nothing else");
		return 0;
	}
	if (team_find(r, which, need, &team) == -1)
		return 0;
	json_decref(team.record);
	return 1;
}

enum role
team_role_of(const struct request *r, const char *which)
{
	struct team team;

	if (team_get(r->api, which, &team) == -1)
		return ROLE_NONE;
	json_decref(team.record);
	return who_role_in(r->api, &r->who, team.id);
}

void
team_touch(struct store_txn *txn, const struct team *team)
{
	char key[STORE_KEY_MAX + 1];
	json_t *record = model_touch(team->record);

	store_if(txn, key_format(key, "team/%s", team->id), team->rev);
	store_put(txn, key, record);
	json_decref(record);
}

/* ---- shown ------------------------------------------------------------- */

static json_t *
team_of(struct store *store, json_t *app)
{
	const char *id = model_text(app, "team");
	char key[STORE_KEY_MAX + 1];

	return id[0] != '\0'
		   ? store_get(store, key_format(key, "team/%s", id), NULL)
		   : NULL;
}

json_t *
model_team_ref(struct store *store, json_t *app)
{
	json_t *ref, *team = team_of(store, app);

	if (team == NULL)
		return json_null();
	ref = json_pack("{s:s, s:s}", "id", model_text(app, "team"), "name",
	    model_text(team, "name"));
	json_decref(team);
	return ref;
}

json_t *
model_app_owner(struct store *store, json_t *app)
{
	const char *owner = model_text(app, "user");
	json_t *ref, *team = team_of(store, app);

	if (team == NULL)
		return model_user_ref(owner[0] != '\0' ? owner : "root",
		    model_text(app, "owner"));
	ref = json_pack("{s:s, s:s+}", "id", model_text(app, "team"), "email",
	    model_text(team, "name"), TEAM_OWNER_DOMAIN);
	json_decref(team);
	return ref;
}

json_t *
model_team(struct api *api, const struct who *who, const struct team *team)
{
	const char *overall = model_text(team->record, "overall_role");
	enum role own = roles_in(api->roles, who->name, who->id, team->id);

	return json_pack("{s:s, s:s, s:s, s:o, s:s, s:b, s:b, s:i, s:b, s:n, "
			 "s:n, s:o, s:o}",
	    "id", team->id, "name", team->name, "type", "team", "role",
	    own != ROLE_NONE ? json_string(who_role(own)) : json_null(),
	    "overall_role", overall[0] != '\0' ? overall : who_role(ROLE_NONE),
	    "default", 0, "credit_card_collections", 0, "membership_limit",
	    TEAM_MEMBERS_MAX, "provisioned_licenses", 0, "enterprise_account",
	    "identity_provider", "created_at",
	    id_time_of(team->record, "created"), "updated_at",
	    id_time_of(team->record, "updated"));
}
