/* tokens, tokens:create, tokens:revoke. */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <string.h>

#include "cli/app.h"
#include "cli/cli.h"

int
cmd_tokens(struct cli *cli)
{
	static const struct table_column columns[] = {{"ID", 0}, {"APP", 0},
	    {"SCOPE", 0}, {"USER", 0}, {"CREATED", 0}, {"EXPIRES", 0},
	    {"LAST USED", 0}, {"NOTE", 0}, {0}};
	struct table *table;
	struct cli_text text;
	json_t *tokens, *token;
	const char *app, *expires;
	char ago[64];
	size_t i;
	int rc;

	rc = cli_call(cli, "GET", NULL, &tokens, "/tokens");
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, tokens);
	table = table_new(columns);
	json_array_foreach (tokens, i, token) {
		app = cli_text(token, "app.name", &text);
		expires = cli_text(token, "expires_at", &text);
		table_cell(table, OUT_NONE, "%s", cli_text(token, "id", &text));
		table_cell(table, OUT_NONE, "%s", *app != '\0' ? app : "(all)");
		table_cell(
		    table, OUT_NONE, "%s", cli_text(token, "scope", &text));
		table_cell(table, OUT_NONE, "%s",
		    cli_text(token, "user.email", &text));
		out_ago(ago, sizeof(ago), cli_text(token, "created_at", &text));
		table_cell(table, OUT_DIM, "%s", ago);
		if (json_is_true(json_object_get(token, "expired")))
			table_cell(table, OUT_RED, "expired");
		else
			table_cell(table, OUT_NONE, "%s",
			    *expires != '\0' ? expires : "never");
		out_ago(
		    ago, sizeof(ago), cli_text(token, "last_used_at", &text));
		table_cell(
		    table, OUT_DIM, "%s", ago[0] != '\0' ? ago : "never");
		table_cell(table, OUT_NONE, "%s",
		    cli_text(token, "description", &text));
	}
	table_print(table, &cli->out,
	    "No tokens: `paas tokens:create -a APP` makes one.");
	json_decref(tokens);
	return EXIT_OK;
}

/* The body of the request; NULL after a complaint. */
static json_t *
tokens_body(struct cli *cli)
{
	const char *app = cli->words.option[OPT_APP];
	const char *scope = cli->words.option[OPT_SCOPE];
	const char *expires = cli->words.option[OPT_EXPIRES];
	long long seconds = 0;
	json_t *body;

	if (expires != NULL &&
	    (seconds = cli_seconds(cli, "expires", expires)) == -1)
		return NULL;
	body = json_pack("{s:s?, s:s}", "app", app, "scope",
	    scope != NULL ? scope : "deploy");
	if (body != NULL && seconds > 0)
		json_object_set_new(body, "expires_in", json_integer(seconds));
	if (body != NULL && cli->words.nargs > 0 &&
	    json_object_set_new(
		body, "description", json_string(cli->words.args[0])) == -1) {
		json_decref(body);
		body = NULL;
	}
	if (body == NULL)
		(void)cli_usage(cli, "an argument is not text in UTF-8");
	return body;
}

int
cmd_tokens_create(struct cli *cli)
{
	struct cli_text id, scope, text;
	json_t *body, *token;
	const char *app;
	int rc;

	if ((body = tokens_body(cli)) == NULL)
		return EXIT_USAGE;
	rc = cli_call(cli, "POST", body, &token, "/tokens");
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, token);
	app = cli_text(token, "app.name", &text);
	out_line(&cli->err,
	    "Token %s of scope %s for %s. It is shown this once:",
	    cli_text(token, "id", &id), cli_text(token, "scope", &scope),
	    *app != '\0' ? app : "all apps");
	out_line(&cli->out, "%s", cli_text(token, "token", &text));
	json_decref(token);
	return EXIT_OK;
}

int
cmd_tokens_revoke(struct cli *cli)
{
	json_t *token;
	int i, rc;

	for (i = 0; i < cli->words.nargs; i++) {
		rc = cli_call(cli, "DELETE", NULL, &token, "/tokens/%s",
		    cli->words.args[i]);
		if (rc != EXIT_OK)
			return rc;
		if (cli->json)
			(void)cli_print_json(cli, token);
		else {
			out_line(&cli->out, "Token %s is good for nothing now",
			    cli->words.args[i]);
			json_decref(token);
		}
	}
	return EXIT_OK;
}
