/* logs:limits: what the log of an app may have in all. */
#include "cli/amount.h"
#include "cli/cli.h"

static enum amount
form_of(const char *name)
{
	(void)name;
	return AMOUNT_SIZE;
}

/* Takes the answer. */
static int
limits_show(struct cli *cli, json_t *limits)
{
	static const struct table_column columns[] = {
	    {"DISK", 1}, {"RATE", 1}, {0}};
	struct table *table;
	char value[32];

	if (cli->json)
		return cli_print_json(cli, limits);
	table = table_new(columns);
	amount_format(
	    value, sizeof(value), AMOUNT_SIZE, cli_int(limits, "disk"));
	table_cell(table, OUT_NONE, "%s", value);
	amount_format(
	    value, sizeof(value), AMOUNT_SIZE, cli_int(limits, "rate"));
	table_cell(table, OUT_NONE, "%s", value);
	table_print(table, &cli->out, "It has no limits.");
	json_decref(limits);
	return EXIT_OK;
}

int
cmd_logs_limits(struct cli *cli)
{
	json_t *limits, *body = json_object();
	int i, rc;

	for (i = 0; i < cli->words.nargs; i++) {
		if (amount_take(cli, body, cli->words.args[i], form_of) == -1) {
			json_decref(body);
			return EXIT_USAGE;
		}
	}
	rc = cli_call(cli, i > 0 ? "PATCH" : "GET", i > 0 ? body : NULL,
	    &limits, "/apps/%s/log-limits", cli->app);
	json_decref(body);
	return rc == EXIT_OK ? limits_show(cli, limits) : rc;
}
