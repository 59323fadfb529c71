/* access, access:add, access:update, access:remove: of users and of teams. */
#include <string.h>

#include "cli/cli.h"

/* Who is named by a field of it. */
static void
access_row(struct table *table, const char *before, const json_t *member,
    const char *field)
{
	struct cli_text text;
	char ago[64];

	table_cell(
	    table, OUT_NONE, "%s%s", before, cli_text(member, field, &text));
	table_cell(table, OUT_NONE, "%s", cli_text(member, "role", &text));
	out_ago(ago, sizeof(ago), cli_text(member, "created_at", &text));
	table_cell(table, OUT_DIM, "%s", ago);
}

/*
 * The members of the team that the app is of, each with the role that they have
 * for it by that.  Who is a collaborator only is not told of them, as with
 * Heroku: NULL.
 */
static json_t *
access_members(struct cli *cli, const char *team)
{
	char path[HTTP_PATH_MAX];
	struct http_call call = {.method = "GET", .path = path};
	struct http_answer answer;

	if (http_path(path, "/teams/%s/members", team) == -1 ||
	    http_do(cli->http, &call, &answer) != HTTP_OK)
		return NULL;
	return answer.json;
}

/* The team, then those of it. */
static void
access_team(struct cli *cli, struct table *table, const json_t *app)
{
	json_t *members, *member;
	struct cli_text team, text;
	size_t i;

	table_cell(
	    table, OUT_NONE, "team %s", cli_text(app, "team.name", &team));
	table_cell(table, OUT_NONE, "each as in the team");
	table_cell(table, OUT_DIM, "-");
	members = access_members(cli, cli_text(app, "team.name", &text));
	json_array_foreach (members, i, member)
		access_row(table, "  ", member, "user.email");
	json_decref(members);
}

int
cmd_access(struct cli *cli)
{
	static const struct table_column columns[] = {
	    {"WHO", 0}, {"ROLE", 0}, {"SINCE", 0}, {0}};
	json_t *members, *member, *teams, *app;
	struct table *table;
	size_t i;
	int rc;

	rc = cli_call(
	    cli, "GET", NULL, &members, "/apps/%s/collaborators", cli->app);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, members);
	rc = cli_call(cli, "GET", NULL, &teams, "/apps/%s/teams", cli->app);
	if (rc != EXIT_OK) {
		json_decref(members);
		return rc;
	}
	rc = cli_call(cli, "GET", NULL, &app, "/apps/%s", cli->app);
	if (rc != EXIT_OK) {
		json_decref(members);
		json_decref(teams);
		return rc;
	}
	table = table_new(columns);
	if (json_is_object(json_object_get(app, "team")))
		access_team(cli, table, app);
	json_array_foreach (members, i, member)
		access_row(table, "", member, "user.email");
	json_array_foreach (teams, i, member)
		access_row(table, "team ", member, "team.name");
	table_print(table, &cli->out,
	    "No collaborators: only those with a role for all apps.");
	json_decref(members);
	json_decref(teams);
	json_decref(app);
	return EXIT_OK;
}

/* Takes the collaborator. */
static int
access_show(struct cli *cli, json_t *member)
{
	struct cli_text email, text;

	if (cli->json)
		return cli_print_json(cli, member);
	out_line(&cli->out, "%s is %s of %s now",
	    cli_text(member, "user.email", &email),
	    cli_text(member, "role", &text), cli->app);
	json_decref(member);
	return EXIT_OK;
}

/* Whether it is about a team: 1, 0, or -1 after a complaint. */
static int
access_is_team(struct cli *cli)
{
	int team = cli_has(cli, OPT_TEAM);

	if (team == (cli->words.nargs > 0)) {
		(void)cli_usage(cli, team ? "a user or --team, one of them"
					  : "who? a user, or --team NAME");
		return -1;
	}
	return team;
}

static int
access_put_team(struct cli *cli, const char *role)
{
	struct cli_text text;
	json_t *body, *grant;
	int rc;

	body = json_pack("{s:s}", "role", role);
	if (body == NULL)
		return cli_usage(cli, "the role is not text in UTF-8");
	rc = cli_call(cli, "PUT", body, &grant, "/apps/%s/teams/%s", cli->app,
	    cli->words.option[OPT_TEAM]);
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, grant);
	out_line(&cli->out, "The team %s is %s of %s now",
	    cli->words.option[OPT_TEAM], cli_text(grant, "role", &text),
	    cli->app);
	json_decref(grant);
	return EXIT_OK;
}

/* Adds, or changes the role of somebody who is there. */
int
cmd_access_add(struct cli *cli)
{
	const char *role = cli->words.option[OPT_ROLE];
	json_t *body, *member;
	int rc, team;

	if ((team = access_is_team(cli)) == -1)
		return EXIT_USAGE;
	if (role == NULL)
		role = "deployer";
	if (team)
		return access_put_team(cli, role);
	body =
	    json_pack("{s:s, s:s}", "user", cli->words.args[0], "role", role);
	if (body == NULL)
		return cli_usage(cli, "EMAIL is not text in UTF-8");
	rc = cli_call(
	    cli, "POST", body, &member, "/apps/%s/collaborators", cli->app);
	json_decref(body);
	return rc == EXIT_OK ? access_show(cli, member) : rc;
}

int
cmd_access_update(struct cli *cli)
{
	json_t *body, *member;
	int rc, team;

	if (!cli_has(cli, OPT_ROLE))
		return cli_usage(cli, "which role? --role viewer, deployer or "
				      "admin");
	if ((team = access_is_team(cli)) == -1)
		return EXIT_USAGE;
	if (team)
		return access_put_team(cli, cli->words.option[OPT_ROLE]);
	body = json_pack("{s:s}", "role", cli->words.option[OPT_ROLE]);
	if (body == NULL)
		return cli_usage(cli, "the role is not text in UTF-8");
	rc = cli_call(cli, "PATCH", body, &member, "/apps/%s/collaborators/%s",
	    cli->app, cli->words.args[0]);
	json_decref(body);
	return rc == EXIT_OK ? access_show(cli, member) : rc;
}

static int
access_remove_team(struct cli *cli)
{
	json_t *grant;
	int rc;

	rc = cli_call(cli, "DELETE", NULL, &grant, "/apps/%s/teams/%s",
	    cli->app, cli->words.option[OPT_TEAM]);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, grant);
	out_line(&cli->out, "The team %s has no role for %s any more",
	    cli->words.option[OPT_TEAM], cli->app);
	json_decref(grant);
	return EXIT_OK;
}

int
cmd_access_remove(struct cli *cli)
{
	struct cli_text text;
	json_t *member;
	int i, rc;

	if ((rc = access_is_team(cli)) != 0)
		return rc == -1 ? EXIT_USAGE : access_remove_team(cli);
	for (i = 0; i < cli->words.nargs; i++) {
		rc = cli_call(cli, "DELETE", NULL, &member,
		    "/apps/%s/collaborators/%s", cli->app, cli->words.args[i]);
		if (rc != EXIT_OK)
			return rc;
		if (cli->json)
			(void)cli_print_json(cli, member);
		else {
			out_line(&cli->out, "%s has no role for %s any more",
			    cli_text(member, "user.email", &text), cli->app);
			json_decref(member);
		}
	}
	return EXIT_OK;
}
