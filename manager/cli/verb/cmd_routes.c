/* routes, and routes:add, :set, :split, :info, :remove. */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/routes.h"

static const struct table_column routes_columns[] = {{"HOST", 0}, {"PATH", 0},
    {"BALANCE", 0}, {"WEIGHT", 1}, {"ADDRESS", 0}, {0}};

/* Host, path and balance are on the first line of a path only. */
static void
routes_begin(
    struct table *table, const char *host, const json_t *path, int first)
{
	int strip = json_is_true(json_object_get(path, "strip"));
	struct cli_text a, b;

	table_cell(table, OUT_NONE, "%s", first ? host : "");
	table_cell(table, OUT_NONE, "%s%s",
	    first ? cli_text(path, "path", &a) : "",
	    first && strip ? " (taken off)" : "");
	table_cell(
	    table, OUT_DIM, "%s", first ? cli_text(path, "balance", &b) : "");
}

/* One line an app, with its share, and one an address. */
static void
routes_path(struct table *table, const char *host, const json_t *path)
{
	const json_t *apps = json_object_get(path, "apps");
	const json_t *instances = json_object_get(path, "instances");
	struct cli_text buf;
	const char *text;
	json_t *one;
	size_t i, n = json_array_size(apps);
	int v6;

	json_array_foreach (apps, i, one) {
		routes_begin(table, host, path, i == 0);
		table_cell(table, OUT_NONE, "%lld", cli_int(one, "weight"));
		table_cell(
		    table, OUT_NONE, "app:%s", cli_text(one, "app", &buf));
	}
	json_array_foreach (instances, i, one) {
		text = cli_text(one, "address", &buf);
		v6 = strchr(text, ':') != NULL;
		routes_begin(table, host, path, i + n == 0);
		table_cell(table, OUT_NONE, "%lld", cli_int(one, "weight"));
		table_cell(table, OUT_NONE, "%s%s%s:%lld%s", v6 ? "[" : "",
		    text, v6 ? "]" : "", cli_int(one, "port"),
		    n > 0 ? " (outside)" : "");
	}
}

void
routes_paths(struct table *table, const char *name, const json_t *paths)
{
	json_t *path;
	size_t i;

	json_array_foreach (paths, i, path)
		routes_path(table, name, path);
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

/* "app:shop=90": 0; -1: has complained. */
static int
routes_app(struct cli *cli, json_t *apps, const char *word)
{
	char name[CLI_APP_MAX + 1];
	const char *bad = NULL, *weight = strchr(word, '=');
	size_t len = weight != NULL ? (size_t)(weight - word) : strlen(word);
	long long w = 100;

	if (len == 0 || len >= sizeof(name)) {
		cli_usage(cli, "'%s' is not the name of an app", word);
		return -1;
	}
	memcpy(name, word, len);
	name[len] = '\0';
	if (weight != NULL)
		w = strtonum(weight + 1, 1, 10000, &bad);
	if (bad != NULL) {
		cli_usage(
		    cli, "'%s': the weight of an app is 1 to 10000", word);
		return -1;
	}
	json_array_append_new(
	    apps, json_pack("{s:s, s:I}", "app", name, "weight", w));
	return 0;
}

/* An app, a setting, or an address: 0, or -1. */
static int
routes_word(struct cli *cli, json_t *body, const char *word)
{
	json_t *one;

	if (strncmp(word, "app:", 4) == 0)
		return routes_app(cli, json_object_get(body, "apps"), word + 4);
	if (cli_is_setting(word))
		return cli_setting(cli, body, word);
	if ((one = routes_instance(cli, word)) == NULL)
		return -1;
	json_array_append_new(json_object_get(body, "instances"), one);
	return 0;
}

static void
routes_options(struct cli *cli, json_t *body)
{
	const char *path = cli->words.option[OPT_PATH];
	const char *balance = cli->words.option[OPT_BALANCE];

	if (path != NULL)
		json_object_set_new(body, "path", json_string(path));
	if (balance != NULL)
		json_object_set_new(body, "balance", json_string(balance));
	if (cli_has(cli, OPT_STRIP))
		json_object_set_new(body, "strip", json_true());
}

/* Takes the body. */
static int
routes_send(struct cli *cli, const char *method, json_t *body)
{
	json_t *route;
	int rc;

	rc = cli_call(
	    cli, method, body, &route, "/routes/%s", cli->words.args[0]);
	json_decref(body);
	return rc == EXIT_OK ? routes_show(cli, route) : rc;
}

json_t *
routes_body(struct cli *cli, int first)
{
	json_t *body = json_pack("{s:[], s:[]}", "instances", "apps");
	int i;

	for (i = first; i < cli->words.nargs; i++)
		if (routes_word(cli, body, cli->words.args[i]) == -1) {
			json_decref(body);
			return NULL;
		}
	if (json_array_size(json_object_get(body, "apps")) == 0)
		json_object_del(body, "apps");
	routes_options(cli, body);
	return body;
}

int
cmd_routes_add(struct cli *cli)
{
	json_t *body = routes_body(cli, 1);

	return body != NULL ? routes_send(cli, "PUT", body) : EXIT_USAGE;
}

int
cmd_routes_set(struct cli *cli)
{
	json_t *body = json_object();

	routes_options(cli, body);
	if (cli_settings(cli, body, 1) == -1)
		return EXIT_USAGE;
	return routes_send(cli, "PATCH", body);
}

int
cmd_routes_split(struct cli *cli)
{
	const char *outside = cli->words.option[OPT_OUTSIDE], *bad = NULL;
	json_t *body = json_pack("{s:[]}", "apps");
	long long weight;
	int i;

	routes_options(cli, body);
	for (i = 1; i < cli->words.nargs; i++)
		if (routes_app(cli, json_object_get(body, "apps"),
			cli->words.args[i]) == -1) {
			json_decref(body);
			return EXIT_USAGE;
		}
	if (outside != NULL) {
		weight = strtonum(outside, 0, 10000, &bad);
		if (bad != NULL) {
			json_decref(body);
			return cli_usage(cli, "--outside is 0 to 10000");
		}
		if (weight > 0)
			json_object_set_new(
			    body, "weight", json_integer(weight));
		else
			json_object_set_new(body, "instances", json_array());
	}
	return routes_send(cli, "PATCH", body);
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
