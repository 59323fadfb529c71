/* routes:import, routes:imported, routes:export, routes:unimport. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/import.h"

static ssize_t
import_source(char *buf, size_t len, void *arg)
{
	return import_fill(arg, buf, len);
}

/* "line 7: ..." is about what was sent: which line of theirs was that? */
static void
import_blame(struct cli *cli, const struct import_file *file, const char *err)
{
	size_t line = 0;
	char *end;

	if (strncmp(err, "line ", 5) == 0) {
		line = import_line(file, strtoul(err + 5, &end, 10));
		if (*end != ':')
			line = 0;
	}
	if (line > 0)
		cli_error(cli, "line %zu%s", line, end);
	else
		cli_error(cli, "%s", err);
}

static int
import_show(struct cli *cli, json_t *import)
{
	struct cli_text a, b;

	if (cli->json)
		return cli_print_json(cli, import);
	if (json_is_object(import))
		out_line(&cli->out,
		    "%lld hosts on %lld pools, imported %s by %s",
		    cli_int(import, "hosts"), cli_int(import, "pools"),
		    cli_text(import, "created_at", &a),
		    cli_text(import, "user", &b));
	else
		out_line(&cli->out, "No routes are imported.");
	json_decref(import);
	return EXIT_OK;
}

int
cmd_routes_import(struct cli *cli)
{
	struct http_call call = {.method = "PUT",
	    .path = "/imports/routes",
	    .source = import_source,
	    .source_type = "text/plain"};
	struct import_file *file;
	struct http_answer answer;
	enum http_result result;
	char err[PAAS_ERRLEN];
	int rc = EXIT_REFUSED;

	if ((file = import_read(cli->words.args[0], err)) == NULL) {
		cli_error(cli, "%s", err);
		return EXIT_REFUSED;
	}
	call.arg = file;
	result = http_do(cli->http, &call, &answer);
	if (result == HTTP_OK)
		rc = import_show(cli, answer.json);
	else if (result == HTTP_REFUSED)
		import_blame(cli, file, answer.err);
	else
		rc = cli_failed(cli, result, &answer);
	import_close(file);
	return rc;
}

int
cmd_routes_imported(struct cli *cli)
{
	json_t *import;
	int rc;

	rc = cli_call(cli, "GET", NULL, &import, "/imports/routes");
	return rc == EXIT_OK ? import_show(cli, import) : rc;
}

static int
export_sink(const char *data, size_t len, void *arg)
{
	return fwrite(data, 1, len, arg) == len ? 0 : -1;
}

int
cmd_routes_export(struct cli *cli)
{
	struct http_call call = {.method = "GET",
	    .path = "/imports/routes/file",
	    .sink = export_sink,
	    .arg = cli->out.file};
	struct http_answer answer;
	enum http_result result = http_do(cli->http, &call, &answer);

	json_decref(answer.json);
	return result == HTTP_OK ? EXIT_OK : cli_failed(cli, result, &answer);
}

int
cmd_routes_unimport(struct cli *cli)
{
	json_t *import;
	int rc;

	rc = cli_call(cli, "DELETE", NULL, &import, "/imports/routes");
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, import);
	out_line(&cli->out, "Removed all imported routes");
	json_decref(import);
	return EXIT_OK;
}
