/* users, users:create, users:set, users:remove, setup, audit. */
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

int
cmd_users(struct cli *cli)
{
	static const struct table_column columns[] = {{"EMAIL", 0}, {"NAME", 0},
	    {"ROLE", 0}, {"CREATED", 0}, {"LAST LOG-IN", 0}, {0}};
	struct table *table;
	struct cli_text text;
	json_t *users, *user;
	char ago[64];
	size_t i;
	int rc;

	rc = cli_call(cli, "GET", NULL, &users, "/users");
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, users);
	table = table_new(columns);
	json_array_foreach (users, i, user) {
		table_cell(
		    table, OUT_NONE, "%s", cli_text(user, "email", &text));
		table_cell(
		    table, OUT_NONE, "%s", cli_text(user, "name", &text));
		if (json_is_true(json_object_get(user, "suspended")))
			table_cell(table, OUT_RED, "suspended");
		else
			table_cell(table, OUT_NONE, "%s",
			    cli_text(user, "role", &text));
		out_ago(ago, sizeof(ago), cli_text(user, "created_at", &text));
		table_cell(table, OUT_DIM, "%s", ago);
		out_ago(ago, sizeof(ago), cli_text(user, "last_login", &text));
		table_cell(
		    table, OUT_DIM, "%s", ago[0] != '\0' ? ago : "never");
	}
	table_print(table, &cli->out,
	    "No users: `paas setup` lets the first administrator in.");
	json_decref(users);
	return EXIT_OK;
}

/* --name and --role, and more by name; NULL after a complaint. */
static json_t *
users_body(struct cli *cli, const char *email)
{
	json_t *body;

	body = json_pack("{s:s*, s:s*, s:s*}", "email", email, "name",
	    cli->words.option[OPT_NAME], "role", cli->words.option[OPT_ROLE]);
	if (body == NULL)
		(void)cli_usage(cli, "an argument is not text in UTF-8");
	return body;
}

/* What somebody types who is to set a password. */
static void
users_print_setup(struct cli *cli, const char *token, const char *whose)
{
	out_line(&cli->err,
	    "This token is good for one use, within a day; %s sets a password "
	    "with it:",
	    whose);
	out_line(&cli->out, "%s", token);
	out_line(&cli->err, "      paas login %s --setup",
	    http_url(cli->http) != NULL ? http_url(cli->http) : "HOST");
}

/* A member is somebody of no app until somebody says so. */
static void
users_print_role(struct out *out, const char *before, const json_t *user)
{
	struct cli_text email, text;
	const char *role = cli_text(user, "role", &text);
	int member = strcmp(role, "member") == 0;

	out_line(out, "%s%s%s%s%s%s", before, cli_text(user, "email", &email),
	    before[0] != '\0' ? ", " : " is ", role,
	    member ? ": of the apps that access:add or a team gives, and their "
		     "own"
		   : " of all apps",
	    json_is_true(json_object_get(user, "suspended")) ? ", but suspended"
							     : "");
}

int
cmd_users_create(struct cli *cli)
{
	struct cli_text email, text;
	json_t *body, *user;
	int rc;

	if ((body = users_body(cli, cli->words.args[0])) == NULL)
		return EXIT_USAGE;
	rc = cli_call(cli, "POST", body, &user, "/users");
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, user);
	users_print_role(&cli->err, "Added ", user);
	users_print_setup(cli, cli_text(user, "setup_token", &text),
	    cli_text(user, "email", &email));
	json_decref(user);
	return EXIT_OK;
}

int
cmd_users_set(struct cli *cli)
{
	json_t *body, *user;
	int rc;

	if (cli_has(cli, OPT_SUSPEND) && cli_has(cli, OPT_RESUME))
		return cli_usage(
		    cli, "--suspend and --resume exclude each other");
	if ((body = users_body(cli, NULL)) == NULL)
		return EXIT_USAGE;
	if (cli_has(cli, OPT_SUSPEND) || cli_has(cli, OPT_RESUME))
		json_object_set_new(
		    body, "suspended", json_boolean(cli_has(cli, OPT_SUSPEND)));
	if (json_object_size(body) == 0) {
		json_decref(body);
		return cli_usage(cli,
		    "what is to be set? --role, --name, --suspend or --resume");
	}
	rc = cli_call(
	    cli, "PATCH", body, &user, "/users/%s", cli->words.args[0]);
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, user);
	users_print_role(&cli->out, "", user);
	json_decref(user);
	return EXIT_OK;
}

int
cmd_users_remove(struct cli *cli)
{
	struct cli_text text;
	json_t *user;
	int i, rc;

	for (i = 0; i < cli->words.nargs; i++) {
		rc = cli_call(cli, "DELETE", NULL, &user, "/users/%s",
		    cli->words.args[i]);
		if (rc != EXIT_OK)
			return rc;
		if (cli->json)
			(void)cli_print_json(cli, user);
		else {
			out_line(&cli->out,
			    "%s is gone, and so are all tokens and keys",
			    cli_text(user, "email", &text));
			json_decref(user);
		}
	}
	return EXIT_OK;
}

int
cmd_setup(struct cli *cli)
{
	const char *email = cli->words.nargs > 0 ? cli->words.args[0] : NULL;
	struct cli_text text;
	json_t *body, *token;
	int rc;

	body = json_pack("{s:s*}", "email", email);
	if (body == NULL)
		return cli_usage(cli, "EMAIL is not text in UTF-8");
	rc = cli_call(cli, "POST", body, &token, "/setup-tokens");
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, token);
	users_print_setup(cli, cli_text(token, "token", &text),
	    email != NULL ? email : "the first administrator");
	json_decref(token);
	return EXIT_OK;
}

/* ---- audit ------------------------------------------------------------- */

static void
audit_print(struct cli *cli, const json_t *records)
{
	static const struct table_column columns[] = {
	    {"WHEN", 0}, {"WHO", 0}, {"FROM", 0}, {"WHAT", 0}, {0}};
	struct table *table = table_new(columns);
	struct cli_text text;
	const json_t *record;
	const char *address;
	size_t i;

	json_array_foreach (records, i, record) {
		table_cell(
		    table, OUT_DIM, "%.19s", cli_text(record, "at", &text));
		table_cell(
		    table, OUT_NONE, "%s", cli_text(record, "user", &text));
		address = cli_text(record, "address", &text);
		table_cell(table, OUT_NONE, "%s",
		    *address != '\0' ? address : "this machine");
		table_cell(
		    table, OUT_NONE, "%s", cli_text(record, "text", &text));
	}
	table_print(table, &cli->out, "Nothing has been changed yet.");
}

int
cmd_audit(struct cli *cli)
{
	const char *app = cli->words.option[OPT_APP];
	const char *limit = cli_limit(cli);
	json_t *records;
	int rc;

	if (limit == NULL)
		return EXIT_USAGE;
	if (app != NULL)
		rc = cli_call(cli, "GET", NULL, &records,
		    "/audit?limit=%s&app=%s", limit, app);
	else
		rc = cli_call(
		    cli, "GET", NULL, &records, "/audit?limit=%s", limit);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, records);
	audit_print(cli, records);
	json_decref(records);
	return EXIT_OK;
}
