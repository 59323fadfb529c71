/* cron, cron:add, cron:remove: commands that run when they are due. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static void
cron_row(struct table *table, const json_t *entry)
{
	const json_t *last = json_object_get(entry, "last");
	struct cli_text text;
	const char *state;
	char ago[64];

	table_cell(table, OUT_NONE, "%lld", cli_int(entry, "id"));
	table_cell(table, OUT_NONE, "%s", cli_text(entry, "schedule", &text));
	table_cell(table, OUT_NONE, "%s", cli_text(entry, "next_at", &text));
	out_ago(ago, sizeof(ago), cli_text(entry, "last_at", &text));
	table_cell(table, OUT_DIM, "%s", ago[0] != '\0' ? ago : "never");
	state = cli_text(last, "reason", &text);
	if (*state == '\0')
		state = cli_text(last, "state", &text);
	table_cell(table,
	    strcmp(cli_text(last, "state", &(struct cli_text){0}), "crashed") ==
		    0
		? OUT_RED
		: OUT_NONE,
	    "%s", state);
	table_cell(table, OUT_NONE, "%s", cli_text(entry, "command", &text));
}

int
cmd_cron(struct cli *cli)
{
	static const struct table_column columns[] = {{"ID", 1},
	    {"SCHEDULE", 0}, {"NEXT (UTC)", 0}, {"LAST", 0}, {"RESULT", 0},
	    {"COMMAND", 0}, {0}};
	struct table *table;
	json_t *entries, *entry;
	size_t i;
	int rc;

	rc = cli_call(cli, "GET", NULL, &entries, "/apps/%s/cron", cli->app);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, entries);
	table = table_new(columns);
	json_array_foreach (entries, i, entry)
		cron_row(table, entry);
	table_print(
	    table, &cli->out, "No cron entries: `paas cron:add` adds one.");
	json_decref(entries);
	return EXIT_OK;
}

/* NULL after a complaint. */
static json_t *
cron_body(struct cli *cli)
{
	const char *ttl = cli->words.option[OPT_TTL];
	long long seconds = 0;
	char *command;
	json_t *body;

	if (ttl != NULL &&
	    (seconds = cli_seconds(cli, "time-to-live", ttl)) == -1)
		return NULL;
	if ((command = malloc(CLI_COMMAND_MAX)) == NULL ||
	    cli_command(cli, command, CLI_COMMAND_MAX, 1) == -1) {
		free(command);
		return NULL;
	}
	body = json_pack("{s:s, s:s, s:b}", "schedule", cli->words.args[0],
	    "command", command, "overlap", cli_has(cli, OPT_OVERLAP));
	free(command);
	if (body == NULL)
		(void)cli_usage(cli, "the command is not text in UTF-8");
	else if (seconds > 0)
		json_object_set_new(
		    body, "time_to_live", json_integer(seconds));
	return body;
}

int
cmd_cron_add(struct cli *cli)
{
	struct cli_text text;
	json_t *body, *entry;
	int rc;

	if ((body = cron_body(cli)) == NULL)
		return EXIT_USAGE;
	rc = cli_call(cli, "POST", body, &entry, "/apps/%s/cron", cli->app);
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, entry);
	out_line(&cli->out, "Entry %lld of %s runs next at %s",
	    cli_int(entry, "id"), cli->app, cli_text(entry, "next_at", &text));
	json_decref(entry);
	return EXIT_OK;
}

int
cmd_cron_remove(struct cli *cli)
{
	struct cli_text text;
	json_t *entry;
	int rc, i;

	for (i = 0; i < cli->words.nargs; i++) {
		rc = cli_call(cli, "DELETE", NULL, &entry, "/apps/%s/cron/%s",
		    cli->app, cli->words.args[i]);
		if (rc != EXIT_OK)
			return rc;
		if (cli->json)
			out_json(&cli->out, entry);
		else
			out_line(&cli->out, "Removed entry %lld of %s: %s",
			    cli_int(entry, "id"), cli->app,
			    cli_text(entry, "command", &text));
		json_decref(entry);
	}
	return EXIT_OK;
}
