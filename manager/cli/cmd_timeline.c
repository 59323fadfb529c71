/* timeline: what happened to an app, the latest last. */
#include "cli/cli.h"

int
cmd_timeline(struct cli *cli)
{
	static const struct table_column columns[] = {
	    {"WHEN", 0}, {"KIND", 0}, {"WHAT", 0}, {0}};
	const char *limit = cli_limit(cli);
	struct table *table;
	json_t *events, *event;
	size_t i;
	int rc;

	if (limit == NULL)
		return EXIT_USAGE;
	rc = cli_call(cli, "GET", NULL, &events, "/apps/%s/timeline?limit=%s",
	    cli->app, limit);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, events);
	table = table_new(columns);
	json_array_foreach (events, i, event) {
		struct cli_text text;

		table_cell(
		    table, OUT_DIM, "%.19s", cli_text(event, "at", &text));
		table_cell(
		    table, OUT_NONE, "%s", cli_text(event, "kind", &text));
		table_cell(
		    table, OUT_NONE, "%s", cli_text(event, "text", &text));
	}
	table_print(table, &cli->out, "Nothing has happened yet.");
	json_decref(events);
	return EXIT_OK;
}
