/* teams, teams:create, teams:info, teams:set, teams:destroy. */
#include <string.h>

#include "cli/cli.h"

/* "none" of what Heroku's words call a member. */
static const char *
teams_overall(const json_t *team, struct cli_text *text)
{
	const char *role = cli_text(team, "overall_role", text);

	return strcmp(role, "member") == 0 ? "none" : role;
}

int
cmd_teams(struct cli *cli)
{
	static const struct table_column columns[] = {{"NAME", 0},
	    {"YOUR ROLE", 0}, {"FOR ALL APPS", 0}, {"CREATED", 0}, {0}};
	struct table *table;
	struct cli_text text;
	json_t *teams, *team;
	const char *role;
	char ago[64];
	size_t i;
	int rc;

	rc = cli_call(cli, "GET", NULL, &teams, "/teams");
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, teams);
	table = table_new(columns);
	json_array_foreach (teams, i, team) {
		table_cell(
		    table, OUT_NONE, "%s", cli_text(team, "name", &text));
		role = cli_text(team, "role", &text);
		table_cell(
		    table, OUT_NONE, "%s", *role != '\0' ? role : "none");
		table_cell(table, OUT_NONE, "%s", teams_overall(team, &text));
		out_ago(ago, sizeof(ago), cli_text(team, "created_at", &text));
		table_cell(table, OUT_DIM, "%s", ago);
	}
	table_print(table, &cli->out,
	    "You are in no team: `paas teams:create NAME` makes one.");
	json_decref(teams);
	return EXIT_OK;
}

/* NULL after a complaint. */
static json_t *
teams_body(struct cli *cli, const char *name)
{
	json_t *body;

	body = json_pack("{s:s*, s:s*}", "name", name, "overall_role",
	    cli->words.option[OPT_ROLE]);
	if (body == NULL)
		(void)cli_usage(cli, "an argument is not text in UTF-8");
	return body;
}

int
cmd_teams_create(struct cli *cli)
{
	struct cli_text text;
	json_t *body, *team;
	const char *name;
	int rc;

	if ((body = teams_body(cli, cli->words.args[0])) == NULL)
		return EXIT_USAGE;
	rc = cli_call(cli, "POST", body, &team, "/teams");
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, team);
	name = cli_text(team, "name", &text);
	out_line(&cli->out, "Created the team %s", name);
	out_line(&cli->out,
	    "Add to it with: paas members:add EMAIL --team %s --role deployer",
	    name);
	json_decref(team);
	return EXIT_OK;
}

/* One a line, by a field of each, with the label before the first. */
static int
teams_names(struct cli *cli, const char *label, const char *what,
    const char *field, const char *role)
{
	struct cli_text text, more;
	json_t *list, *one;
	size_t i;
	int rc;

	rc = cli_call(
	    cli, "GET", NULL, &list, "/teams/%s/%s", cli->words.args[0], what);
	if (rc != EXIT_OK)
		return rc;
	if (json_array_size(list) == 0)
		out_line(&cli->out, "%-9s none", label);
	json_array_foreach (list, i, one)
		out_line(&cli->out, "%-9s %s%s%s", i == 0 ? label : "",
		    cli_text(one, field, &text), role != NULL ? ", " : "",
		    role != NULL ? cli_text(one, role, &more) : "");
	json_decref(list);
	return EXIT_OK;
}

int
cmd_teams_info(struct cli *cli)
{
	struct cli_text text;
	json_t *team;
	int rc;

	rc = cli_call(cli, "GET", NULL, &team, "/teams/%s", cli->words.args[0]);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, team);
	out_line(&cli->out, "%-9s %s", "Team", cli_text(team, "name", &text));
	out_line(&cli->out, "%-9s %s", "All apps", teams_overall(team, &text));
	out_line(&cli->out, "%-9s %s", "Created",
	    cli_text(team, "created_at", &text));
	out_line(&cli->out, "%-9s %s", "Id", cli_text(team, "id", &text));
	json_decref(team);
	rc = teams_names(cli, "Members", "members", "email", "role");
	if (rc == EXIT_OK)
		rc = teams_names(cli, "Apps", "apps", "name", NULL);
	return rc;
}

int
cmd_teams_set(struct cli *cli)
{
	struct cli_text name, text;
	json_t *body, *team;
	int rc;

	if ((body = teams_body(cli, cli->words.option[OPT_NAME])) == NULL)
		return EXIT_USAGE;
	if (json_object_size(body) == 0) {
		json_decref(body);
		return cli_usage(cli, "what is to be set? --name or --role");
	}
	rc = cli_call(
	    cli, "PATCH", body, &team, "/teams/%s", cli->words.args[0]);
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, team);
	out_line(&cli->out, "The team %s has the role for all apps: %s",
	    cli_text(team, "name", &name), teams_overall(team, &text));
	json_decref(team);
	return EXIT_OK;
}

int
cmd_teams_destroy(struct cli *cli)
{
	const char *given = cli->words.option[OPT_CONFIRM];
	const char *name = cli->words.args[0];
	struct cli_text text;
	json_t *team;
	int rc;

	if (given == NULL || strcmp(given, name) != 0)
		return cli_usage(cli,
		    "the team %s is not removed: add --confirm %s", name, name);
	rc = cli_call(cli, "DELETE", NULL, &team, "/teams/%s", name);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, team);
	out_line(
	    &cli->out, "Removed the team %s", cli_text(team, "name", &text));
	json_decref(team);
	return EXIT_OK;
}
