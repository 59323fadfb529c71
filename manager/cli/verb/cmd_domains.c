/* domains, domains:add, domains:check, domains:remove. */
#include <bsd/string.h>
#include <string.h>

#include "cli/cli.h"

int
cmd_domains(struct cli *cli)
{
	static const struct table_column columns[] = {
	    {"HOST", 0}, {"KIND", 0}, {"ADDED", 0}, {"CERTIFICATE", 0}, {0}};
	struct table *table;
	struct cli_text text;
	json_t *domains, *domain;
	const char *cert, *kind;
	char ago[64];
	size_t i;
	int rc;

	rc = cli_call(cli, "GET", NULL, &domains, "/apps/%s/domains", cli->app);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, domains);
	table = table_new(columns);
	json_array_foreach (domains, i, domain) {
		out_ago(
		    ago, sizeof(ago), cli_text(domain, "created_at", &text));
		table_cell(
		    table, OUT_NONE, "%s", cli_text(domain, "hostname", &text));
		/* Heroku's word for what an app has for being there */
		kind = cli_text(domain, "kind", &text);
		table_cell(table, OUT_DIM, "%s",
		    strcmp(kind, "heroku") == 0 ? "platform" : kind);
		table_cell(table, OUT_DIM, "%s", ago);
		cert = cli_text(domain, "sni_endpoint.name", &text);
		table_cell(table, OUT_NONE, "%s", *cert != '\0' ? cert : "-");
	}
	table_print(table, &cli->out, "No domains.");
	json_decref(domains);
	return EXIT_OK;
}

static int
domains_done(struct cli *cli, int rc, json_t *domain, const char *fmt)
{
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, domain);
	out_line(&cli->out, "%s %s %s", cli->app, fmt, cli->words.args[0]);
	json_decref(domain);
	return EXIT_OK;
}

int
cmd_domains_add(struct cli *cli)
{
	json_t *body, *domain;
	int rc;

	body = json_pack("{s:s}", "hostname", cli->words.args[0]);
	if (body == NULL)
		return cli_usage(cli, "a host is text in ASCII");
	rc = cli_call(cli, "POST", body, &domain, "/apps/%s/domains", cli->app);
	json_decref(body);
	return domains_done(cli, rc, domain, "answers at");
}

int
cmd_domains_remove(struct cli *cli)
{
	json_t *domain;
	int rc;

	rc = cli_call(cli, "DELETE", NULL, &domain, "/apps/%s/domains/%s",
	    cli->app, cli->words.args[0]);
	return domains_done(cli, rc, domain, "no longer answers at");
}

/* ---- what DNS says ------------------------------------------------------- */

/* "shop.example.net 203.0.113.5", or "-". */
static void
check_seen(const json_t *check, char *buf, size_t len)
{
	static const char *const lists[] = {"cname", "addresses"};
	json_t *list, *one;
	size_t i, k;

	buf[0] = '\0';
	for (i = 0; i < 2; i++) {
		list = json_object_get(check, lists[i]);
		json_array_foreach (list, k, one) {
			strlcat(buf, buf[0] != '\0' ? " " : "", len);
			if (json_is_string(one))
				strlcat(buf, json_string_value(one), len);
		}
	}
	if (buf[0] == '\0')
		strlcpy(buf, "-", len);
}

/* All answers, of one host or of each; NULL after a complaint. */
static json_t *
checks_ask(struct cli *cli, int *rc)
{
	json_t *domains, *domain, *check, *checks = json_array();
	struct cli_text text;
	size_t i;

	if (cli->words.nargs > 0)
		domains = json_pack("[{s:s, s:s}]", "hostname",
		    cli->words.args[0], "kind", "custom");
	else if ((*rc = cli_call(cli, "GET", NULL, &domains, "/apps/%s/domains",
		      cli->app)) != EXIT_OK)
		domains = NULL;
	json_array_foreach (domains, i, domain) {
		if (strcmp(cli_text(domain, "kind", &text), "custom") != 0)
			continue;
		*rc = cli_call(cli, "GET", NULL, &check,
		    "/apps/%s/domains/%s/check", cli->app,
		    cli_text(domain, "hostname", &text));
		if (*rc != EXIT_OK)
			break;
		json_array_append_new(checks, check);
	}
	json_decref(domains);
	if (*rc == EXIT_OK)
		return checks;
	json_decref(checks);
	return NULL;
}

static void
checks_print(struct cli *cli, const json_t *checks)
{
	static const struct table_column columns[] = {
	    {"HOST", 0}, {"DNS", 0}, {"LEADS TO", 0}, {0}};
	struct table *table = table_new(columns);
	struct cli_text text;
	char seen[1024];
	json_t *check;
	size_t i;
	int good;

	json_array_foreach (checks, i, check) {
		good = strcmp(cli_text(check, "status", &text), "ok") == 0;
		table_cell(
		    table, OUT_NONE, "%s", cli_text(check, "hostname", &text));
		table_cell(table, good ? OUT_GREEN : OUT_RED, "%s",
		    cli_text(check, "status", &text));
		check_seen(check, seen, sizeof(seen));
		table_cell(table, OUT_NONE, "%s", seen);
	}
	table_print(table, &cli->out, "No domains of its own.");
	json_array_foreach (checks, i, check) {
		if (strcmp(cli_text(check, "status", &text), "ok") == 0)
			continue;
		out_line(&cli->out, "%s", cli_text(check, "message", &text));
		if (*cli_text(check, "fix", &text) != '\0')
			out_line(&cli->out, "  fix: %s",
			    cli_text(check, "fix", &text));
	}
}

int
cmd_domains_check(struct cli *cli)
{
	struct cli_text text;
	json_t *checks, *check;
	int rc = EXIT_OK;
	size_t i;

	if ((checks = checks_ask(cli, &rc)) == NULL)
		return rc;
	json_array_foreach (checks, i, check) {
		if (strcmp(cli_text(check, "status", &text), "ok") != 0)
			rc = EXIT_REFUSED;
	}
	if (cli->json)
		out_json(&cli->out, checks);
	else
		checks_print(cli, checks);
	json_decref(checks);
	return rc;
}
