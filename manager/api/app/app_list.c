/*
 * GET /apps: those that one may see, by name; GET /apps?team=TEAM and
 * /teams/TEAM/apps: those of them that are of a team.
 */
#include <stdlib.h>
#include <string.h>

#include "api/access/roles.h"
#include "api/access/team.h"
#include "api/app/app_texts.h"
#include "api/http/range.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/server.h"
#include "api/verbs.h"

#define LIST_TEAM 64 /* bytes of ?team= */

struct list {
	struct request *request;
	const char *team; /* its id, or NULL */
	struct range_rows rows;
	size_t room;
};

static int
list_shows(const struct list *list, const char *name)
{
	struct request *r = list->request;

	return (list->team == NULL || strcmp(roles_team_of(r->api->roles, name),
					  list->team) == 0) &&
	       who_role_for(r->api, &r->who, name) != ROLE_NONE;
}

static void
list_add(const char *name, const void *row, void *arg)
{
	struct list *list = arg;
	const void **larger;

	if (!list_shows(list, name))
		return;
	if (list->rows.n == list->room) {
		list->room = list->room == 0 ? 1024 : list->room * 2;
		larger =
		    reallocarray(list->rows.rows, list->room, sizeof(*larger));
		if (larger == NULL)
			log_fatal("api: out of memory");
		list->rows.rows = larger;
	}
	list->rows.rows[list->rows.n++] = row;
}

static void
list_apps(struct request *r, const char *team)
{
	struct list list = {.request = r, .team = team};

	app_texts_describe(&list.rows);
	app_texts_each(r->api->app_texts, list_add, &list);
	respond_rows(r, &list.rows, app_texts_join, r->api->app_texts);
	free(list.rows.rows);
}

static void
list_of_team(struct request *r, const char *which)
{
	struct team team;

	if (team_find(r, which, ROLE_VIEWER, &team) == -1)
		return;
	json_decref(team.record);
	list_apps(r, team.id);
}

void
app_list(struct request *r)
{
	char buf[LIST_TEAM];
	const char *which = request_query(r, "team", buf, sizeof(buf));

	if (respond_given(r))
		return;
	if (which != NULL)
		list_of_team(r, which);
	else
		list_apps(r, NULL);
}

void
team_app_list(struct request *r)
{
	list_of_team(r, r->params[0]);
}
