/* access, access:add, access:remove. */
#include <string.h>

#include "cli/cli.h"

int
cmd_access(struct cli *cli)
{
	static const struct table_column columns[] = {
	    {"EMAIL", 0}, {"ROLE", 0}, {"SINCE", 0}, {0}};
	struct table *table;
	struct cli_text text;
	json_t *members, *member;
	char ago[64];
	size_t i;
	int rc;

	rc = cli_call(
	    cli, "GET", NULL, &members, "/apps/%s/collaborators", cli->app);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, members);
	table = table_new(columns);
	json_array_foreach (members, i, member) {
		table_cell(table, OUT_NONE, "%s",
		    cli_text(member, "user.email", &text));
		table_cell(
		    table, OUT_NONE, "%s", cli_text(member, "role", &text));
		out_ago(
		    ago, sizeof(ago), cli_text(member, "created_at", &text));
		table_cell(table, OUT_DIM, "%s", ago);
	}
	table_print(table, &cli->out,
	    "No collaborators: only those with a role for all apps.");
	json_decref(members);
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

/* Adds, or changes the role of somebody who is there. */
int
cmd_access_add(struct cli *cli)
{
	const char *role = cli->words.option[OPT_ROLE];
	json_t *body, *member;
	int rc;

	body = json_pack("{s:s, s:s}", "user", cli->words.args[0], "role",
	    role != NULL ? role : "deployer");
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
	int rc;

	if (!cli_has(cli, OPT_ROLE))
		return cli_usage(cli, "which role? --role viewer, deployer or "
				      "admin");
	body = json_pack("{s:s}", "role", cli->words.option[OPT_ROLE]);
	if (body == NULL)
		return cli_usage(cli, "the role is not text in UTF-8");
	rc = cli_call(cli, "PATCH", body, &member, "/apps/%s/collaborators/%s",
	    cli->app, cli->words.args[0]);
	json_decref(body);
	return rc == EXIT_OK ? access_show(cli, member) : rc;
}

int
cmd_access_remove(struct cli *cli)
{
	struct cli_text text;
	json_t *member;
	int i, rc;

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
