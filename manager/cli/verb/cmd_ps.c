/* ps, ps:scale, ps:restart, ps:stop. */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static enum out_colour
ps_colour(const char *status)
{
	static const struct {
		const char *status;
		enum out_colour colour;
	} colours[] = {
	    {"ready", OUT_GREEN},
	    {"running", OUT_GREEN},
	    {"created", OUT_YELLOW},
	    {"starting", OUT_YELLOW},
	    {"draining", OUT_YELLOW},
	    {"stopping", OUT_YELLOW},
	    {"unhealthy", OUT_RED},
	    {"backing off", OUT_RED},
	    {"crashed", OUT_RED},
	    {"failed", OUT_RED},
	    {"gone", OUT_DIM},
	    {"ended", OUT_DIM},
	};
	size_t i;

	for (i = 0; i < sizeof(colours) / sizeof(colours[0]); i++) {
		if (strcmp(status, colours[i].status) == 0)
			return colours[i].colour;
	}
	return OUT_NONE;
}

static void
ps_row(struct table *table, const json_t *dyno)
{
	struct cli_text a, b;
	const char *status = cli_text(dyno, "status", &a), *reason;
	char ago[64];

	table_cell(table, OUT_NONE, "%s", cli_text(dyno, "name", &b));
	table_cell(table, ps_colour(status), "%s", status);
	out_ago(ago, sizeof(ago), cli_text(dyno, "updated_at", &b));
	table_cell(table, OUT_DIM, "%s", ago);
	table_cell(
	    table, OUT_NONE, "v%s", cli_text(dyno, "release.version", &b));
	table_cell(table, OUT_NONE, "%lld", cli_int(dyno, "restarts"));
	table_cell(table, OUT_DIM, "%s", cli_text(dyno, "address", &b));
	reason = cli_text(dyno, "reason", &a);
	table_cell(table, *reason != '\0' ? OUT_RED : OUT_NONE, "%s",
	    *reason != '\0' ? reason : cli_text(dyno, "command", &b));
}

/* No web process may mean that the next request brings them back. */
static int
ps_asleep(struct cli *cli, const json_t *dynos)
{
	struct cli_text text;
	json_t *dyno, *sleep;
	char ago[64];
	size_t i;
	int rc;

	json_array_foreach (dynos, i, dyno) {
		if (strcmp(cli_text(dyno, "type", &text), "web") == 0)
			return EXIT_OK;
	}
	rc = cli_call(cli, "GET", NULL, &sleep, "/apps/%s/sleep", cli->app);
	if (rc != EXIT_OK)
		return rc;
	if (strcmp(cli_text(sleep, "state", &text), "asleep") == 0) {
		out_ago(
		    ago, sizeof(ago), cli_text(sleep, "asleep_since", &text));
		out_line(&cli->out,
		    "%s fell asleep %s: the next request wakes it", cli->app,
		    ago);
	}
	json_decref(sleep);
	return EXIT_OK;
}

int
cmd_ps(struct cli *cli)
{
	static const struct table_column columns[] = {{"NAME", 0}, {"STATE", 0},
	    {"SINCE", 0}, {"RELEASE", 0}, {"RESTARTS", 1}, {"ADDRESS", 0},
	    {"COMMAND", 0}, {0}};
	struct table *table;
	json_t *dynos, *dyno;
	size_t i;
	int rc;

	rc = cli_call(cli, "GET", NULL, &dynos, "/apps/%s/dynos", cli->app);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, dynos);
	table = table_new(columns);
	json_array_foreach (dynos, i, dyno)
		ps_row(table, dyno);
	table_print(table, &cli->out, "No process runs.");
	rc = ps_asleep(cli, dynos);
	json_decref(dynos);
	return rc;
}

static int
ps_show_formation(struct cli *cli, json_t *formation)
{
	static const struct table_column columns[] = {
	    {"TYPE", 0}, {"COUNT", 1}, {"COMMAND", 0}, {0}};
	struct table *table;
	struct cli_text text;
	json_t *type;
	size_t i;

	if (cli->json)
		return cli_print_json(cli, formation);
	table = table_new(columns);
	json_array_foreach (formation, i, type) {
		table_cell(
		    table, OUT_NONE, "%s", cli_text(type, "type", &text));
		table_cell(table, OUT_NONE, "%lld", cli_int(type, "quantity"));
		table_cell(
		    table, OUT_NONE, "%s", cli_text(type, "command", &text));
	}
	table_print(table, &cli->out, "Nothing to scale: push first.");
	json_decref(formation);
	return EXIT_OK;
}

static long long
ps_quantity(const json_t *formation, const char *type)
{
	struct cli_text text;
	json_t *one;
	size_t i;

	json_array_foreach (formation, i, one) {
		if (strcmp(cli_text(one, "type", &text), type) == 0)
			return cli_int(one, "quantity");
	}
	return 0;
}

/* "web=3", "web+1", "web-1" as an update; NULL after having complained. */
static json_t *
ps_update(struct cli *cli, const json_t *formation, const char *word)
{
	const char *bad = NULL, *p;
	size_t len = strcspn(word, "=+");
	long long count;
	char type[64];

	/* a type may have '-' in it: the last one before digits counts */
	if (word[len] == '\0' && (p = strrchr(word, '-')) != NULL &&
	    p[1 + strspn(p + 1, "0123456789")] == '\0')
		len = (size_t)(p - word);
	if (len == 0 || len >= sizeof(type) || word[len] == '\0') {
		cli_usage(cli, "'%s' is not TYPE=COUNT, as web=3", word);
		return NULL;
	}
	memcpy(type, word, len);
	type[len] = '\0';
	count = strtonum(word + len + 1, 0, 1000000000, &bad);
	if (bad != NULL) {
		cli_usage(cli, "%s: the count '%s' is not a number from 0 on",
		    type, word + len + 1);
		return NULL;
	}
	if (word[len] == '+')
		count += ps_quantity(formation, type);
	else if (word[len] == '-')
		count = ps_quantity(formation, type) - count;
	return json_pack("{s:s, s:I}", "type", type, "quantity",
	    (json_int_t)(count < 0 ? 0 : count));
}

int
cmd_ps_scale(struct cli *cli)
{
	json_t *formation, *updates, *update, *body;
	int i, rc;

	rc = cli_call(
	    cli, "GET", NULL, &formation, "/apps/%s/formation", cli->app);
	if (rc != EXIT_OK)
		return rc;
	if (cli->words.nargs == 0)
		return ps_show_formation(cli, formation);
	updates = json_array();
	for (i = 0; i < cli->words.nargs; i++) {
		update = ps_update(cli, formation, cli->words.args[i]);
		if (update == NULL)
			break;
		json_array_append_new(updates, update);
	}
	json_decref(formation);
	if (i < cli->words.nargs) {
		json_decref(updates);
		return EXIT_USAGE;
	}
	body = json_pack("{s:o}", "updates", updates);
	rc = cli_call(
	    cli, "PATCH", body, &formation, "/apps/%s/formation", cli->app);
	json_decref(body);
	return rc == EXIT_OK ? ps_show_formation(cli, formation) : rc;
}

static int
ps_done(struct cli *cli, json_t *answer, const char *done, const char *what)
{
	if (cli->json)
		return cli_print_json(
		    cli, answer != NULL ? answer : json_object());
	out_line(&cli->out, "%s %s of %s", done, what, cli->app);
	json_decref(answer);
	return EXIT_OK;
}

int
cmd_ps_restart(struct cli *cli)
{
	const char *name = cli->words.nargs > 0 ? cli->words.args[0] : NULL;
	json_t *answer;
	int rc;

	if (name != NULL)
		rc = cli_call(cli, "DELETE", NULL, &answer, "/apps/%s/dynos/%s",
		    cli->app, name);
	else
		rc = cli_call(
		    cli, "DELETE", NULL, &answer, "/apps/%s/dynos", cli->app);
	if (rc != EXIT_OK)
		return rc;
	return ps_done(
	    cli, answer, "Restarting", name != NULL ? name : "all processes");
}

int
cmd_ps_stop(struct cli *cli)
{
	const char *name = cli->words.args[0];
	json_t *answer;
	int rc;

	rc = cli_call(cli, "POST", NULL, &answer,
	    "/apps/%s/dynos/%s/actions/stop", cli->app, name);
	return rc == EXIT_OK ? ps_done(cli, answer, "Stopping", name) : rc;
}
