/* run, run:detached: commands beside the processes of an app. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* The body of POST /dynos; NULL after a complaint. */
static json_t *
run_body(struct cli *cli)
{
	const char *ttl = cli->words.option[OPT_TTL];
	json_t *body, *env;
	long long seconds = 0;
	char *command;

	if (ttl != NULL &&
	    (seconds = cli_seconds(cli, "time-to-live", ttl)) == -1)
		return NULL;
	if ((command = malloc(CLI_COMMAND_MAX)) == NULL ||
	    cli_command(cli, command, CLI_COMMAND_MAX, 0) == -1 ||
	    (env = cli_env(cli, cli->words.option[OPT_ENV])) == NULL) {
		free(command);
		return NULL;
	}
	body = json_pack("{s:s, s:o}", "command", command, "env", env);
	if (body == NULL)
		(void)cli_usage(cli, "the command is not text in UTF-8");
	else if (seconds > 0)
		json_object_set_new(
		    body, "time_to_live", json_integer(seconds));
	free(command);
	return body;
}

int
cmd_run_detached(struct cli *cli)
{
	struct cli_text text, name;
	json_t *body, *dyno;
	int rc;

	if ((body = run_body(cli)) == NULL)
		return EXIT_USAGE;
	rc = cli_call(cli, "POST", body, &dyno, "/apps/%s/dynos", cli->app);
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, dyno);
	out_line(&cli->out, "%s of %s runs: %s", cli_text(dyno, "name", &name),
	    cli->app, cli_text(dyno, "command", &text));
	out_line(&cli->out, "follow it with: paas logs -f -p %s -a %s",
	    cli_text(dyno, "name", &name), cli->app);
	json_decref(dyno);
	return EXIT_OK;
}
