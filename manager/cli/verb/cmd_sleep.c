/* sleep, sleep:set, sleep:off: apps that nobody asks for. */
#include <string.h>

#include "cli/cli.h"

/* Takes the answer. */
static int
sleep_show(struct cli *cli, json_t *sleep)
{
	struct cli_text text;
	const char *state, *all;
	char ago[64];

	if (cli->json)
		return cli_print_json(cli, sleep);
	state = cli_text(sleep, "state", &text);
	all = json_is_true(json_object_get(sleep, "all")) ? "all" : "web";
	if (strcmp(state, "off") == 0)
		out_line(&cli->out, "%s does not sleep", cli->app);
	else
		out_line(&cli->out,
		    "%s is %s; its %s processes sleep after %lld s without a "
		    "request",
		    cli->app, state, all, cli_int(sleep, "after"));
	if (strcmp(state, "asleep") == 0) {
		out_ago(
		    ago, sizeof(ago), cli_text(sleep, "asleep_since", &text));
		out_line(&cli->out, "It has slept since %s", ago);
	}
	json_decref(sleep);
	return EXIT_OK;
}

/* Takes the body, which may be NULL. */
static int
sleep_ask(struct cli *cli, const char *method, json_t *body)
{
	json_t *sleep;
	int rc;

	rc = cli_call(cli, method, body, &sleep, "/apps/%s/sleep", cli->app);
	json_decref(body);
	return rc == EXIT_OK ? sleep_show(cli, sleep) : rc;
}

int
cmd_sleep(struct cli *cli)
{
	return sleep_ask(cli, "GET", NULL);
}

int
cmd_sleep_set(struct cli *cli)
{
	json_t *body = json_object();

	if (cli_settings(cli, body, 0) == -1)
		return EXIT_USAGE;
	return sleep_ask(cli, "PUT", body);
}

int
cmd_sleep_off(struct cli *cli)
{
	return sleep_ask(cli, "DELETE", NULL);
}
