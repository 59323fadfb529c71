/* ps:limits: what each process of a type may use. */
#include <string.h>

#include "cli/amount.h"
#include "cli/cli.h"

static const struct {
	const char *name, *label;
	enum amount form;
} shown[] = {
    {"memory", "MEMORY", AMOUNT_SIZE},
    {"swap", "SWAP", AMOUNT_SIZE},
    {"disk", "DISK", AMOUNT_SIZE},
    {"cpu_weight", "CPU WEIGHT", AMOUNT_COUNT},
    {"cpu_quota", "CPU QUOTA", AMOUNT_PERCENT},
    {"pids", "PIDS", AMOUNT_COUNT},
    {"files", "FILES", AMOUNT_COUNT},
    {"log_rate", "LOG RATE", AMOUNT_SIZE},
};

#define SHOWN (sizeof(shown) / sizeof(shown[0]))

/* The form of a limit's value; one that is not known is a number. */
static enum amount
form_of(const char *name)
{
	size_t i;

	for (i = 0; i < SHOWN; i++) {
		if (strcmp(shown[i].name, name) == 0)
			return shown[i].form;
	}
	return AMOUNT_COUNT;
}

/* Takes the formation: a type, or a list of them. */
static int
limits_show(struct cli *cli, json_t *formation)
{
	struct table_column columns[SHOWN + 2] = {{"TYPE", 0}};
	struct cli_text text;
	struct table *table;
	json_t *type, *all;
	char value[32];
	size_t i, k;

	if (cli->json)
		return cli_print_json(cli, formation);
	for (k = 0; k < SHOWN; k++)
		columns[k + 1] = (struct table_column){shown[k].label, 1};
	columns[k + 1] = (struct table_column){0};
	all = json_is_array(formation) ? json_incref(formation)
				       : json_pack("[O]", formation);
	table = table_new(columns);
	json_array_foreach (all, i, type) {
		table_cell(
		    table, OUT_NONE, "%s", cli_text(type, "type", &text));
		for (k = 0; k < SHOWN; k++) {
			amount_format(value, sizeof(value), shown[k].form,
			    cli_int(json_object_get(type, "limits"),
				shown[k].name));
			table_cell(table, OUT_NONE, "%s", value);
		}
	}
	table_print(table, &cli->out, "Nothing has limits: push first.");
	json_decref(all);
	json_decref(formation);
	return EXIT_OK;
}

int
cmd_ps_limits(struct cli *cli)
{
	const char *type = cli->words.nargs > 0 ? cli->words.args[0] : NULL;
	json_t *answer, *body;
	int i, rc;

	if (cli->words.nargs < 2) {
		if (type == NULL)
			rc = cli_call(cli, "GET", NULL, &answer,
			    "/apps/%s/formation", cli->app);
		else
			rc = cli_call(cli, "GET", NULL, &answer,
			    "/apps/%s/formation/%s", cli->app, type);
		return rc == EXIT_OK ? limits_show(cli, answer) : rc;
	}
	body = json_object();
	for (i = 1; i < cli->words.nargs; i++) {
		if (amount_take(cli, body, cli->words.args[i], form_of) == -1) {
			json_decref(body);
			return EXIT_USAGE;
		}
	}
	rc = cli_call(cli, "PATCH", body, &answer,
	    "/apps/%s/formation/%s/limits", cli->app, type);
	json_decref(body);
	return rc == EXIT_OK ? limits_show(cli, answer) : rc;
}
