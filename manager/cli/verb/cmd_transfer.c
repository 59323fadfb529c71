/* apps:transfer. */
#include "cli/cli.h"

int
cmd_transfer(struct cli *cli)
{
	struct cli_text text;
	json_t *app, *body;
	int rc;

	body = json_pack("{s:s}", "owner", cli->words.args[0]);
	if (body == NULL)
		return cli_usage(cli, "the new owner is not text in UTF-8");
	rc = cli_call(cli, "PATCH", body, &app, "/teams/apps/%s", cli->app);
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, app);
	if (json_is_object(json_object_get(app, "team")))
		out_line(&cli->out, "%s is of the team %s now", cli->app,
		    cli_text(app, "team.name", &text));
	else
		out_line(&cli->out, "%s is of %s now", cli->app,
		    cli_text(app, "owner.email", &text));
	json_decref(app);
	return EXIT_OK;
}
