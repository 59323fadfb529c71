/*
 * GET /teams: those that one is a member of, or all for who has a role for all
 * apps; GET /teams/TEAM: one of them.
 */
#include <bsd/string.h>

#include "api/access/team.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/model.h"
#include "api/verbs.h"
#include "store/keys.h"

struct list {
	struct request *request;
	json_t *teams;
};

static int
list_add(const char *key, json_t *leads, uint64_t rev, void *arg)
{
	struct list *list = arg;
	struct request *r = list->request;
	struct team team;

	(void)key, (void)rev;
	if (team_get(r->api, model_text(leads, "team"), &team) == -1)
		return 0;
	if (who_role_in(r->api, &r->who, team.id) != ROLE_NONE)
		json_array_append_new(
		    list->teams, model_team(r->api, &r->who, &team));
	json_decref(team.record);
	return 0;
}

/* By name. */
void
team_list(struct request *r)
{
	struct list list = {r, json_array()};

	(void)store_each(r->api->store, "teamname/", list_add, &list);
	respond_json(r, MHD_HTTP_OK, list.teams);
}

void
team_info(struct request *r)
{
	struct team team;

	if (team_find(r, r->params[0], ROLE_VIEWER, &team) == -1)
		return;
	respond_json(r, MHD_HTTP_OK, model_team(r->api, &r->who, &team));
	json_decref(team.record);
}
