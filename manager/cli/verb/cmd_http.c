/* http, http:set, http:unset: how requests go to an app's web processes. */
#include <string.h>

#include "cli/cli.h"

static const struct table_column http_columns[] = {
    {"SETTING", 0}, {"VALUE", 0}, {0}};

static const char *
http_value(const json_t *value, struct cli_text *text)
{
	if (json_is_boolean(value))
		return json_is_true(value) ? "on" : "off";
	return json_is_null(value) ? "(none)" : cli_text(value, "", text);
}

/* Takes the answer. */
static int
http_show(struct cli *cli, json_t *settings)
{
	struct table *table;
	struct cli_text text;
	const char *name;
	json_t *value;

	if (cli->json)
		return cli_print_json(cli, settings);
	table = table_new(http_columns);
	json_object_foreach (settings, name, value) {
		table_cell(table, OUT_NONE, "%s", name);
		table_cell(table, OUT_NONE, "%s", http_value(value, &text));
	}
	table_print(table, &cli->out, "Nothing can be set.");
	json_decref(settings);
	return EXIT_OK;
}

/* Takes the body. */
static int
http_change(struct cli *cli, json_t *body)
{
	json_t *settings;
	int rc;

	rc = cli_call(cli, "PATCH", body, &settings, "/apps/%s/http", cli->app);
	json_decref(body);
	return rc == EXIT_OK ? http_show(cli, settings) : rc;
}

int
cmd_http(struct cli *cli)
{
	json_t *settings;
	int rc;

	rc = cli_call(cli, "GET", NULL, &settings, "/apps/%s/http", cli->app);
	return rc == EXIT_OK ? http_show(cli, settings) : rc;
}

int
cmd_http_set(struct cli *cli)
{
	json_t *body = json_object();

	if (cli_settings(cli, body, 0) == -1)
		return EXIT_USAGE;
	return http_change(cli, body);
}

int
cmd_http_unset(struct cli *cli)
{
	return http_change(cli, cli_unset(cli));
}
