/* releases, releases:info, rollback. */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static enum out_colour
releases_colour(const char *status)
{
	if (strcmp(status, "failed") == 0)
		return OUT_RED;
	return strcmp(status, "pending") == 0 ? OUT_YELLOW : OUT_GREEN;
}

/* --limit as a number of rows; 0 for all, -1 after having complained. */
static long
releases_limit(struct cli *cli)
{
	const char *given = cli->words.option[OPT_LIMIT], *bad = NULL;
	long limit;

	if (given == NULL)
		return 0;
	limit = (long)strtonum(given, 1, 1000000, &bad);
	if (bad == NULL)
		return limit;
	cli_usage(cli, "--limit takes a number from 1 on, not '%s'", given);
	return -1;
}

/* All releases, in order of version whatever the API's is. */
static int
releases_get(struct cli *cli, json_t **releases)
{
	return cli_call(
	    cli, "GET", NULL, releases, "/apps/%s/releases", cli->app);
}

static const json_t *
releases_at(const json_t *releases, size_t newest)
{
	const json_t *one;
	size_t n = json_array_size(releases);

	if (newest >= n)
		return NULL;
	one = json_array_get(releases, 0);
	if (cli_int(one, "version") >
	    cli_int(json_array_get(releases, n - 1), "version"))
		return json_array_get(releases, newest);
	return json_array_get(releases, n - 1 - newest);
}

int
cmd_releases(struct cli *cli)
{
	static const struct table_column columns[] = {{"VERSION", 0},
	    {"STATUS", 0}, {"WHEN", 0}, {"BY", 0}, {"WHAT", 0}, {0}};
	struct table *table;
	const json_t *one;
	json_t *releases;
	long limit, i;
	int rc;

	if ((limit = releases_limit(cli)) == -1)
		return EXIT_USAGE;
	rc = releases_get(cli, &releases);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, releases);
	table = table_new(columns);
	for (i = 0; (limit == 0 || i < limit) &&
		    (one = releases_at(releases, (size_t)i)) != NULL;
	     i++) {
		struct cli_text text;
		const char *status = cli_text(one, "status", &text);
		char ago[64];

		table_cell(table, OUT_NONE, "v%lld", cli_int(one, "version"));
		table_cell(table, releases_colour(status), "%s%s", status,
		    json_is_true(json_object_get(one, "current")) ? " (current)"
								  : "");
		out_ago(ago, sizeof(ago), cli_text(one, "created_at", &text));
		table_cell(table, OUT_DIM, "%s", ago);
		table_cell(
		    table, OUT_NONE, "%s", cli_text(one, "user.email", &text));
		table_cell(
		    table, OUT_NONE, "%s", cli_text(one, "description", &text));
	}
	table_print(table, &cli->out, "No releases yet: push first.");
	json_decref(releases);
	return EXIT_OK;
}

/* The newest one that did well before the one that serves, or NULL. */
static const json_t *
releases_before(const json_t *releases)
{
	const json_t *one;
	int passed = 0;
	size_t i;

	for (i = 0; (one = releases_at(releases, i)) != NULL; i++) {
		struct cli_text text;

		if (passed &&
		    strcmp(cli_text(one, "status", &text), "succeeded") == 0)
			return one;
		passed |= json_is_true(json_object_get(one, "current"));
	}
	return NULL;
}

/*
 * "v3" or "3"; without an argument the latest release, or the one to go back
 * to.  NULL: told.
 */
static const char *
releases_version(struct cli *cli, int back, struct cli_text *text)
{
	const char *given = cli->words.nargs > 0 ? cli->words.args[0] : NULL;
	const char *found = NULL;
	const json_t *one;
	json_t *releases;

	if (given != NULL)
		return given[0] == 'v' ? given + 1 : given;
	if (releases_get(cli, &releases) != EXIT_OK)
		return NULL;
	one = back ? releases_before(releases) : releases_at(releases, 0);
	if (one != NULL) {
		snprintf(text->buf, sizeof(text->buf), "%lld",
		    cli_int(one, "version"));
		found = text->buf;
	} else
		cli_error(cli,
		    back ? "%s has no older release to go back to"
			 : "%s has no release yet: push first",
		    cli->app);
	json_decref(releases);
	return found;
}

/* Of one that failed: what the process that is to blame has said last. */
static void
releases_last_words(struct cli *cli, const json_t *release)
{
	const json_t *log = json_object_get(release, "log");
	struct cli_text text;
	json_t *line;
	size_t i;

	if (json_array_size(log) == 0)
		return;
	out_line(&cli->out,
	    "The last lines of %s:", cli_text(release, "process", &text));
	json_array_foreach (log, i, line) {
		out_line(&cli->out, "    %s", json_string_value(line));
	}
}

/* The names alone: values are secrets. */
static void
releases_config(struct cli *cli, const char *version)
{
	char names[512] = "";
	const char *name;
	json_t *config, *value;

	if (cli_call(cli, "GET", NULL, &config,
		"/apps/%s/releases/%s/config-vars", cli->app,
		version) != EXIT_OK)
		return;
	json_object_foreach (config, name, value) {
		if (names[0] != '\0')
			strlcat(names, ", ", sizeof(names));
		strlcat(names, name, sizeof(names));
	}
	out_line(
	    &cli->out, "%-8s %s", "Config", names[0] != '\0' ? names : "-");
	json_decref(config);
}

int
cmd_releases_info(struct cli *cli)
{
	static const struct {
		const char *label, *path;
	} lines[] = {{"Version", "version"}, {"Status", "status"},
	    {"Why", "reason"}, {"What", "description"}, {"By", "user.email"},
	    {"Created", "created_at"}, {"Updated", "updated_at"},
	    {"Commit", "commit"}, {"Slug", "slug.id"}, {"Id", "id"}};
	struct cli_text text;
	const char *version, *value;
	json_t *release;
	size_t i;
	int rc;

	version = releases_version(cli, 0, &text);
	if (version == NULL)
		return EXIT_REFUSED;
	rc = cli_call(cli, "GET", NULL, &release, "/apps/%s/releases/%s",
	    cli->app, version);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, release);
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		value = cli_text(release, lines[i].path, &text);
		if (*value != '\0' || strcmp(lines[i].path, "reason") != 0)
			out_line(&cli->out, "%-8s %s", lines[i].label,
			    *value != '\0' ? value : "-");
	}
	releases_config(cli, version);
	releases_last_words(cli, release);
	json_decref(release);
	return EXIT_OK;
}

int
cmd_rollback(struct cli *cli)
{
	struct cli_text text;
	const char *version;
	json_t *body, *release;
	int rc;

	version = releases_version(cli, 1, &text);
	if (version == NULL)
		return EXIT_REFUSED;
	body = json_pack("{s:s}", "release", version);
	if (body == NULL)
		return cli_usage(cli, "a version looks like v3");
	rc = cli_call(
	    cli, "POST", body, &release, "/apps/%s/releases", cli->app);
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, release);
	out_line(&cli->out, "v%lld of %s is what v%s was",
	    cli_int(release, "version"), cli->app, version);
	json_decref(release);
	return EXIT_OK;
}
