/* ps:limits: what each process of a type may use. */
#include <bsd/stdlib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

enum form { FORM_SIZE, FORM_COUNT, FORM_PERCENT };

static const struct {
	const char *name, *label;
	enum form form;
} shown[] = {
    {"memory", "MEMORY", FORM_SIZE},
    {"swap", "SWAP", FORM_SIZE},
    {"disk", "DISK", FORM_SIZE},
    {"cpu_weight", "CPU WEIGHT", FORM_COUNT},
    {"cpu_quota", "CPU QUOTA", FORM_PERCENT},
    {"pids", "PIDS", FORM_COUNT},
    {"files", "FILES", FORM_COUNT},
    {"log_rate", "LOG RATE", FORM_SIZE},
};

#define SHOWN (sizeof(shown) / sizeof(shown[0]))

/* The form of a limit's value; one that is not known is a number. */
static enum form
form_of(const char *name)
{
	size_t i;

	for (i = 0; i < SHOWN; i++) {
		if (strcmp(shown[i].name, name) == 0)
			return shown[i].form;
	}
	return FORM_COUNT;
}

/* 536870912 as "512M", as far as it is one. */
static void
value_format(char *out, size_t len, enum form form, long long value)
{
	static const char units[] = "KMGT";
	size_t i = 0;

	if (form == FORM_PERCENT) {
		if (value == 0)
			snprintf(out, len, "none");
		else
			snprintf(out, len, "%lld%%", value);
		return;
	}
	while (form == FORM_SIZE && value != 0 && value % 1024 == 0 && i < 4) {
		value /= 1024;
		i++;
	}
	snprintf(out, len, i > 0 ? "%lld%c" : "%lld", value,
	    i > 0 ? units[i - 1] : ' ');
}

/* Takes the formation: a type, or a list of them. */
static int
limits_show(struct cli *cli, json_t *formation)
{
	struct table_column columns[SHOWN + 2] = {{"TYPE", 0}};
	struct cli_text text;
	struct table *table;
	json_t *type, *all;
	char value[32];
	size_t i, k;

	if (cli->json)
		return cli_print_json(cli, formation);
	for (k = 0; k < SHOWN; k++)
		columns[k + 1] = (struct table_column){shown[k].label, 1};
	columns[k + 1] = (struct table_column){0};
	all = json_is_array(formation) ? json_incref(formation)
				       : json_pack("[O]", formation);
	table = table_new(columns);
	json_array_foreach (all, i, type) {
		table_cell(
		    table, OUT_NONE, "%s", cli_text(type, "type", &text));
		for (k = 0; k < SHOWN; k++) {
			value_format(value, sizeof(value), shown[k].form,
			    cli_int(json_object_get(type, "limits"),
				shown[k].name));
			table_cell(table, OUT_NONE, "%s", value);
		}
	}
	table_print(table, &cli->out, "Nothing has limits: push first.");
	json_decref(all);
	json_decref(formation);
	return EXIT_OK;
}

/* "512M" in bytes, "50%" as 50; -1: it is neither. */
static long long
value_parse(const char *text, enum form form)
{
	static const char units[] = "KMGT";
	size_t len = strlen(text);
	const char *bad = NULL, *unit = NULL;
	char digits[24];
	long long n;

	if (len == 0 || len >= sizeof(digits))
		return -1;
	if (form == FORM_SIZE)
		unit = strchr(units, text[len - 1]);
	if (unit != NULL || (form == FORM_PERCENT && text[len - 1] == '%'))
		len--;
	memcpy(digits, text, len);
	digits[len] = '\0';
	n = strtonum(digits, 0, INT64_MAX >> 40, &bad);
	if (bad != NULL)
		return -1;
	return unit != NULL ? n << (10 * (unit - units + 1)) : n;
}

/* "memory=1G" into the body; -1 after having complained. */
static int
limit_take(struct cli *cli, json_t *body, const char *word)
{
	const char *value = strchr(word, '=');
	char name[32];
	long long n;

	if (value == NULL || (size_t)(value - word) >= sizeof(name)) {
		cli_usage(cli, "'%s' is not LIMIT=VALUE, as memory=1G", word);
		return -1;
	}
	memcpy(name, word, (size_t)(value - word));
	name[value - word] = '\0';
	value++;
	if (strcmp(value, "default") == 0) {
		json_object_set_new(body, name, json_null());
		return 0;
	}
	if (strcmp(value, "none") == 0 && form_of(name) == FORM_PERCENT)
		value = "0";
	if ((n = value_parse(value, form_of(name))) == -1) {
		cli_usage(cli, "%s: '%s' is not %s, nor the word default", name,
		    value,
		    form_of(name) == FORM_SIZE ? "a size, as 512M"
		    : form_of(name) == FORM_PERCENT
			? "a percentage of one CPU, as 50%"
			: "a number");
		return -1;
	}
	json_object_set_new(body, name, json_integer((json_int_t)n));
	return 0;
}

int
cmd_ps_limits(struct cli *cli)
{
	const char *type = cli->words.nargs > 0 ? cli->words.args[0] : NULL;
	json_t *answer, *body;
	int i, rc;

	if (cli->words.nargs < 2) {
		if (type == NULL)
			rc = cli_call(cli, "GET", NULL, &answer,
			    "/apps/%s/formation", cli->app);
		else
			rc = cli_call(cli, "GET", NULL, &answer,
			    "/apps/%s/formation/%s", cli->app, type);
		return rc == EXIT_OK ? limits_show(cli, answer) : rc;
	}
	body = json_object();
	for (i = 1; i < cli->words.nargs; i++) {
		if (limit_take(cli, body, cli->words.args[i]) == -1) {
			json_decref(body);
			return EXIT_USAGE;
		}
	}
	rc = cli_call(cli, "PATCH", body, &answer,
	    "/apps/%s/formation/%s/limits", cli->app, type);
	json_decref(body);
	return rc == EXIT_OK ? limits_show(cli, answer) : rc;
}
