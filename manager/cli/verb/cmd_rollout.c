/* rollout, rollout:set, :unset, :promote, :abort. */
#include <string.h>

#include "cli/cli.h"

static const struct table_column rollout_columns[] = {{"PROCESS", 0},
    {"WANTED", 1}, {"READY", 1}, {"IN SERVICE", 1}, {"BEFORE", 1}, {0}};

static const char *const rollout_settings[] = {"strategy", "max_surge",
    "max_unavailable", "canary_weight", "deadline", "release_timeout"};

static const char *
rollout_said(const char *state)
{
	static const struct {
		const char *state, *text;
	} said[] = {{"none", "nothing was released yet"},
	    {"releasing", "its release process runs"},
	    {"raising", "a canary comes up"},
	    {"canary", "a canary is in service: rollout:promote it, or "
		       "rollout:abort"},
	    {"moving", "it takes over"}, {"live", "it is live"},
	    {"failed", "it failed"}};
	size_t i;

	for (i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		if (strcmp(said[i].state, state) == 0)
			return said[i].text;
	return state;
}

static void
rollout_show_processes(struct cli *cli, const json_t *rollout)
{
	struct table *table;
	struct cli_text text;
	json_t *one;
	size_t i;

	table = table_new(rollout_columns);
	json_array_foreach (json_object_get(rollout, "processes"), i, one) {
		table_cell(table, OUT_NONE, "%s", cli_text(one, "type", &text));
		table_cell(table, OUT_NONE, "%lld", cli_int(one, "quantity"));
		table_cell(table, OUT_NONE, "%lld", cli_int(one, "ready"));
		table_cell(table, OUT_NONE, "%lld", cli_int(one, "in_service"));
		table_cell(table, OUT_NONE, "%lld", cli_int(one, "before"));
	}
	table_print(table, &cli->out, "It has no processes.");
}

/* Takes the answer. */
static int
rollout_show(struct cli *cli, json_t *rollout)
{
	struct cli_text text;
	const char *state, *reason;
	size_t i;

	if (cli->json)
		return cli_print_json(cli, rollout);
	state = cli_text(rollout, "state", &text);
	if (cli_int(rollout, "target.version") != 0)
		out_line(&cli->out, "v%lld of %s: %s",
		    cli_int(rollout, "target.version"), cli->app,
		    rollout_said(state));
	else
		out_line(&cli->out, "%s: %s", cli->app, rollout_said(state));
	if (cli_int(rollout, "live.version") != 0 &&
	    cli_int(rollout, "live.version") !=
		cli_int(rollout, "target.version"))
		out_line(&cli->out, "v%lld is live",
		    cli_int(rollout, "live.version"));
	reason = cli_text(rollout, "reason", &text);
	if (*reason != '\0')
		out_line(&cli->out, "Why: %s", reason);
	rollout_show_processes(cli, rollout);
	for (i = 0; i < sizeof(rollout_settings) / sizeof(rollout_settings[0]);
	     i++)
		out_line(&cli->out, "%-16s %s", rollout_settings[i],
		    cli_text(rollout, rollout_settings[i], &text));
	json_decref(rollout);
	return EXIT_OK;
}

/* Takes the body, which may be NULL. */
static int
rollout_ask(struct cli *cli, const char *method, json_t *body)
{
	json_t *rollout;
	int rc;

	rc =
	    cli_call(cli, method, body, &rollout, "/apps/%s/rollout", cli->app);
	json_decref(body);
	return rc == EXIT_OK ? rollout_show(cli, rollout) : rc;
}

int
cmd_rollout(struct cli *cli)
{
	return rollout_ask(cli, "GET", NULL);
}

int
cmd_rollout_set(struct cli *cli)
{
	json_t *body = json_object();

	if (cli_settings(cli, body, 0) == -1)
		return EXIT_USAGE;
	return rollout_ask(cli, "PATCH", body);
}

int
cmd_rollout_unset(struct cli *cli)
{
	return rollout_ask(cli, "PATCH", cli_unset(cli));
}

/* Says what comes of it: the roll-out itself has yet to obey. */
static int
rollout_decide(struct cli *cli, const char *what, const char *said)
{
	json_t *rollout;
	int rc;

	rc = cli_call(
	    cli, "POST", NULL, &rollout, "/apps/%s/rollout/%s", cli->app, what);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, rollout);
	out_line(&cli->out, "v%lld of %s %s",
	    cli_int(rollout, "target.version"), cli->app, said);
	json_decref(rollout);
	return EXIT_OK;
}

int
cmd_rollout_promote(struct cli *cli)
{
	return rollout_decide(cli, "promote", "takes over");
}

int
cmd_rollout_abort(struct cli *cli)
{
	return rollout_decide(cli, "abort", "is given up");
}
