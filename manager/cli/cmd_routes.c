/* routes, routes:add, routes:info, routes:remove. */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct table_column routes_columns[] = {{"HOST", 0}, {"PATH", 0},
    {"BALANCE", 0}, {"WEIGHT", 1}, {"ADDRESS", 0}, {0}};

/* One line an address; host, path and balance on the first one only. */
static void
routes_path(struct table *table, const char *host, const json_t *path)
{
	struct cli_text a, b;
	json_t *instances, *one;
	const char *balance, *prefix = cli_text(path, "prefix", &a);
	int strip = json_is_true(json_object_get(path, "strip"));
	size_t i;

	if (*prefix == '\0')
		prefix = cli_text(path, "path", &a);
	instances = json_object_get(path, "instances");
	balance = cli_text(path, "balance", &b);
	if (json_object_get(path, "pool") != NULL) {
		balance = cli_text(path, "pool.balance", &b);
		instances =
		    json_object_get(json_object_get(path, "pool"), "instances");
	}
	json_array_foreach (instances, i, one) {
		struct cli_text address;
		const char *text = cli_text(one, "address", &address);
		int v6 = strchr(text, ':') != NULL;

		table_cell(table, OUT_NONE, "%s", i == 0 ? host : "");
		table_cell(table, OUT_NONE, "%s%s", i == 0 ? prefix : "",
		    i == 0 && strip ? " (taken off)" : "");
		table_cell(table, OUT_DIM, "%s", i == 0 ? balance : "");
		table_cell(table, OUT_NONE, "%lld", cli_int(one, "weight"));
		table_cell(table, OUT_NONE, "%s%s%s:%lld", v6 ? "[" : "", text,
		    v6 ? "]" : "", cli_int(one, "port"));
	}
}

static void
routes_row(struct table *table, const json_t *route)
{
	const json_t *paths = json_object_get(route, "paths");
	struct cli_text text;
	const char *host = cli_text(route, "host", &text);
	json_t *path;
	size_t i;

	if (*host == '\0')
		host = cli_text(route, "hostname", &text);
	if (!json_is_array(paths)) {
		routes_path(table, host, route);
		return;
	}
	json_array_foreach (paths, i, path)
		routes_path(table, host, path);
}

int
cmd_routes(struct cli *cli)
{
	struct table *table;
	json_t *routes, *route;
	size_t i;
	int rc;

	if (cli->words.nargs > 0)
		rc = cli_call(cli, "GET", NULL, &routes, "/routes?prefix=%s",
		    cli->words.args[0]);
	else
		rc = cli_call(cli, "GET", NULL, &routes, "/routes");
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, routes);
	table = table_new(routes_columns);
	json_array_foreach (routes, i, route)
		routes_row(table, route);
	table_print(table, &cli->out, "No routes but those of the apps.");
	json_decref(routes);
	return EXIT_OK;
}

static int
routes_show(struct cli *cli, json_t *route)
{
	const json_t *lines = json_object_get(route, "imported");
	struct table *table;
	json_t *line;
	size_t i;

	if (cli->json)
		return cli_print_json(cli, route);
	if (json_is_array(lines)) {
		json_array_foreach (lines, i, line)
			out_line(&cli->out, "%s", json_string_value(line));
		json_decref(route);
		return EXIT_OK;
	}
	table = table_new(routes_columns);
	routes_row(table, route);
	table_print(table, &cli->out, "The route has no addresses.");
	json_decref(route);
	return EXIT_OK;
}

/* "10.0.0.2:80", "[fd00::1]:80", "10.0.0.2:80=50"; NULL: has complained. */
static json_t *
routes_instance(struct cli *cli, const char *word)
{
	char copy[128], *port, *weight, *address = copy;
	const char *bad = NULL;
	long long p, w = 100;
	size_t len;

	if (strlcpy(copy, word, sizeof(copy)) >= sizeof(copy)) {
		cli_usage(cli, "'%s' is too long for an address", word);
		return NULL;
	}
	weight = strchr(copy, '=');
	if (weight != NULL)
		*weight++ = '\0';
	port = strrchr(copy, ':');
	if (port == NULL || port == copy) {
		cli_usage(
		    cli, "'%s' is not ADDRESS:PORT, as 10.0.0.2:8080", word);
		return NULL;
	}
	*port++ = '\0';
	len = strlen(address);
	if (address[0] == '[' && address[len - 1] == ']') {
		address[len - 1] = '\0';
		address++;
	}
	p = strtonum(port, 1, 65535, &bad);
	if (bad == NULL && weight != NULL)
		w = strtonum(weight, 1, 1000, &bad);
	if (bad != NULL) {
		cli_usage(cli, "'%s': a port is 1 to 65535, a weight 1 to 1000",
		    word);
		return NULL;
	}
	return json_pack("{s:s, s:I, s:I}", "address", address, "port",
	    (json_int_t)p, "weight", (json_int_t)w);
}

int
cmd_routes_add(struct cli *cli)
{
	const char *path = cli->words.option[OPT_PATH];
	const char *balance = cli->words.option[OPT_BALANCE];
	json_t *body, *instances = json_array(), *one, *route;
	int i, rc;

	for (i = 1; i < cli->words.nargs; i++) {
		one = routes_instance(cli, cli->words.args[i]);
		if (one == NULL) {
			json_decref(instances);
			return EXIT_USAGE;
		}
		json_array_append_new(instances, one);
	}
	body = json_pack("{s:o}", "instances", instances);
	if (path != NULL)
		json_object_set_new(body, "path", json_string(path));
	if (balance != NULL)
		json_object_set_new(body, "balance", json_string(balance));
	if (cli_has(cli, OPT_STRIP))
		json_object_set_new(body, "strip", json_true());
	rc = cli_call(
	    cli, "PUT", body, &route, "/routes/%s", cli->words.args[0]);
	json_decref(body);
	return rc == EXIT_OK ? routes_show(cli, route) : rc;
}

int
cmd_routes_info(struct cli *cli)
{
	json_t *route;
	int rc;

	rc = cli_call(
	    cli, "GET", NULL, &route, "/routes/%s", cli->words.args[0]);
	return rc == EXIT_OK ? routes_show(cli, route) : rc;
}

int
cmd_routes_remove(struct cli *cli)
{
	json_t *route;
	int rc;

	rc = cli_call(
	    cli, "DELETE", NULL, &route, "/routes/%s", cli->words.args[0]);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, route);
	out_line(&cli->out, "Removed the route of %s", cli->words.args[0]);
	json_decref(route);
	return EXIT_OK;
}
