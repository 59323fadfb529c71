/* regions, stacks, buildpacks:known: what the platform has for any app. */
#include "cli/cli.h"

int
cmd_regions(struct cli *cli)
{
	static const struct table_column columns[] = {
	    {"REGION", 0}, {"DESCRIPTION", 0}, {0}};
	struct table *table;
	struct cli_text text;
	json_t *regions, *region;
	size_t i;
	int rc;

	rc = cli_call(cli, "GET", NULL, &regions, "/regions");
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, regions);
	table = table_new(columns);
	json_array_foreach (regions, i, region) {
		table_cell(
		    table, OUT_NONE, "%s", cli_text(region, "name", &text));
		table_cell(table, OUT_DIM, "%s",
		    cli_text(region, "description", &text));
	}
	table_print(table, &cli->out, "No regions.");
	json_decref(regions);
	return EXIT_OK;
}

int
cmd_stacks(struct cli *cli)
{
	static const struct table_column columns[] = {
	    {"STACK", 0}, {"STATE", 0}, {0}};
	struct table *table;
	struct cli_text text;
	json_t *stacks, *stack;
	size_t i;
	int rc;

	rc = cli_call(cli, "GET", NULL, &stacks, "/stacks");
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, stacks);
	table = table_new(columns);
	json_array_foreach (stacks, i, stack) {
		table_cell(
		    table, OUT_NONE, "%s", cli_text(stack, "name", &text));
		table_cell(
		    table, OUT_DIM, "%s", cli_text(stack, "state", &text));
	}
	table_print(table, &cli->out, "No stacks.");
	json_decref(stacks);
	return EXIT_OK;
}

int
cmd_buildpacks_known(struct cli *cli)
{
	static const struct table_column columns[] = {{"BUILDPACK", 0}, {0}};
	struct table *table;
	struct cli_text text;
	json_t *packs, *pack;
	size_t i;
	int rc;

	rc = cli_call(cli, "GET", NULL, &packs, "/buildpacks");
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, packs);
	table = table_new(columns);
	json_array_foreach (packs, i, pack)
		table_cell(
		    table, OUT_NONE, "%s", cli_text(pack, "name", &text));
	table_print(table, &cli->out, "No buildpacks: run `scripts/up`.");
	json_decref(packs);
	return EXIT_OK;
}
