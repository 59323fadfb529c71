/* timeline: what happened to an app, the latest last, and what happens now. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/lines.h"

/* Before it is asked again, once the manager has gone. */
#define AGAIN_SECONDS 1

struct timeline {
	struct cli *cli;
	char last[32]; /* the id of the last event, to go on behind it */
};

static int
timeline_line(const char *text, size_t len, void *arg)
{
	struct timeline *t = arg;
	struct cli_text at, kind, what;
	json_t *event;

	/* Nothing at all: it is still there. */
	while (len > 0 && *text == '\0')
		text++, len--;
	if (len == 0)
		return 0;
	if ((event = json_loadb(text, len, 0, NULL)) == NULL)
		return 0;
	/* A gap is told of as well, and has no id. */
	if (json_is_string(json_object_get(event, "id")))
		snprintf(
		    t->last, sizeof(t->last), "%s", cli_text(event, "id", &at));
	if (t->cli->json) {
		(void)json_dumpf(event, t->cli->out.file, JSON_COMPACT);
		fputc('\n', t->cli->out.file);
	} else {
		char line[1400];
		int n;

		fprintf(t->cli->out.file, "%s%.19s%s  ",
		    out_sgr(&t->cli->out, OUT_DIM), cli_text(event, "at", &at),
		    out_sgr(&t->cli->out, OUT_NONE));
		n = snprintf(line, sizeof(line), "%-10s  %s",
		    cli_text(event, "kind", &kind),
		    cli_text(event, "text", &what));
		out_log(&t->cli->out, line,
		    n < (int)sizeof(line) ? (size_t)n : sizeof(line) - 1);
	}
	json_decref(event);
	return 0;
}

static int
timeline_sink(const char *data, size_t len, void *arg)
{
	int rc = lines_feed(arg, data, len);

	fflush(stdout);
	return rc || ferror(stdout);
}

/* Goes on behind the last event if the manager went meanwhile. */
static int
timeline_follow(struct cli *cli, const char *limit)
{
	struct timeline t = {.cli = cli};
	char path[HTTP_PATH_MAX];
	struct http_answer answer;
	enum http_result result;

	for (;;) {
		struct lines lines = {.line = timeline_line, .arg = &t};
		struct http_call call = {.method = "GET",
		    .path = path,
		    .sink = timeline_sink,
		    .arg = &lines};

		if (http_path(path,
			"/apps/%s/timeline?follow=1&heartbeat=1&limit=%s"
			"&after=%s",
			cli->app, limit, t.last) == -1)
			return cli_usage(cli, "an argument is too long");
		result = http_do(cli->http, &call, &answer);
		lines_end(&lines);
		if (result == HTTP_OK)
			return EXIT_OK;
		if (t.last[0] == '\0' ||
		    (result != HTTP_BROKEN && result != HTTP_UNREACHABLE))
			return cli_failed(cli, result, &answer);
		sleep(AGAIN_SECONDS);
	}
}

static int
timeline_print(struct cli *cli, const char *limit)
{
	static const struct table_column columns[] = {
	    {"WHEN", 0}, {"KIND", 0}, {"WHAT", 0}, {0}};
	struct table *table;
	json_t *events, *event;
	size_t i;
	int rc;

	rc = cli_call(cli, "GET", NULL, &events, "/apps/%s/timeline?limit=%s",
	    cli->app, limit);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, events);
	table = table_new(columns);
	json_array_foreach (events, i, event) {
		struct cli_text text;

		table_cell(
		    table, OUT_DIM, "%.19s", cli_text(event, "at", &text));
		table_cell(
		    table, OUT_NONE, "%s", cli_text(event, "kind", &text));
		table_cell(
		    table, OUT_NONE, "%s", cli_text(event, "text", &text));
	}
	table_print(table, &cli->out, "Nothing has happened yet.");
	json_decref(events);
	return EXIT_OK;
}

int
cmd_timeline(struct cli *cli)
{
	const char *limit = cli_limit(cli);

	if (limit == NULL)
		return EXIT_USAGE;
	return cli_has(cli, OPT_FOLLOW) ? timeline_follow(cli, limit)
					: timeline_print(cli, limit);
}
