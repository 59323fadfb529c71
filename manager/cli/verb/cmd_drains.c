/* drains, drains:add, drains:remove. */
#include "cli/cli.h"

int
cmd_drains(struct cli *cli)
{
	static const struct table_column columns[] = {{"URL", 0}, {"TOKEN", 0},
	    {"ADDED", 0}, {"LOST", 0}, {"STATE", 0}, {0}};
	struct table *table;
	struct cli_text text;
	json_t *drains, *drain;
	char ago[64];
	size_t i;
	int rc;

	rc = cli_call(
	    cli, "GET", NULL, &drains, "/apps/%s/log-drains", cli->app);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, drains);
	table = table_new(columns);
	json_array_foreach (drains, i, drain) {
		out_ago(ago, sizeof(ago), cli_text(drain, "created_at", &text));
		table_cell(
		    table, OUT_NONE, "%s", cli_text(drain, "url", &text));
		table_cell(
		    table, OUT_DIM, "%s", cli_text(drain, "token", &text));
		table_cell(table, OUT_DIM, "%s", ago);
		table_cell(
		    table, OUT_NONE, "%lld", cli_int(drain, "status.lost"));
		table_cell(table, OUT_NONE, "%s",
		    cli_text(drain, "status.state", &text));
	}
	table_print(table, &cli->out, "No drains.");
	json_decref(drains);
	return EXIT_OK;
}

static int
drains_done(struct cli *cli, int rc, json_t *drain, const char *does)
{
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, drain);
	out_line(&cli->out, "the log of %s %s %s", cli->app, does,
	    cli->words.args[0]);
	json_decref(drain);
	return EXIT_OK;
}

int
cmd_drains_add(struct cli *cli)
{
	json_t *body, *drain;
	int rc;

	body = json_pack("{s:s}", "url", cli->words.args[0]);
	if (body == NULL)
		return cli_usage(cli, "a URL is text in ASCII");
	rc = cli_call(
	    cli, "POST", body, &drain, "/apps/%s/log-drains", cli->app);
	json_decref(body);
	return drains_done(cli, rc, drain, "goes to");
}

int
cmd_drains_remove(struct cli *cli)
{
	json_t *drain;
	int rc;

	rc = cli_call(cli, "DELETE", NULL, &drain, "/apps/%s/log-drains/%s",
	    cli->app, cli->words.args[0]);
	return drains_done(cli, rc, drain, "no longer goes to");
}
