#include "api/account/team_change.h"

#include <string.h>

#include "api/http/id.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/model.h"
#include "store/keys.h"

static const struct {
	const char *word;
	enum role role;
} words[] = {
    {"viewer", ROLE_VIEWER},
    {"deployer", ROLE_DEPLOYER},
    {"admin", ROLE_ADMIN},
    {"member", ROLE_DEPLOYER},
    {"owner", ROLE_ADMIN},
};

enum role
team_role(const char *word)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].role;
	return ROLE_NONE;
}

int
team_role_valid(const char *word)
{
	return team_role(word) != ROLE_NONE;
}

int
team_overall_valid(const char *word)
{
	enum role role;

	return who_parse_role(word, &role) == 0;
}

int
team_overall_allowed(struct request *r)
{
	if (json_object_get(r->json, "overall_role") == NULL ||
	    r->who.role == ROLE_ADMIN)
		return 1;
	respond_error(r, MHD_HTTP_FORBIDDEN, "forbidden",
	    "overall_role is for all apps: that takes somebody who is admin of "
	    "the platform");
	return 0;
}

/* Words of paths below /teams. */
static int
name_reserved(const char *name)
{
	return strcmp(name, "apps") == 0 || strcmp(name, "permissions") == 0 ||
	       key_app_reserved(name);
}

int
team_name_free(struct request *r, const char *name)
{
	char key[STORE_KEY_MAX + 1];
	json_t *leads;

	if (name_reserved(name)) {
		respond_invalid(r,
		    "name \"%s\" is reserved for the platform: choose another",
		    name);
		return 0;
	}
	leads = store_get(
	    r->api->store, key_format(key, "teamname/%s", name), NULL);
	json_decref(leads);
	if (leads != NULL)
		respond_invalid(
		    r, "name \"%s\" is already taken by a team", name);
	return leads == NULL;
}

void
team_name_take(struct store_txn *txn, const char *name, const char *team)
{
	json_t *leads = json_pack("{s:s}", "team", team);
	char key[STORE_KEY_MAX + 1];

	store_put_new(txn, key_format(key, "teamname/%s", name), leads);
	json_decref(leads);
}

json_t *
team_member_new(struct request *r, const char *owner, enum role role)
{
	char by[WHO_NAME], id[37];

	id_uuid(id);
	request_user(r, by, sizeof(by));
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "id", id, "owner",
	    owner, "role", who_role(role), "by", by, "created",
	    (json_int_t)id_now(), "updated", (json_int_t)id_now());
}
