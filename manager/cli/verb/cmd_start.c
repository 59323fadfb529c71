/* start, stop, restart, maintenance: what concerns an app as a whole. */
#include "cli/cli.h"

static int
run_action(struct cli *cli, const char *action, const char *done)
{
	json_t *app;
	int rc;

	rc = cli_call(
	    cli, "POST", NULL, &app, "/apps/%s/actions/%s", cli->app, action);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, app);
	out_line(&cli->out, "%s %s", done, cli->app);
	json_decref(app);
	return EXIT_OK;
}

int
cmd_start(struct cli *cli)
{
	return run_action(cli, "start", "Starting");
}

int
cmd_stop(struct cli *cli)
{
	return run_action(cli, "stop", "Stopping");
}

int
cmd_restart(struct cli *cli)
{
	return run_action(cli, "restart", "Restarting");
}

int
cmd_maintenance(struct cli *cli)
{
	json_t *app;
	int rc;

	rc = cli_call(cli, "GET", NULL, &app, "/apps/%s", cli->app);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, app);
	out_line(&cli->out, "%s",
	    json_is_true(json_object_get(app, "maintenance")) ? "on" : "off");
	json_decref(app);
	return EXIT_OK;
}

static int
run_set_maintenance(struct cli *cli, int on)
{
	json_t *body, *app;
	int rc;

	body = json_pack("{s:b}", "maintenance", on);
	rc = cli_call(cli, "PATCH", body, &app, "/apps/%s", cli->app);
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, app);
	out_line(&cli->out, "Maintenance mode of %s is %s", cli->app,
	    on ? "on" : "off");
	json_decref(app);
	return EXIT_OK;
}

int
cmd_maintenance_on(struct cli *cli)
{
	return run_set_maintenance(cli, 1);
}

int
cmd_maintenance_off(struct cli *cli)
{
	return run_set_maintenance(cli, 0);
}
