/* run, run:detached, ps:exec: commands beside the processes of an app. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/session.h"

/* How long the end of a process may take until the manager knows of it. */
#define LOST_TRIES 50
#define LOST_MS    100

/* What run, run:detached and ps:exec send; NULL after a complaint. */
static json_t *
run_body(struct cli *cli, int first)
{
	json_t *body, *env;
	char *command;

	if ((command = malloc(CLI_COMMAND_MAX)) == NULL ||
	    cli_command(cli, command, CLI_COMMAND_MAX, first) == -1 ||
	    (env = cli_env(cli, cli->words.option[OPT_ENV])) == NULL) {
		free(command);
		return NULL;
	}
	body = json_pack("{s:s, s:o}", "command",
	    first < cli->words.nargs ? command : "bash", "env", env);
	if (body == NULL)
		(void)cli_usage(cli, "the command is not text in UTF-8");
	free(command);
	return body;
}

static json_t *
run_body_timed(struct cli *cli)
{
	const char *ttl = cli->words.option[OPT_TTL];
	long long seconds = 0;
	json_t *body;

	if (ttl != NULL &&
	    (seconds = cli_seconds(cli, "time-to-live", ttl)) == -1)
		return NULL;
	body = run_body(cli, 0);
	if (body != NULL && seconds > 0)
		json_object_set_new(
		    body, "time_to_live", json_integer(seconds));
	return body;
}

/* The kind of terminal, as far as it is one. */
static int
run_terminal(struct cli *cli, json_t *body)
{
	json_t *env = json_object_get(body, "env");
	const char *term = getenv("TERM");
	int tty = session_tty(cli);

	if (!tty)
		json_object_set_new(body, "force_no_tty", json_true());
	else if (term != NULL && json_object_get(env, "TERM") == NULL)
		json_object_set_new(env, "TERM", json_string(term));
	return tty;
}

/* It ended without a word: the manager may know how. */
static int
run_lost(struct cli *cli, const char *name)
{
	struct cli_text text;
	const char *reason;
	json_t *dyno;
	int rc = EXIT_LOST, i;

	for (i = 0; i < LOST_TRIES; i++) {
		if (cli_call(cli, "GET", NULL, &dyno, "/apps/%s/dynos/%s",
			cli->app, name) != EXIT_OK)
			return EXIT_LOST;
		reason = cli_text(dyno, "reason", &text);
		if (*reason != '\0') {
			cli_error(cli, "%s: %s", name, reason);
			if (json_is_integer(
				json_object_get(dyno, "exit_status")))
				rc = (int)cli_int(dyno, "exit_status");
			json_decref(dyno);
			return rc;
		}
		json_decref(dyno);
		(void)poll(NULL, 0, LOST_MS);
	}
	cli_error(cli, "the connection to %s was lost", name);
	return rc;
}

int
cmd_run(struct cli *cli)
{
	char path[HTTP_PATH_MAX], name[64];
	struct cli_text text;
	json_t *body, *dyno;
	int rc, tty;

	if ((body = run_body_timed(cli)) == NULL)
		return EXIT_USAGE;
	json_object_set_new(body, "attach", json_true());
	tty = run_terminal(cli, body);
	rc = cli_call(cli, "POST", body, &dyno, "/apps/%s/dynos", cli->app);
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	snprintf(name, sizeof(name), "%s", cli_text(dyno, "name", &text));
	if (tty)
		out_line(&cli->err, "%s of %s runs: %s", name, cli->app,
		    cli_text(dyno, "command", &text));
	json_decref(dyno);
	if (http_path(path, "/apps/%s/dynos/%s/attach", cli->app, name) == -1)
		return EXIT_REFUSED;
	rc = session_lead(cli, "GET", path, NULL, tty);
	return rc == EXIT_LOST ? run_lost(cli, name) : rc;
}

/* "web.1" */
static int
is_process(const char *word)
{
	size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len > 0 && word[0] >= 'a' && word[len] == '.' &&
	       word[len + 1] != '\0' &&
	       word[len + 1 + strspn(word + len + 1, "0123456789")] == '\0';
}

int
cmd_ps_exec(struct cli *cli)
{
	char path[HTTP_PATH_MAX];
	const char *name = "web.1";
	json_t *body;
	int first = 0, rc, tty;

	if (cli->words.nargs > 0 && is_process(cli->words.args[0]))
		name = cli->words.args[first++];
	/* The command begins here, say those who know it from elsewhere. */
	if (first > 0 && first < cli->words.nargs &&
	    strcmp(cli->words.args[first], "--") == 0)
		first++;
	if ((body = run_body(cli, first)) == NULL)
		return EXIT_USAGE;
	tty = run_terminal(cli, body);
	if (http_path(path, "/apps/%s/dynos/%s/exec", cli->app, name) == -1)
		rc = cli_usage(cli, "an argument is too long");
	else
		rc = session_lead(cli, "POST", path, body, tty);
	json_decref(body);
	if (rc == EXIT_LOST)
		cli_error(cli, "the connection to %s was lost", name);
	return rc;
}

int
cmd_run_detached(struct cli *cli)
{
	struct cli_text text, name;
	json_t *body, *dyno;
	int rc;

	if ((body = run_body_timed(cli)) == NULL)
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
