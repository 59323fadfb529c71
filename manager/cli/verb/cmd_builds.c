/* builds, builds:cache:purge, builds:create, builds:info, builds:log. */
#include <bsd/stdlib.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/lines.h"

static enum out_colour
builds_colour(const char *status)
{
	if (strcmp(status, "succeeded") == 0)
		return OUT_GREEN;
	return strcmp(status, "failed") == 0 ? OUT_RED : OUT_YELLOW;
}

static int
builds_get(struct cli *cli, json_t **builds)
{
	return cli_call(cli, "GET", NULL, builds, "/apps/%s/builds", cli->app);
}

/* The newest-th one by time, whatever the order of the API. */
static const json_t *
builds_at(const json_t *builds, size_t newest)
{
	struct cli_text a, b;
	size_t n = json_array_size(builds);

	if (newest >= n)
		return NULL;
	if (strcmp(cli_text(json_array_get(builds, 0), "created_at", &a),
		cli_text(json_array_get(builds, n - 1), "created_at", &b)) > 0)
		return json_array_get(builds, newest);
	return json_array_get(builds, n - 1 - newest);
}

int
cmd_builds(struct cli *cli)
{
	static const struct table_column columns[] = {
	    {"ID", 0}, {"STATUS", 0}, {"WHEN", 0}, {"RELEASE", 0}, {0}};
	const char *given = cli->words.option[OPT_LIMIT], *bad = NULL;
	long long limit = 20, i;
	struct table *table;
	const json_t *one;
	json_t *builds;
	int rc;

	if (given != NULL)
		limit = strtonum(given, 1, 1000000, &bad);
	if (bad != NULL)
		return cli_usage(
		    cli, "--limit takes a number from 1 on, not '%s'", given);
	rc = builds_get(cli, &builds);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, builds);
	table = table_new(columns);
	for (i = 0; i < limit && (one = builds_at(builds, (size_t)i)) != NULL;
	     i++) {
		struct cli_text text, text2;
		const char *status = cli_text(one, "status", &text), *version;
		char ago[64];

		table_cell(table, OUT_NONE, "%s", cli_text(one, "id", &text2));
		table_cell(table, builds_colour(status), "%s", status);
		out_ago(ago, sizeof(ago), cli_text(one, "created_at", &text));
		table_cell(table, OUT_DIM, "%s", ago);
		version = cli_text(one, "release.version", &text);
		table_cell(
		    table, OUT_NONE, "%s%s", *version ? "v" : "", version);
	}
	table_print(table, &cli->out, "No builds yet: push first.");
	json_decref(builds);
	return EXIT_OK;
}

/* The id given, or that of the latest build; 0, or an exit status. */
static int
builds_id(struct cli *cli, char *id, size_t len)
{
	struct cli_text text;
	json_t *builds;
	int rc;

	if (cli->words.nargs > 0) {
		snprintf(id, len, "%s", cli->words.args[0]);
		return EXIT_OK;
	}
	if ((rc = builds_get(cli, &builds)) != EXIT_OK)
		return rc;
	snprintf(id, len, "%s", cli_text(builds_at(builds, 0), "id", &text));
	json_decref(builds);
	if (*id != '\0')
		return EXIT_OK;
	cli_error(cli, "%s has no build yet: push first", cli->app);
	return EXIT_REFUSED;
}

int
cmd_builds_info(struct cli *cli)
{
	static const struct {
		const char *label, *path;
	} lines[] = {{"Build", "id"}, {"Status", "status"}, {"Reason", "error"},
	    {"By", "user.email"}, {"Commit", "commit"},
	    {"Created", "created_at"}, {"Updated", "updated_at"},
	    {"Release", "release.version"}, {"Slug", "slug.id"}};
	struct cli_text text;
	const char *value;
	json_t *build;
	char id[128];
	size_t i;
	int rc;

	if ((rc = builds_id(cli, id, sizeof(id))) != EXIT_OK)
		return rc;
	rc = cli_call(
	    cli, "GET", NULL, &build, "/apps/%s/builds/%s", cli->app, id);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, build);
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		value = cli_text(build, lines[i].path, &text);
		if (*value != '\0')
			out_line(&cli->out, "%-8s %s", lines[i].label, value);
	}
	json_decref(build);
	return EXIT_OK;
}

int
cmd_builds_purge(struct cli *cli)
{
	json_t *reply;
	int rc;

	rc = cli_call(
	    cli, "DELETE", NULL, &reply, "/apps/%s/build-cache", cli->app);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, reply);
	json_decref(reply);
	out_line(&cli->out, "The build cache of %s is empty", cli->app);
	return EXIT_OK;
}

static int
builds_line(const char *text, size_t len, void *arg)
{
	struct cli *cli = arg;

	out_log(&cli->out, text, len);
	return 0;
}

static int
builds_sink(const char *data, size_t len, void *arg)
{
	return lines_feed(arg, data, len);
}

static int
builds_follow(struct cli *cli, const char *id)
{
	struct lines lines = {.line = builds_line, .arg = cli};
	char path[HTTP_PATH_MAX];
	struct http_call call = {
	    .method = "GET", .path = path, .sink = builds_sink, .arg = &lines};
	struct http_answer answer;
	enum http_result result;

	if (http_path(path, "/apps/%s/builds/%s/log", cli->app, id) == -1)
		return cli_usage(cli, "that is no id of a build");
	result = http_do(cli->http, &call, &answer);
	lines_end(&lines);
	if (result != HTTP_OK)
		return cli_failed(cli, result, &answer);
	return EXIT_OK;
}

int
cmd_builds_log(struct cli *cli)
{
	char id[128];
	int rc;

	if ((rc = builds_id(cli, id, sizeof(id))) != EXIT_OK)
		return rc;
	return builds_follow(cli, id);
}

/* How it ended, once its output has. */
static int
builds_end(struct cli *cli, const char *id)
{
	struct cli_text status, error;
	json_t *build;
	int rc;

	rc = cli_call(
	    cli, "GET", NULL, &build, "/apps/%s/builds/%s", cli->app, id);
	if (rc != EXIT_OK)
		return rc;
	if (strcmp(cli_text(build, "status", &status), "failed") == 0) {
		cli_error(cli, "%s", cli_text(build, "error", &error));
		rc = EXIT_REFUSED;
	}
	json_decref(build);
	return rc;
}

int
cmd_builds_create(struct cli *cli)
{
	struct cli_text text;
	json_t *body, *build;
	char id[128];
	int rc;

	body = json_pack("{s:{s:s}}", "source_blob", "url", cli->words.args[0]);
	rc = cli_call(cli, "POST", body, &build, "/apps/%s/builds", cli->app);
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	snprintf(id, sizeof(id), "%s", cli_text(build, "id", &text));
	if (cli->json)
		return cli_print_json(cli, build);
	json_decref(build);
	if (cli_has(cli, OPT_DETACH)) {
		out_line(&cli->out,
		    "Build %s is under way: paas builds:log %s -a %s", id, id,
		    cli->app);
		return EXIT_OK;
	}
	if ((rc = builds_follow(cli, id)) == EXIT_OK)
		rc = builds_end(cli, id);
	return rc;
}
