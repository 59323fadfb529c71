/* sessions, sessions:end: browsers that are logged in to the console. */
#include "cli/cli.h"

int
cmd_sessions(struct cli *cli)
{
	static const struct table_column columns[] = {{"ID", 0}, {"USER", 0},
	    {"FROM", 0}, {"BEGUN", 0}, {"LAST USED", 0}, {"WITH", 0}, {0}};
	struct table *table;
	struct cli_text text;
	json_t *sessions, *session;
	char ago[64];
	size_t i;
	int rc;

	rc = cli_call(cli, "GET", NULL, &sessions, "/sessions");
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, sessions);
	table = table_new(columns);
	json_array_foreach (sessions, i, session) {
		table_cell(
		    table, OUT_NONE, "%s", cli_text(session, "id", &text));
		table_cell(table, OUT_NONE, "%s",
		    cli_text(session, "user.email", &text));
		table_cell(
		    table, OUT_NONE, "%s", cli_text(session, "address", &text));
		out_ago(
		    ago, sizeof(ago), cli_text(session, "created_at", &text));
		table_cell(table, OUT_DIM, "%s", ago);
		out_ago(
		    ago, sizeof(ago), cli_text(session, "last_used_at", &text));
		table_cell(table, OUT_DIM, "%s", ago);
		table_cell(table, OUT_NONE, "%s",
		    cli_text(session, "description", &text));
	}
	table_print(table, &cli->out, "No browser is logged in.");
	json_decref(sessions);
	return EXIT_OK;
}

int
cmd_sessions_end(struct cli *cli)
{
	json_t *session;
	int i, rc;

	for (i = 0; i < cli->words.nargs; i++) {
		rc = cli_call(cli, "DELETE", NULL, &session, "/sessions/%s",
		    cli->words.args[i]);
		if (rc != EXIT_OK)
			return rc;
		if (cli->json)
			(void)cli_print_json(cli, session);
		else {
			out_line(&cli->out, "The session %s has ended",
			    cli->words.args[i]);
			json_decref(session);
		}
	}
	return EXIT_OK;
}
