/* apps:rename. */
#include <string.h>

#include "cli/app.h"
#include "cli/cli.h"

int
cmd_apps_rename(struct cli *cli)
{
	const char *name = cli->words.args[0];
	struct cli_text text;
	json_t *app, *body;
	int rc;

	if (!app_name_valid(name))
		return cli_usage(cli, "'%s' is no name of an app", name);
	body = json_pack("{s:s}", "name", name);
	rc = cli_call(cli, "PATCH", body, &app, "/apps/%s", cli->app);
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, app);
	out_line(&cli->out, "Renamed %s to %s", cli->app, name);
	out_line(
	    &cli->out, "It answers at %s", cli_text(app, "web_url", &text));
	out_line(&cli->out,
	    "A git remote and a " APP_FILE " have the old name still: paas "
	    "git:remote -a %s",
	    name);
	json_decref(app);
	return EXIT_OK;
}
