/* autoscale, autoscale:set, autoscale:off: as many web processes as needed. */
#include <string.h>

#include "cli/cli.h"

/* Takes the answer. */
static int
autoscale_show(struct cli *cli, json_t *scale)
{
	struct cli_text text;
	const char *reason;

	if (cli->json)
		return cli_print_json(cli, scale);
	if (!json_is_true(json_object_get(scale, "on"))) {
		out_line(&cli->out, "web of %s is scaled by hand, to %lld",
		    cli->app, cli_int(scale, "quantity"));
		json_decref(scale);
		return EXIT_OK;
	}
	out_line(&cli->out, "web of %s is scaled by its load, now to %lld",
	    cli->app, cli_int(scale, "quantity"));
	out_line(&cli->out, "%-12s %lld to %lld", "between",
	    cli_int(scale, "min"), cli_int(scale, "max"));
	if (cli_int(scale, "concurrency") > 0)
		out_line(&cli->out, "%-12s %lld requests at once an instance",
		    "concurrency", cli_int(scale, "concurrency"));
	if (cli_int(scale, "p95") > 0)
		out_line(
		    &cli->out, "%-12s %lld ms", "p95", cli_int(scale, "p95"));
	out_line(&cli->out, "%-12s %lld s", "window", cli_int(scale, "window"));
	reason = cli_text(scale, "reason", &text);
	if (*reason != '\0')
		out_line(&cli->out, "Last change: %s", reason);
	json_decref(scale);
	return EXIT_OK;
}

/* Takes the body, which may be NULL. */
static int
autoscale_ask(struct cli *cli, const char *method, json_t *body)
{
	json_t *scale;
	int rc;

	rc = cli_call(cli, method, body, &scale,
	    "/apps/%s/formation/web/autoscale", cli->app);
	json_decref(body);
	return rc == EXIT_OK ? autoscale_show(cli, scale) : rc;
}

int
cmd_autoscale(struct cli *cli)
{
	return autoscale_ask(cli, "GET", NULL);
}

int
cmd_autoscale_set(struct cli *cli)
{
	json_t *body = json_object();
	/* The only type that there is a load of. */
	int named =
	    cli->words.nargs > 0 && strcmp(cli->words.args[0], "web") == 0;

	if (cli_settings(cli, body, named) == -1)
		return EXIT_USAGE;
	return autoscale_ask(cli, "PUT", body);
}

int
cmd_autoscale_off(struct cli *cli)
{
	return autoscale_ask(cli, "DELETE", NULL);
}
