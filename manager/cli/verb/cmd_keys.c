/* keys, keys:add, keys:remove. */
#include <bsd/string.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/app.h"
#include "cli/cli.h"

#define KEY_MAX 8192

int
cmd_keys(struct cli *cli)
{
	static const struct table_column columns[] = {{"FINGERPRINT", 0},
	    {"COMMENT", 0}, {"USER", 0}, {"ADDED", 0}, {"LAST USED", 0}, {0}};
	struct table *table;
	struct cli_text text;
	json_t *keys, *key;
	char ago[64];
	size_t i;
	int rc;

	rc = cli_call(cli, "GET", NULL, &keys, "/account/keys");
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, keys);
	table = table_new(columns);
	json_array_foreach (keys, i, key) {
		table_cell(
		    table, OUT_NONE, "%s", cli_text(key, "fingerprint", &text));
		table_cell(
		    table, OUT_NONE, "%s", cli_text(key, "comment", &text));
		table_cell(
		    table, OUT_NONE, "%s", cli_text(key, "user.email", &text));
		out_ago(ago, sizeof(ago), cli_text(key, "created_at", &text));
		table_cell(table, OUT_DIM, "%s", ago);
		out_ago(ago, sizeof(ago), cli_text(key, "last_used_at", &text));
		table_cell(
		    table, OUT_DIM, "%s", ago[0] != '\0' ? ago : "never");
	}
	table_print(table, &cli->out, "No keys: `paas keys:add` adds yours.");
	json_decref(keys);
	return EXIT_OK;
}

/* ---- keys:add ---------------------------------------------------------- */

/* What ssh takes if nothing else is said. */
static FILE *
key_open_own(char path[PATH_MAX])
{
	static const char *const names[] = {
	    "id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub"};
	const char *home = getenv("HOME");
	FILE *file = NULL;
	size_t i;

	for (i = 0; home != NULL && file == NULL &&
		    i < sizeof(names) / sizeof(names[0]);
	     i++) {
		snprintf(path, PATH_MAX, "%s/.ssh/%s", home, names[i]);
		file = fopen(path, "re");
	}
	return file;
}

static FILE *
key_open(struct cli *cli, char path[PATH_MAX])
{
	const char *name = cli->words.nargs > 0 ? cli->words.args[0] : NULL;
	FILE *file;

	if (name == NULL) {
		if ((file = key_open_own(path)) == NULL)
			cli_error(cli,
			    "there is no public key in ~/.ssh: ssh-keygen -t "
			    "ed25519 makes one, or name the file");
		return file;
	}
	strlcpy(path, name, PATH_MAX);
	if (strcmp(name, "-") == 0)
		return stdin;
	if ((file = fopen(name, "re")) == NULL)
		cli_error(cli, "cannot read %s: %s", name, strerror(errno));
	return file;
}

static json_t *
key_read(struct cli *cli)
{
	char path[PATH_MAX], text[KEY_MAX];
	FILE *file = key_open(cli, path);
	json_t *body = NULL;
	size_t len;

	if (file == NULL)
		return NULL;
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	/* It is nobody's business, and goes nowhere. */
	if (strstr(text, "PRIVATE KEY-") != NULL)
		cli_error(cli,
		    "%s is a private key: take the public one, %s.pub", path,
		    path);
	else if (ferror(file) ||
		 (body = json_pack("{s:s%}", "public_key", text, len)) == NULL)
		cli_error(cli, "%s is no public key of ssh's", path);
	if (file != stdin)
		(void)fclose(file);
	explicit_bzero(text, sizeof(text));
	return body;
}

int
cmd_keys_add(struct cli *cli)
{
	struct cli_text text;
	json_t *body, *key;
	int rc;

	if ((body = key_read(cli)) == NULL)
		return EXIT_REFUSED;
	rc = cli_call(cli, "POST", body, &key, "/account/keys");
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	if (cli->json)
		return cli_print_json(cli, key);
	out_line(&cli->out, "Who has the key %s may push over SSH now",
	    cli_text(key, "fingerprint", &text));
	json_decref(key);
	return EXIT_OK;
}

/* ---- keys:remove ------------------------------------------------------- */

static int
key_is_named(const json_t *key, const char *name)
{
	static const char *const fields[] = {"fingerprint", "id", "comment"};
	struct cli_text text;
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(cli_text(key, fields[i], &text), name) == 0)
			return 1;
	return 0;
}

/* Borrowed; NULL after a complaint. */
static const json_t *
key_named(struct cli *cli, const json_t *keys, const char *name)
{
	const json_t *key, *found = NULL;
	size_t i, n = 0;

	json_array_foreach (keys, i, key)
		if (*name != '\0' && key_is_named(key, name)) {
			found = key;
			n++;
		}
	if (n == 1)
		return found;
	if (n == 0)
		cli_error(
		    cli, "there is no key %s: paas keys lists them", name);
	else
		cli_error(cli,
		    "there are %zu keys %s: name one by its fingerprint", n,
		    name);
	return NULL;
}

int
cmd_keys_remove(struct cli *cli)
{
	struct cli_text text;
	const json_t *key;
	json_t *keys, *gone;
	int i, rc;

	rc = cli_call(cli, "GET", NULL, &keys, "/account/keys");
	for (i = 0; rc == EXIT_OK && i < cli->words.nargs; i++) {
		key = key_named(cli, keys, cli->words.args[i]);
		if (key == NULL) {
			rc = EXIT_REFUSED;
			break;
		}
		rc = cli_call(cli, "DELETE", NULL, &gone, "/account/keys/%s",
		    cli_text(key, "id", &text));
		if (rc != EXIT_OK)
			break;
		if (cli->json)
			(void)cli_print_json(cli, gone);
		else {
			out_line(&cli->out,
			    "The key %s is good for nothing now",
			    cli_text(gone, "fingerprint", &text));
			json_decref(gone);
		}
	}
	json_decref(keys);
	return rc;
}
