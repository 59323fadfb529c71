/* logs: lines as they come, with colours for who says them. */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/events.h"
#include "cli/lines.h"

#define AGAIN_SECONDS 1

/*
 * "2026-11-22T12:00:00.123456+00:00 app[web.1]: text": the length of the part
 * up to "]: ", 0 if it is another kind of line.
 */
static size_t
logs_prefix(const char *text, size_t len, size_t *at)
{
	const char *blank = memchr(text, ' ', len), *end;

	if (blank == NULL)
		return 0;
	end = memmem(blank, len - (size_t)(blank - text), "]: ", 3);
	if (end == NULL || memchr(blank + 1, ' ', (size_t)(end - blank - 1)) ||
	    memchr(blank, '[', (size_t)(end - blank)) == NULL)
		return 0;
	*at = (size_t)(blank - text);
	return (size_t)(end - text) + 2;
}

static void
logs_print_json(struct cli *cli, const char *text, size_t len)
{
	size_t at = 0, prefix = logs_prefix(text, len, &at), name;
	const char *who = text + at + 1;
	char *clean, *dump;
	json_t *line = json_object();

	if (prefix > 0) {
		name = strcspn(who, "[");
		json_object_set_new(line, "at", json_stringn(text, at));
		json_object_set_new(line, "source", json_stringn(who, name));
		json_object_set_new(line, "ps",
		    json_stringn(who + name + 1, prefix - at - name - 4));
		prefix++;
	}
	clean = out_clean(text + prefix, len - prefix, OUT_TAB);
	json_object_set_new(line, "text", json_string(clean));
	dump = json_dumps(line, JSON_COMPACT);
	fprintf(cli->out.file, "%s\n", dump);
	free(dump);
	free(clean);
	json_decref(line);
}

static int
logs_line(const char *text, size_t len, void *arg)
{
	struct cli *cli = arg;
	size_t at = 0, prefix;

	if (cli->json) {
		logs_print_json(cli, text, len);
		return 0;
	}
	prefix = cli->out.colour ? logs_prefix(text, len, &at) : 0;
	if (prefix > 0) {
		char *head = out_clean(text, prefix, 0);

		fprintf(cli->out.file, "%s%s%s", out_sgr(&cli->out, OUT_DIM),
		    head, out_sgr(&cli->out, OUT_NONE));
		free(head);
	}
	out_log(&cli->out, text + prefix, len - prefix);
	return 0;
}

static int
logs_sink(const char *data, size_t len, void *arg)
{
	struct lines *lines = arg;
	int rc = lines_feed(lines, data, len);

	fflush(stdout);
	return rc || ferror(stdout);
}

/* Adds "&name=value" to a path; a switch that is not given adds nothing. */
static int
logs_query(char path[HTTP_PATH_MAX], const char *name, const char *value)
{
	char query[HTTP_PATH_MAX];

	if (value == NULL)
		return 0;
	if (http_path(query, "&%s=%s", name, value) == -1)
		return -1;
	return strlcat(path, query, HTTP_PATH_MAX) < HTTP_PATH_MAX ? 0 : -1;
}

/* "10m" as seconds; a time as it is: the API looks at it. */
static int
logs_since(struct cli *cli, char since[64])
{
	const char *word = cli->words.option[OPT_SINCE];
	long long seconds;

	since[0] = '\0';
	if (word == NULL)
		return 0;
	if (strchr(word, 'T') != NULL)
		return strlcpy(since, word, 64) < 64 ? 0 : -1;
	if ((seconds = cli_seconds(cli, "since", word)) == -1)
		return -1;
	snprintf(since, 64, "%lld", seconds);
	return 0;
}

static int
logs_path(struct cli *cli, char path[HTTP_PATH_MAX])
{
	const char *count = cli->words.option[OPT_LINES], *bad = NULL;
	int follow = cli_has(cli, OPT_FOLLOW);
	char since[64];

	if (count == NULL)
		count = cli_has(cli, OPT_SINCE) ? "1000000" : "100";
	strtonum(count, 1, 1000000, &bad);
	if (bad != NULL)
		return cli_usage(cli,
		    "--lines takes a number from 1 to 1000000, not '%s'",
		    count);
	if (logs_since(cli, since) == -1)
		return EXIT_USAGE;
	if (http_path(path, "/apps/%s/logs?lines=%s", cli->app, count) == -1 ||
	    logs_query(path, "follow", follow ? "1" : NULL) == -1 ||
	    logs_query(path, "ps", cli->words.option[OPT_PS]) == -1 ||
	    logs_query(path, "source", cli->words.option[OPT_SOURCE]) == -1 ||
	    logs_query(path, "since", *since != '\0' ? since : NULL) == -1 ||
	    logs_query(path, "filter", cli->words.option[OPT_FILTER]) == -1)
		return cli_usage(cli, "an argument is too long");
	return EXIT_OK;
}

/* ---- the log goes on ----------------------------------------------------- */

struct follow {
	struct cli *cli;
	struct events events;
	int there; /* it has been */
	int gone;  /* now, and that was said */
	int refused;
};

static int
follow_event(const char *name, const char *text, size_t len, void *arg)
{
	struct follow *f = arg;
	const char *why = "the log ends here";
	json_t *json;

	f->gone = 0;
	if (strcmp(name, "refused") == 0) {
		json = json_loadb(text, len, 0, NULL);
		(void)json_unpack(json, "{s?s}", "message", &why);
		cli_error(f->cli, "%s", why);
		json_decref(json);
		f->refused = 1;
		return -1;
	}
	return name[0] == '\0' ? logs_line(text, len, f->cli) : 0;
}

static int
follow_sink(const char *data, size_t len, void *arg)
{
	int rc = events_feed(arg, data, len);

	fflush(stdout);
	return rc || ferror(stdout);
}

/* That a manager is being started anew is no reason to end. */
static int
follow_is_passing(enum http_result result, const struct http_answer *answer)
{
	return result == HTTP_BROKEN || result == HTTP_UNREACHABLE ||
	       (result == HTTP_REFUSED && answer->status >= 502 &&
		   answer->status <= 504);
}

/* Behind the last line that came, as often as it takes. */
static int
logs_follow(struct cli *cli, const char *path)
{
	struct follow f = {.cli = cli, .events = {.event = follow_event}};
	struct http_call call = {.method = "GET",
	    .path = path,
	    .accept = EVENTS_TYPE,
	    .last_event = f.events.last,
	    .sink = follow_sink,
	    .arg = &f.events};
	struct http_answer answer;
	enum http_result result;

	f.events.arg = &f;
	for (;;) {
		result = http_do(cli->http, &call, &answer);
		events_end(&f.events);
		if (f.refused)
			return EXIT_REFUSED;
		if (result == HTTP_OK)
			return EXIT_OK;
		f.there |= answer.status == 200;
		if (!f.there || !follow_is_passing(result, &answer))
			return cli_failed(cli, result, &answer);
		if (!f.gone)
			cli_error(cli,
			    "%s; asking again until there is an answer",
			    answer.err);
		f.gone = 1;
		sleep(AGAIN_SECONDS);
	}
}

int
cmd_logs(struct cli *cli)
{
	struct lines lines = {.line = logs_line, .arg = cli};
	char path[HTTP_PATH_MAX];
	struct http_call call = {
	    .method = "GET", .path = path, .sink = logs_sink, .arg = &lines};
	struct http_answer answer;
	enum http_result result;
	int rc;

	if ((rc = logs_path(cli, path)) != EXIT_OK)
		return rc;
	if (cli_has(cli, OPT_FOLLOW))
		return logs_follow(cli, path);
	result = http_do(cli->http, &call, &answer);
	lines_end(&lines);
	if (result != HTTP_OK)
		return cli_failed(cli, result, &answer);
	return EXIT_OK;
}
