/* ps:health, ps:readiness, ps:timeouts: how processes are checked. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const char *
type_of(const struct cli *cli)
{
	const char *type = cli->words.option[OPT_PS];

	return type != NULL ? type : "web";
}

/* ---- what is ----------------------------------------------------------- */

static void
check_say(struct cli *cli, const char *what, json_t *check, const char *none)
{
	struct cli_text text;
	const char *name;
	json_t *value;

	if (!json_is_object(check) || json_object_size(check) == 0) {
		out_line(&cli->out, "%s of %s is checked by %s", what, cli->app,
		    none);
		return;
	}
	if (cli_text(check, "path", &text)[0] != '\0')
		out_line(&cli->out, "%s of %s is checked by GET %s", what,
		    cli->app, cli_text(check, "path", &text));
	else if (cli_text(check, "command", &text)[0] != '\0')
		out_line(&cli->out, "%s of %s is checked by: %s", what,
		    cli->app, cli_text(check, "command", &text));
	else if (strcmp(cli_text(check, "type", &text), "process") == 0)
		out_line(&cli->out, "%s of %s is checked by its process", what,
		    cli->app);
	else
		out_line(&cli->out, "%s of %s is checked by its port", what,
		    cli->app);
	json_object_foreach (check, name, value) {
		if (json_is_integer(value))
			out_line(&cli->out, "  %s %lld", name,
			    (long long)json_integer_value(value));
		else if (strcmp(name, "status") == 0)
			out_line(&cli->out, "  status %s",
			    cli_text(check, "status", &text));
	}
	check = json_object_get(check, "headers");
	json_object_foreach (check, name, value)
		out_line(&cli->out, "  header %s: %s", name,
		    json_string_value(value));
}

/* Takes the answer. */
static int
checks_show(struct cli *cli, json_t *formation)
{
	json_t *readiness = json_object_get(formation, "readiness");

	if (cli->json)
		return cli_print_json(cli, formation);
	check_say(cli, type_of(cli), json_object_get(formation, "health"),
	    strcmp(type_of(cli), "web") == 0 ? "its port" : "its process");
	if (json_is_object(readiness))
		check_say(cli, "readiness", readiness, "its port");
	json_decref(formation);
	return EXIT_OK;
}

/* ---- what is to be ----------------------------------------------------- */

/* A number where it is one, but for what is text. */
static void
setting_put(json_t *check, const char *name, const char *value)
{
	long long number;
	char *end;

	number = strtoll(value, &end, 10);
	if (*value == '\0')
		json_object_del(check, name);
	else if (*end == '\0' && strcmp(name, "status") != 0 &&
		 strcmp(name, "command") != 0)
		json_object_set_new(check, name, json_integer(number));
	else
		json_object_set_new(check, name, json_string(value));
}

/* "header=NAME: VALUE" */
static int
header_put(struct cli *cli, json_t *check, const char *text)
{
	json_t *headers = json_object_get(check, "headers");
	const char *colon = strchr(text, ':');
	char name[64];

	if (colon == NULL || (size_t)(colon - text) >= sizeof(name)) {
		cli_usage(cli, "'%s' is not NAME:VALUE of a header", text);
		return -1;
	}
	memcpy(name, text, (size_t)(colon - text));
	name[colon - text] = '\0';
	for (colon++; *colon == ' '; colon++)
		;
	if (headers == NULL) {
		headers = json_object();
		json_object_set_new(check, "headers", headers);
	}
	if (*colon == '\0')
		json_object_del(headers, name);
	else
		json_object_set_new(headers, name, json_string(colon));
	return 0;
}

/* Another kind of check: what was of the one before goes. */
static void
kind_put(json_t *check, const char *type, const char *field, const char *value)
{
	static const char *const of[] = {
	    "path", "status", "headers", "command"};
	size_t i;

	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		if (strcmp(type, "http") != 0 || strcmp(of[i], "command") == 0)
			json_object_del(check, of[i]);
	}
	json_object_set_new(check, "type", json_string(type));
	if (field != NULL)
		json_object_set_new(check, field, json_string(value));
}

static int
word_put(struct cli *cli, json_t *check, const char *word)
{
	char name[32];
	const char *value = strchr(word, '=');

	if (word[0] == '/') {
		kind_put(check, "http", "path", word);
	} else if (strcmp(word, "port") == 0 || strcmp(word, "process") == 0) {
		kind_put(check, word, NULL, NULL);
	} else if (value == NULL || value == word ||
		   (size_t)(value - word) >= sizeof(name)) {
		cli_usage(cli,
		    "'%s' is neither a path as /healthz, nor port or process, "
		    "nor SETTING=VALUE, as timeout=2",
		    word);
		return -1;
	} else {
		memcpy(name, word, (size_t)(value - word));
		name[value++ - word] = '\0';
		if (strcmp(name, "header") == 0)
			return header_put(cli, check, value);
		if (strcmp(name, "command") == 0 && *value != '\0')
			kind_put(check, "command", "command", value);
		else
			setting_put(check, name, value);
	}
	return 0;
}

static int
check_change(struct cli *cli, const char *field, json_t *formation)
{
	json_t *check = json_object_get(formation, field), *answer;
	int i, rc = EXIT_OK;

	check = json_is_object(check) ? json_deep_copy(check) : json_object();
	for (i = 0; i < cli->words.nargs && rc == EXIT_OK; i++)
		if (word_put(cli, check, cli->words.args[i]) == -1)
			rc = EXIT_USAGE;
	if (rc == EXIT_OK)
		rc = cli_call(cli, "PUT", check, &answer,
		    "/apps/%s/formation/%s/%s", cli->app, type_of(cli), field);
	json_decref(check);
	return rc == EXIT_OK ? checks_show(cli, answer) : rc;
}

static int
check_verb(struct cli *cli, const char *field, const char *none)
{
	const char *word = cli->words.nargs > 0 ? cli->words.args[0] : NULL;
	json_t *formation;
	int rc;

	if (word != NULL && cli->words.nargs == 1 && strcmp(word, none) == 0)
		rc = cli_call(cli, "DELETE", NULL, &formation,
		    "/apps/%s/formation/%s/%s", cli->app, type_of(cli), field);
	else
		rc = cli_call(cli, "GET", NULL, &formation,
		    "/apps/%s/formation/%s", cli->app, type_of(cli));
	if (rc != EXIT_OK)
		return rc;
	if (word == NULL || (cli->words.nargs == 1 && strcmp(word, none) == 0))
		return checks_show(cli, formation);
	rc = check_change(cli, field, formation);
	json_decref(formation);
	return rc;
}

int
cmd_ps_health(struct cli *cli)
{
	return check_verb(cli, "health", "default");
}

int
cmd_ps_readiness(struct cli *cli)
{
	return check_verb(cli, "readiness", "off");
}

/* ---- times ------------------------------------------------------------- */

static void
time_say(struct cli *cli, json_t *formation, const char *name, const char *what)
{
	json_t *value = json_object_get(formation, name);

	if (json_is_integer(value))
		out_line(&cli->out, "%-6s %lld s", what,
		    (long long)json_integer_value(value));
	else
		out_line(&cli->out, "%-6s as in paas.conf", what);
}

int
cmd_ps_timeouts(struct cli *cli)
{
	static const char *const names[][2] = {{"start", "start_timeout"},
	    {"drain", "drain_timeout"}, {"stop", "stop_timeout"}};
	json_t *body = json_object(), *formation;
	const char *value;
	size_t j, n = sizeof(names) / sizeof(names[0]);
	int i, rc;

	for (i = 0; i < cli->words.nargs; i++) {
		value = strchr(cli->words.args[i], '=');
		for (j = 0; j < n; j++)
			if (value != NULL &&
			    strncmp(names[j][0], cli->words.args[i],
				(size_t)(value - cli->words.args[i])) == 0 &&
			    strlen(names[j][0]) ==
				(size_t)(value - cli->words.args[i]))
				break;
		if (value == NULL || j == n) {
			json_decref(body);
			return cli_usage(cli,
			    "'%s' is not start=SECONDS, drain=SECONDS or "
			    "stop=SECONDS",
			    cli->words.args[i]);
		}
		json_object_set_new(body, names[j][1],
		    value[1] != '\0' ? json_string(value + 1) : json_null());
	}
	rc = cli_call(cli, cli->words.nargs > 0 ? "PATCH" : "GET",
	    cli->words.nargs > 0 ? body : NULL, &formation,
	    "/apps/%s/formation/%s", cli->app, type_of(cli));
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, formation);
	for (j = 0; j < n; j++)
		time_say(cli, formation, names[j][1], names[j][0]);
	json_decref(formation);
	return EXIT_OK;
}
