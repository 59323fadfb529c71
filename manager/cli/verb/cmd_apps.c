/* apps, apps:create, apps:info, apps:destroy. */
#include <bsd/readpassphrase.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/app.h"
#include "cli/cli.h"

/* "running", or what keeps it from it. */
static const char *
apps_state(const json_t *app)
{
	if (json_is_true(json_object_get(app, "stopped")))
		return "stopped";
	if (json_is_true(json_object_get(app, "maintenance")))
		return "maintenance";
	if (!json_is_string(json_object_get(app, "released_at")))
		return "nothing pushed yet";
	return "on";
}

int
cmd_apps(struct cli *cli)
{
	static const struct table_column columns[] = {
	    {"NAME", 0}, {"STATE", 0}, {"RELEASED", 0}, {"URL", 0}, {0}};
	struct table *table;
	struct cli_text text;
	json_t *apps, *app;
	char ago[64];
	size_t i;
	int rc;

	if (cli_has(cli, OPT_TEAM))
		rc = cli_call(cli, "GET", NULL, &apps, "/teams/%s/apps",
		    cli->words.option[OPT_TEAM]);
	else
		rc = cli_call(cli, "GET", NULL, &apps, "/apps");
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, apps);
	if (cli_has(cli, OPT_NAMES)) {
		json_array_foreach (apps, i, app)
			out_line(&cli->out, "%s", cli_text(app, "name", &text));
		json_decref(apps);
		return EXIT_OK;
	}
	table = table_new(columns);
	json_array_foreach (apps, i, app) {
		out_ago(ago, sizeof(ago), cli_text(app, "released_at", &text));
		table_cell(table, OUT_NONE, "%s", cli_text(app, "name", &text));
		table_cell(table, OUT_NONE, "%s", apps_state(app));
		table_cell(table, OUT_DIM, "%s", ago);
		table_cell(
		    table, OUT_NONE, "%s", cli_text(app, "web_url", &text));
	}
	table_print(table, &cli->out,
	    "There is no app yet: `paas push DIR -a NAME --create` makes one.");
	json_decref(apps);
	return EXIT_OK;
}

int
cmd_apps_create(struct cli *cli)
{
	const char *name = cli->words.nargs > 0 ? cli->words.args[0] : NULL;
	struct cli_text text;
	json_t *body, *app;
	int rc;

	body = json_pack(
	    "{s:s*, s:s*}", "name", name, "team", cli->words.option[OPT_TEAM]);
	if (body == NULL)
		return cli_usage(cli, "a name is text in UTF-8");
	rc = cli_call(cli, "POST", body, &app, "/apps");
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	name = cli_text(app, "name", &text);
	if (cli_has(cli, OPT_HERE)) {
		rc = app_remember(".", name);
		if (rc == -1)
			cli_error(cli, "cannot write " APP_FILE " here: %m");
		else if (rc == 0)
			cli_error(cli, APP_FILE " is there already and was "
						"left as it is");
	}
	if (cli->json)
		return cli_print_json(cli, app);
	out_line(&cli->out, "Created %s", name);
	out_line(&cli->out, "Push to it with: paas push%s%s",
	    cli_has(cli, OPT_HERE) ? "" : " -a ",
	    cli_has(cli, OPT_HERE) ? "" : name);
	json_decref(app);
	return EXIT_OK;
}

/* The name as an argument, or as every other verb has it. */
static int
apps_take_name(struct cli *cli)
{
	const char *name = cli->words.nargs > 0 ? cli->words.args[0] : NULL;

	if (name == NULL)
		return EXIT_OK;
	if (cli_has(cli, OPT_APP) &&
	    strcmp(name, cli->words.option[OPT_APP]) != 0)
		return cli_usage(cli, "two apps are named: %s and %s", name,
		    cli->words.option[OPT_APP]);
	if (!app_name_valid(name))
		return cli_usage(cli, "'%s' is no name of an app", name);
	snprintf(cli->app, sizeof(cli->app), "%s", name);
	return EXIT_OK;
}

int
cmd_apps_info(struct cli *cli)
{
	static const struct {
		const char *label, *path;
	} lines[] = {{"URL", "web_url"}, {"Team", "team.name"},
	    {"Created", "created_at"}, {"Released", "released_at"},
	    {"Stack", "stack.name"}, {"Id", "id"}};
	struct cli_text text;
	const char *value;
	json_t *app;
	size_t i;
	int rc;

	if ((rc = apps_take_name(cli)) != EXIT_OK)
		return rc;
	rc = cli_call(cli, "GET", NULL, &app, "/apps/%s", cli->app);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, app);
	out_line(&cli->out, "%-9s %s", "App", cli_text(app, "name", &text));
	out_line(&cli->out, "%-9s %s", "State", apps_state(app));
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		value = cli_text(app, lines[i].path, &text);
		out_line(&cli->out, "%-9s %s", lines[i].label,
		    *value != '\0' ? value : "-");
	}
	json_decref(app);
	return EXIT_OK;
}

/* --confirm, or typed on the terminal. */
static int
apps_confirm(struct cli *cli)
{
	const char *given = cli->words.option[OPT_CONFIRM];
	char typed[64];

	if (given == NULL && isatty(STDIN_FILENO) && cli->err.tty) {
		out_line(&cli->err,
		    "This removes %s with its releases, logs and domains.",
		    cli->app);
		if (readpassphrase("Type its name to go on: ", typed,
			sizeof(typed), RPP_ECHO_ON) == NULL)
			return -1;
		given = typed;
	}
	if (given == NULL) {
		cli_usage(cli, "%s is not removed: add --confirm %s", cli->app,
		    cli->app);
		return -1;
	}
	if (strcmp(given, cli->app) != 0) {
		cli_usage(cli, "%s is not removed: '%s' is another name",
		    cli->app, given);
		return -1;
	}
	return 0;
}

int
cmd_apps_destroy(struct cli *cli)
{
	json_t *app;
	int rc;

	if ((rc = apps_take_name(cli)) != EXIT_OK)
		return rc;
	if (apps_confirm(cli) == -1)
		return EXIT_USAGE;
	rc = cli_call(cli, "DELETE", NULL, &app, "/apps/%s", cli->app);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, app);
	out_line(&cli->out, "Removed %s", cli->app);
	json_decref(app);
	return EXIT_OK;
}
