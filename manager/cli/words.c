/* What the words of several verbs have in common. */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <string.h>

#include "cli/cli.h"

long long
cli_seconds(struct cli *cli, const char *option, const char *word)
{
	static const struct {
		char letter;
		long long seconds;
	} units[] = {
	    {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	size_t len = strlen(word), i;
	const char *bad = NULL;
	char digits[16];
	long long n;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (len < 2 || word[len - 1] != units[i].letter ||
		    strlcpy(digits, word, sizeof(digits)) >= sizeof(digits))
			continue;
		digits[len - 1] = '\0';
		n = strtonum(digits, 1, 1000000000, &bad);
		if (bad == NULL)
			return n * units[i].seconds;
	}
	(void)cli_usage(cli,
	    "--%s %s: a number and s, m, h, d or w, as 30d for thirty days",
	    option, word);
	return -1;
}

/* A word that a shell takes as it is, or one in quotes that it takes so. */
static int
command_word(char *out, size_t len, const char *word)
{
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	    "@%_-+=:,./";
	size_t n = 0;
	const char *p;

	if (*word != '\0' && strspn(word, plain) == strlen(word))
		return strlcpy(out, word, len) < len ? 0 : -1;
	if (len < 3)
		return -1;
	out[n++] = '\'';
	for (p = word; *p != '\0'; p++) {
		if (n + 6 > len)
			return -1;
		if (*p == '\'') {
			memcpy(out + n, "'\\''", 4);
			n += 4;
		} else
			out[n++] = *p;
	}
	out[n++] = '\'';
	out[n] = '\0';
	return 0;
}

int
cli_command(struct cli *cli, char *out, size_t len, int first)
{
	size_t n = 0;
	int i;

	/* One word is a line of shell; of several, each is a word of it. */
	out[0] = '\0';
	if (cli->words.nargs == first + 1)
		n = strlcpy(out, cli->words.args[first], len);
	for (i = first; cli->words.nargs > first + 1 && i < cli->words.nargs;
	     i++) {
		if (i > first)
			(void)strlcat(out, " ", len);
		n = strlen(out);
		if (n + 1 >= len ||
		    command_word(out + n, len - n, cli->words.args[i]) == -1)
			n = len;
		if (n >= len)
			break;
	}
	if (n < len)
		return 0;
	(void)cli_usage(cli, "the command is over %zu bytes", len - 1);
	return -1;
}

json_t *
cli_env(struct cli *cli, const char *list)
{
	json_t *env = json_object(), *value;
	const char *eq;
	char name[160];
	size_t len;

	for (; list != NULL && *list != '\0';
	     list += len + (list[len] == ';')) {
		len = strcspn(list, ";");
		if (len == 0)
			continue;
		eq = memchr(list, '=', len);
		if (eq == NULL || eq == list ||
		    (size_t)(eq - list) >= sizeof(name)) {
			(void)cli_usage(cli,
			    "--env %s: each is NAME=VALUE, with ';' between "
			    "them",
			    list);
			json_decref(env);
			return NULL;
		}
		memcpy(name, list, (size_t)(eq - list));
		name[eq - list] = '\0';
		value = json_stringn(eq + 1, (size_t)(list + len - eq - 1));
		if (value == NULL || json_object_set_new(env, name, value)) {
			(void)cli_usage(cli, "--env is not text in UTF-8");
			json_decref(env);
			return NULL;
		}
	}
	return env;
}
