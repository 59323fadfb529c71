/* patterns, patterns:add, patterns:remove. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/routes.h"

static const struct table_column patterns_columns[] = {{"PATTERN", 0},
    {"PATH", 0}, {"BALANCE", 0}, {"WEIGHT", 1}, {"ADDRESS", 0}, {0}};

static void
patterns_row(struct table *table, const json_t *pattern)
{
	struct cli_text text;
	char name[1024];

	snprintf(name, sizeof(name), "%lld %s", cli_int(pattern, "order"),
	    cli_text(pattern, "pattern", &text));
	routes_paths(table, name, json_object_get(pattern, "paths"));
}

int
cmd_patterns(struct cli *cli)
{
	struct table *table;
	json_t *list, *pattern;
	size_t i;
	int rc;

	rc = cli_call(cli, "GET", NULL, &list, "/patterns");
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, list);
	table = table_new(patterns_columns);
	json_array_foreach (list, i, pattern)
		patterns_row(table, pattern);
	table_print(table, &cli->out, "No patterns.");
	json_decref(list);
	return EXIT_OK;
}

int
cmd_patterns_add(struct cli *cli)
{
	json_t *body = routes_body(cli, 2), *pattern;
	struct table *table;
	int rc;

	if (body == NULL)
		return EXIT_USAGE;
	json_object_set_new(body, "pattern", json_string(cli->words.args[1]));
	rc = cli_call(
	    cli, "PUT", body, &pattern, "/patterns/%s", cli->words.args[0]);
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, pattern);
	table = table_new(patterns_columns);
	patterns_row(table, pattern);
	table_print(table, &cli->out, "The pattern leads nowhere.");
	json_decref(pattern);
	return EXIT_OK;
}

int
cmd_patterns_remove(struct cli *cli)
{
	json_t *pattern;
	int rc;

	rc = cli_call(
	    cli, "DELETE", NULL, &pattern, "/patterns/%s", cli->words.args[0]);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, pattern);
	out_line(
	    &cli->out, "Removed the pattern of order %s", cli->words.args[0]);
	json_decref(pattern);
	return EXIT_OK;
}
