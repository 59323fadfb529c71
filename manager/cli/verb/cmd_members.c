/* members, members:add, members:set, members:remove: of a team. */
#include <string.h>

#include "cli/cli.h"

/* --team; NULL after a complaint. */
static const char *
members_team(struct cli *cli)
{
	const char *team = cli->words.option[OPT_TEAM];

	if (team == NULL)
		(void)cli_usage(cli, "of which team? --team NAME");
	return team;
}

int
cmd_members(struct cli *cli)
{
	static const struct table_column columns[] = {
	    {"EMAIL", 0}, {"ROLE", 0}, {"SINCE", 0}, {0}};
	const char *team = members_team(cli);
	struct table *table;
	struct cli_text text;
	json_t *members, *member;
	char ago[64];
	size_t i;
	int rc;

	if (team == NULL)
		return EXIT_USAGE;
	rc = cli_call(cli, "GET", NULL, &members, "/teams/%s/members", team);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, members);
	table = table_new(columns);
	json_array_foreach (members, i, member) {
		table_cell(
		    table, OUT_NONE, "%s", cli_text(member, "email", &text));
		table_cell(
		    table, OUT_NONE, "%s", cli_text(member, "role", &text));
		out_ago(
		    ago, sizeof(ago), cli_text(member, "created_at", &text));
		table_cell(table, OUT_DIM, "%s", ago);
	}
	table_print(table, &cli->out,
	    "Nobody is in it: `paas members:add EMAIL --team NAME` adds one.");
	json_decref(members);
	return EXIT_OK;
}

static int
members_change(struct cli *cli, const char *method, const char *role)
{
	const char *team = members_team(cli);
	struct cli_text email, text;
	json_t *body, *member;
	int rc;

	if (team == NULL)
		return EXIT_USAGE;
	body =
	    json_pack("{s:s, s:s}", "email", cli->words.args[0], "role", role);
	if (body == NULL)
		return cli_usage(cli, "an argument is not text in UTF-8");
	rc = cli_call(cli, method, body, &member, "/teams/%s/members", team);
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, member);
	out_line(&cli->out, "%s is %s in the team %s now",
	    cli_text(member, "email", &email), cli_text(member, "role", &text),
	    team);
	json_decref(member);
	return EXIT_OK;
}

/* Adds, or changes the role of somebody who is in it. */
int
cmd_members_add(struct cli *cli)
{
	const char *role = cli->words.option[OPT_ROLE];

	return members_change(cli, "PUT", role != NULL ? role : "deployer");
}

int
cmd_members_set(struct cli *cli)
{
	const char *role = cli->words.option[OPT_ROLE];

	if (role == NULL)
		return cli_usage(cli, "which role? --role viewer, deployer or "
				      "admin");
	return members_change(cli, "PATCH", role);
}

int
cmd_members_remove(struct cli *cli)
{
	const char *team = members_team(cli);
	struct cli_text text;
	json_t *member;
	int i, rc;

	if (team == NULL)
		return EXIT_USAGE;
	for (i = 0; i < cli->words.nargs; i++) {
		rc = cli_call(cli, "DELETE", NULL, &member,
		    "/teams/%s/members/%s", team, cli->words.args[i]);
		if (rc != EXIT_OK)
			return rc;
		if (cli->json)
			(void)cli_print_json(cli, member);
		else {
			out_line(&cli->out, "%s is in the team %s no more",
			    cli_text(member, "email", &text), team);
			json_decref(member);
		}
	}
	return EXIT_OK;
}
