/* config, config:set, config:get, config:unset. */
#include <bsd/err.h>
#include <bsd/readpassphrase.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#define CONFIG_VALUE_MAX (64 * 1024)

/* NAME='value' with each ' as '\'', which POSIX shells read back as it was. */
static void
config_print_shell(struct cli *cli, const char *name, const char *value)
{
	fprintf(cli->out.file, "%s='", name);
	for (; *value != '\0'; value++) {
		if (*value == '\'')
			fputs("'\\''", cli->out.file);
		else
			fputc(*value, cli->out.file);
	}
	fputs("'\n", cli->out.file);
}

/* A name that a shell would take for one, and for nothing else. */
static int
config_is_name(const char *name)
{
	return *name != '\0' && (*name < '0' || *name > '9') &&
	       name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "abcdefghijklmnopqrstuvwxyz0123456789_")] ==
		   '\0';
}

static int
config_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In order of names, whatever the API's is. */
static int
config_show(struct cli *cli, json_t *vars)
{
	static const struct table_column columns[] = {
	    {"NAME", 0}, {"VALUE", 0}, {0}};
	struct out wide = cli->out;
	struct table *table;
	const char *name, **names;
	size_t n = 0, i;
	json_t *value;

	if (cli->json)
		return cli_print_json(cli, vars);
	names = calloc(json_object_size(vars) + 1, sizeof(*names));
	if (names == NULL)
		err(EXIT_REFUSED, NULL);
	json_object_foreach (vars, name, value) {
		if (json_is_string(value))
			names[n++] = name;
	}
	qsort(names, n, sizeof(*names), config_compare);
	wide.width = 0; /* a value is never cut */
	table = table_new(columns);
	for (i = 0; i < n; i++) {
		value = json_object_get(vars, names[i]);
		table_cell(table, OUT_NONE, "%s", names[i]);
		table_cell(table, OUT_NONE, "%s", json_string_value(value));
	}
	table_print(table, &wide, "No config vars are set.");
	free(names);
	json_decref(vars);
	return EXIT_OK;
}

int
cmd_config(struct cli *cli)
{
	const char *name;
	json_t *vars, *value;
	int rc;

	rc =
	    cli_call(cli, "GET", NULL, &vars, "/apps/%s/config-vars", cli->app);
	if (rc != EXIT_OK)
		return rc;
	if (!cli_has(cli, OPT_SHELL) || cli->json)
		return config_show(cli, vars);
	if (cli->out.tty) {
		cli_error(cli, "--shell writes values as they are: send it to "
			       "a file or a pipe");
		json_decref(vars);
		return EXIT_USAGE;
	}
	json_object_foreach (vars, name, value) {
		if (config_is_name(name) && json_is_string(value))
			config_print_shell(cli, name, json_string_value(value));
	}
	json_decref(vars);
	return EXIT_OK;
}

int
cmd_config_get(struct cli *cli)
{
	const char *name = cli->words.args[0];
	json_t *vars, *value;
	int rc;

	rc =
	    cli_call(cli, "GET", NULL, &vars, "/apps/%s/config-vars", cli->app);
	if (rc != EXIT_OK)
		return rc;
	value = json_object_get(vars, name);
	rc = json_is_string(value) ? EXIT_OK : EXIT_REFUSED;
	if (cli->json)
		out_json(&cli->out, value != NULL ? value : json_null());
	else if (rc == EXIT_OK && cli->out.tty)
		out_line(&cli->out, "%s", json_string_value(value));
	else if (rc == EXIT_OK) /* $(paas config:get NAME) wants it exactly */
		fprintf(cli->out.file, "%s\n", json_string_value(value));
	json_decref(vars);
	return rc;
}

/* From the terminal without echo, or all of standard input but a last \n. */
static json_t *
config_ask(struct cli *cli, const char *name)
{
	char prompt[128], *buf;
	json_t *value = NULL;
	size_t len;

	buf = malloc(CONFIG_VALUE_MAX + 1);
	if (buf == NULL)
		err(EXIT_REFUSED, NULL);
	if (isatty(STDIN_FILENO)) {
		snprintf(prompt, sizeof(prompt), "Value of %.100s: ", name);
		if (readpassphrase(prompt, buf, CONFIG_VALUE_MAX, 0) != NULL)
			value = json_string(buf);
	} else {
		len = fread(buf, 1, CONFIG_VALUE_MAX + 1, stdin);
		if (len > 0 && len <= CONFIG_VALUE_MAX && buf[len - 1] == '\n')
			len--;
		if (len <= CONFIG_VALUE_MAX)
			value = json_stringn(buf, len);
	}
	explicit_bzero(buf, CONFIG_VALUE_MAX + 1);
	free(buf);
	if (value == NULL)
		cli_error(cli, "%s: no value that is text of at most %d KiB",
		    name, CONFIG_VALUE_MAX / 1024);
	return value;
}

/* One NAME=VALUE or NAME into body; 0 or an exit status. */
static int
config_take(struct cli *cli, json_t *body, const char *word, int *asked)
{
	size_t len = strcspn(word, "=");
	json_t *value;
	char name[256];

	if (len == 0 || len >= sizeof(name))
		return cli_usage(cli, "'%s' is not NAME=VALUE", word);
	memcpy(name, word, len);
	name[len] = '\0';
	if (word[len] == '=')
		value = json_string(word + len + 1);
	else if ((*asked)++ > 0 && !isatty(STDIN_FILENO))
		return cli_usage(cli,
		    "%s: only one value can come from standard input", name);
	else if (!config_is_name(name))
		return cli_usage(cli, "'%s' is not NAME=VALUE", word);
	else if ((value = config_ask(cli, name)) == NULL)
		return EXIT_REFUSED;
	if (value == NULL || json_object_set_new(body, name, value) == -1)
		return cli_usage(cli, "%s: names and values are UTF-8", name);
	return 0;
}

static int
config_patch(struct cli *cli, json_t *body, const char *done)
{
	const char *name;
	json_t *vars, *value;
	int rc;

	rc = cli_call(
	    cli, "PATCH", body, &vars, "/apps/%s/config-vars", cli->app);
	if (rc != EXIT_OK) {
		json_decref(body);
		return rc;
	}
	if (cli->json) {
		json_decref(body);
		return cli_print_json(cli, vars);
	}
	json_object_foreach (body, name, value)
		out_line(&cli->out, "%s %s of %s", done, name, cli->app);
	json_decref(body);
	json_decref(vars);
	return EXIT_OK;
}

int
cmd_config_set(struct cli *cli)
{
	json_t *body = json_object();
	int i, rc, asked = 0;

	for (i = 0; i < cli->words.nargs; i++) {
		rc = config_take(cli, body, cli->words.args[i], &asked);
		if (rc != 0) {
			json_decref(body);
			return rc;
		}
	}
	return config_patch(cli, body, "Set");
}

int
cmd_config_unset(struct cli *cli)
{
	json_t *body = json_object();
	int i;

	for (i = 0; i < cli->words.nargs; i++) {
		if (json_object_set_new(
			body, cli->words.args[i], json_null()) == -1) {
			json_decref(body);
			return cli_usage(cli, "a name is text in UTF-8");
		}
	}
	return config_patch(cli, body, "Removed");
}
