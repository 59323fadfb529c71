/* ps:health: by what web processes are found ready. */
#include <string.h>

#include "cli/cli.h"

int
cmd_ps_health(struct cli *cli)
{
	const char *path = cli->words.nargs > 0 ? cli->words.args[0] : NULL;
	json_t *answer, *body = NULL;
	struct cli_text text;
	int rc;

	if (path == NULL)
		rc = cli_call(cli, "GET", NULL, &answer,
		    "/apps/%s/formation/web", cli->app);
	else if (strcmp(path, "port") == 0)
		rc = cli_call(cli, "DELETE", NULL, &answer,
		    "/apps/%s/formation/web/health", cli->app);
	else {
		body = json_pack("{s:s}", "path", path);
		rc = cli_call(cli, "PUT", body, &answer,
		    "/apps/%s/formation/web/health", cli->app);
	}
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, answer);
	path = cli_text(json_object_get(answer, "health"), "path", &text);
	if (path[0] == '/')
		out_line(&cli->out, "web of %s is checked by GET %s", cli->app,
		    path);
	else
		out_line(
		    &cli->out, "web of %s is checked by its port", cli->app);
	json_decref(answer);
	return EXIT_OK;
}
