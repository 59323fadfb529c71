/* domains, domains:add, domains:remove. */
#include "cli/cli.h"

int
cmd_domains(struct cli *cli)
{
	static const struct table_column columns[] = {
	    {"HOST", 0}, {"KIND", 0}, {"ADDED", 0}, {"CERTIFICATE", 0}, {0}};
	struct table *table;
	struct cli_text text;
	json_t *domains, *domain;
	const char *cert;
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
		table_cell(
		    table, OUT_DIM, "%s", cli_text(domain, "kind", &text));
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
