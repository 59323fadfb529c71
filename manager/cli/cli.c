/*
 * What the handlers share: asking the manager, reading answers, complaining.
 */
#include <bsd/err.h>
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static void __attribute__((format(printf, 2, 0)))
cli_complain(struct cli *cli, const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) == -1)
		err(1, NULL);
	fflush(cli->out.file);
	out_line(&cli->err, "paas: %s", text);
	free(text);
}

void
cli_error(struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cli_complain(cli, fmt, ap);
	va_end(ap);
}

int
cli_usage(struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cli_complain(cli, fmt, ap);
	va_end(ap);
	if (cli->words.verb != NULL)
		out_line(&cli->err, "      see: paas %s --help",
		    cli->words.verb->name);
	else
		out_line(&cli->err, "      see: paas help");
	return EXIT_USAGE;
}

int
cli_mistyped(struct cli *cli, const char *word)
{
	const struct grammar_verb *near[3];
	size_t n, i;

	cli_error(cli, "there is no verb '%s'", word);
	n = grammar_suggest(word, near, 3);
	if (n > 0)
		out_line(&cli->err, "      did you mean:");
	for (i = 0; i < n; i++)
		out_line(&cli->err, "        paas %-16s %s", near[i]->name,
		    near[i]->help);
	out_line(&cli->err, "      see: paas help");
	return EXIT_USAGE;
}

/* An app that is not there may be one that is, mistyped. */
static void
suggest_app(struct cli *cli)
{
	struct http_call call = {.method = "GET", .path = "/apps"};
	const char *name, *best = NULL;
	struct http_answer answer;
	unsigned d, least = 64;
	struct cli_text text;
	json_t *app;
	size_t i;

	if (http_do(cli->http, &call, &answer) != HTTP_OK)
		return;
	json_array_foreach (answer.json, i, app) {
		name = cli_text(app, "name", &text);
		d = grammar_distance(cli->app, name);
		if (d < least) {
			least = d;
			best = name;
		}
	}
	if (best != NULL && least > 0 && grammar_is_near(cli->app, best))
		out_line(&cli->err, "      did you mean: %s", best);
	json_decref(answer.json);
}

int
cli_failed(
    struct cli *cli, enum http_result result, const struct http_answer *answer)
{
	if (result == HTTP_STOPPED)
		return EXIT_STOPPED;
	cli_error(cli, "%s", answer->err);
	if (answer->status == 404 && cli->app[0] != '\0' && cli->http != NULL)
		suggest_app(cli);
	return result == HTTP_UNREACHABLE ? EXIT_UNREACHABLE : EXIT_REFUSED;
}

int
cli_call(struct cli *cli, const char *method, const json_t *body,
    json_t **reply, const char *fmt, ...)
{
	char path[HTTP_PATH_MAX];
	struct http_call call = {.method = method, .path = path, .body = body};
	struct http_answer answer;
	enum http_result result;
	va_list ap;
	int rc;

	*reply = NULL;
	va_start(ap, fmt);
	rc = http_vpath(path, fmt, ap);
	va_end(ap);
	if (rc == -1)
		return cli_usage(cli, "an argument is too long");
	result = http_do(cli->http, &call, &answer);
	if (result != HTTP_OK)
		return cli_failed(cli, result, &answer);
	*reply = answer.json;
	return EXIT_OK;
}

static const json_t *
cli_find(const json_t *json, const char *path)
{
	char name[64];
	size_t len;

	while (json != NULL && *path != '\0') {
		len = strcspn(path, ".");
		if (len >= sizeof(name))
			return NULL;
		memcpy(name, path, len);
		name[len] = '\0';
		json = json_object_get(json, name);
		path += len + (path[len] == '.');
	}
	return json;
}

const char *
cli_text(const json_t *json, const char *path, struct cli_text *text)
{
	json = cli_find(json, path);
	switch (json != NULL ? json_typeof(json) : JSON_NULL) {
	case JSON_STRING:
		return json_string_value(json);
	case JSON_INTEGER:
		snprintf(text->buf, sizeof(text->buf), "%" JSON_INTEGER_FORMAT,
		    json_integer_value(json));
		return text->buf;
	case JSON_REAL:
		snprintf(
		    text->buf, sizeof(text->buf), "%g", json_real_value(json));
		return text->buf;
	case JSON_TRUE:
		return "yes";
	case JSON_FALSE:
		return "no";
	default:
		return "";
	}
}

long long
cli_int(const json_t *json, const char *path)
{
	return json_integer_value(cli_find(json, path));
}

int
cli_has(const struct cli *cli, enum grammar_option_id id)
{
	return cli->words.option[id] != NULL;
}

/* A name, then '=': addresses begin with a digit, a bracket or a colon. */
int
cli_is_setting(const char *word)
{
	size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return len > 1 && word[len] == '=' && (word[0] < '0' || word[0] > '9');
}

/* The API's names have underscores; people write slow-start as well. */
static void
underscore(char *name)
{
	for (; *name != '\0'; name++)
		if (*name == '-')
			*name = '_';
}

int
cli_setting(struct cli *cli, json_t *body, const char *word)
{
	const char *value = strchr(word, '=');
	char name[64];

	if (!cli_is_setting(word) || (size_t)(value - word) >= sizeof(name)) {
		cli_usage(
		    cli, "'%s' is not SETTING=VALUE, as balance=ewma", word);
		return -1;
	}
	memcpy(name, word, (size_t)(value - word));
	name[value - word] = '\0';
	underscore(name);
	json_object_set_new(body, name, json_string(value + 1));
	return 0;
}

int
cli_settings(struct cli *cli, json_t *body, int from)
{
	int i;

	for (i = from; i < cli->words.nargs; i++)
		if (cli_setting(cli, body, cli->words.args[i]) == -1) {
			json_decref(body);
			return -1;
		}
	return 0;
}

json_t *
cli_unset(struct cli *cli)
{
	json_t *body = json_object();
	char name[64];
	int i;

	for (i = 0; i < cli->words.nargs; i++) {
		strlcpy(name, cli->words.args[i], sizeof(name));
		underscore(name);
		json_object_set_new(body, name, json_null());
	}
	return body;
}

const char *
cli_limit(struct cli *cli)
{
	const char *limit = cli->words.option[OPT_LIMIT], *bad = NULL;

	if (limit == NULL)
		return "50";
	strtonum(limit, 1, 1000, &bad);
	if (bad == NULL)
		return limit;
	cli_usage(
	    cli, "--limit takes a number from 1 to 1000, not '%s'", limit);
	return NULL;
}

int
cli_print_json(struct cli *cli, json_t *json)
{
	out_json(&cli->out, json);
	json_decref(json);
	return EXIT_OK;
}
