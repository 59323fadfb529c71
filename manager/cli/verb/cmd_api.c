/* api, api:schema: what the API has, asked as it is. */
#include <bsd/err.h>
#include <bsd/string.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/lines.h"

#define API_BODY_MAX (1024 * 1024) /* as the API takes it */

/*
 * An answer that begins as an object or a list does is kept until it is
 * whole; any other one, such as a log that is followed, is shown as it comes.
 */
struct api_answer {
	struct out *out;
	struct lines lines;
	char *json;
	size_t len;
	int begun;
};

static int
api_line(const char *text, size_t len, void *arg)
{
	out_log(arg, text, len);
	return 0;
}

static int
api_keep(struct api_answer *a, const char *data, size_t len)
{
	if (len > HTTP_ANSWER_MAX - a->len)
		return -1;
	if ((a->json = realloc(a->json, a->len + len)) == NULL)
		err(1, NULL);
	memcpy(a->json + a->len, data, len);
	a->len += len;
	return 0;
}

static int
api_sink(const char *data, size_t len, void *arg)
{
	struct api_answer *a = arg;
	int rc;

	if (!a->begun && len > 0) {
		a->begun = 1;
		if (*data == '{' || *data == '[')
			return api_keep(a, data, len);
	}
	if (a->json != NULL)
		return api_keep(a, data, len);
	rc = lines_feed(&a->lines, data, len);
	fflush(a->out->file);
	return rc || ferror(a->out->file);
}

static int
api_show(struct cli *cli, const struct http_call *asked)
{
	struct api_answer a = {.out = &cli->out};
	struct http_call call = *asked;
	struct http_answer answer;
	enum http_result result;
	json_t *json = NULL;

	a.lines.line = api_line;
	a.lines.arg = a.out;
	call.sink = api_sink;
	call.arg = &a;
	result = http_do(cli->http, &call, &answer);
	if (a.json != NULL)
		json = json_loadb(a.json, a.len, JSON_DECODE_ANY, NULL);
	if (json != NULL)
		(void)cli_print_json(cli, json);
	else if (a.json != NULL)
		(void)lines_feed(&a.lines, a.json, a.len);
	(void)lines_end(&a.lines);
	free(a.json);
	if (result == HTTP_OK)
		return EXIT_OK;
	if (result == HTTP_STOPPED && !ferror(cli->out.file)) {
		cli_error(cli, "the answer is too long: ask for less of it");
		return EXIT_REFUSED;
	}
	return cli_failed(cli, result, &answer);
}

/* All of standard input; NULL after a complaint. */
static char *
api_read(struct cli *cli, size_t *len)
{
	char *text = malloc(API_BODY_MAX + 1);
	ssize_t n = 1;

	if (text == NULL)
		err(1, NULL);
	for (*len = 0; n > 0 && *len <= API_BODY_MAX; *len += (size_t)n)
		if ((n = read(STDIN_FILENO, text + *len,
			 API_BODY_MAX + 1 - *len)) == -1)
			break;
	if (n != -1 && *len <= API_BODY_MAX)
		return text;
	(void)cli_usage(
	    cli, "--body -: standard input has to be at most 1 MiB of JSON");
	free(text);
	return NULL;
}

/* 0, or -1 after a complaint. */
static int
api_body(struct cli *cli, const char *word, json_t **body)
{
	json_error_t error;
	char *read = NULL;
	size_t len;

	*body = NULL;
	if (word == NULL)
		return 0;
	len = strlen(word);
	if (strcmp(word, "-") == 0) {
		if ((read = api_read(cli, &len)) == NULL)
			return -1;
		word = read;
	}
	*body = json_loadb(word, len, JSON_DECODE_ANY, &error);
	free(read);
	if (*body != NULL)
		return 0;
	(void)cli_usage(
	    cli, "--body is not JSON: %s, in line %d", error.text, error.line);
	return -1;
}

/* What a request line can carry. */
static int
api_path_valid(const char *path)
{
	for (const char *p = path; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || *p == '#')
			return 0;
	return *path == '/' && strlen(path) < HTTP_PATH_MAX;
}

int
cmd_api(struct cli *cli)
{
	static const char *const methods[] = {
	    "GET", "POST", "PUT", "PATCH", "DELETE"};
	const char *path = cli->words.args[cli->words.nargs - 1];
	struct http_call call = {.method = NULL, .path = path};
	const char *word = cli->words.nargs > 1 ? cli->words.args[0] : "GET";
	json_t *body;
	int rc;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcasecmp(word, methods[i]) == 0)
			call.method = methods[i];
	if (call.method == NULL)
		return cli_usage(cli,
		    "'%s' is no method: GET, POST, PUT, PATCH or DELETE", word);
	if (!api_path_valid(path))
		return cli_usage(cli,
		    "'%s' is no path: it begins with a slash, as /apps/shop, "
		    "and what it has beside ASCII is %%-encoded",
		    path);
	if (api_body(cli, cli->words.option[OPT_BODY], &body) == -1)
		return EXIT_USAGE;
	call.body = body;
	rc = api_show(cli, &call);
	json_decref(body);
	return rc;
}

int
cmd_api_schema(struct cli *cli)
{
	json_t *schema;
	int rc;

	rc = cli_call(cli, "GET", NULL, &schema, "/schema");
	return rc == EXIT_OK ? cli_print_json(cli, schema) : rc;
}
