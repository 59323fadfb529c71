/*
 * buildpacks, buildpacks:add, :set, :remove, :clear.  The API knows the list
 * as a whole: each verb reads it, changes it and puts it back.
 */
#include <string.h>

#include "cli/cli.h"
#include "common/conf.h"
#include <bsd/stdlib.h>

/* The list as an array of texts. */
static int
packs_get(struct cli *cli, json_t **packs)
{
	json_t *answer, *one;
	struct cli_text text;
	size_t i;
	int rc;

	rc = cli_call(cli, "GET", NULL, &answer,
	    "/apps/%s/buildpack-installations", cli->app);
	if (rc != EXIT_OK)
		return rc;
	*packs = json_array();
	json_array_foreach (answer, i, one)
		json_array_append_new(
		    *packs, json_string(cli_text(one, "buildpack.url", &text)));
	json_decref(answer);
	return EXIT_OK;
}

static int
packs_show(struct cli *cli, json_t *answer)
{
	struct cli_text text;
	json_t *one;
	size_t i;

	if (cli->json)
		return cli_print_json(cli, answer);
	if (json_array_size(answer) == 0)
		out_line(&cli->out,
		    "%s has no buildpacks of its own: the one that fits is "
		    "found at each push",
		    cli->app);
	json_array_foreach (answer, i, one)
		out_line(&cli->out, "%zu. %s", i + 1,
		    cli_text(one, "buildpack.url", &text));
	json_decref(answer);
	return EXIT_OK;
}

/* Takes the list. */
static int
packs_put(struct cli *cli, json_t *packs)
{
	json_t *body, *answer, *one, *updates = json_array();
	size_t i;
	int rc;

	json_array_foreach (packs, i, one)
		json_array_append_new(
		    updates, json_pack("{s:O}", "buildpack", one));
	body = json_pack("{s:o}", "updates", updates);
	json_decref(packs);
	rc = cli_call(cli, "PUT", body, &answer,
	    "/apps/%s/buildpack-installations", cli->app);
	json_decref(body);
	if (rc != EXIT_OK)
		return rc;
	if (!cli->json && json_array_size(answer) > 0)
		out_line(&cli->out,
		    "The next push to %s is built with these:", cli->app);
	return packs_show(cli, answer);
}

/* --index, from 1; otherwise if it is not given; 0 after a complaint. */
static size_t
packs_index(struct cli *cli, size_t last, size_t otherwise)
{
	const char *text = cli->words.option[OPT_INDEX], *why;
	long long n;

	if (text == NULL)
		return otherwise;
	n = strtonum(text, 1, (long long)last, &why);
	if (why == NULL)
		return (size_t)n;
	cli_usage(cli,
	    last == 0 ? "there is none yet: leave --index out"
		      : "--index has to be from 1 to %zu",
	    last);
	return 0;
}

/* Where it is in the list; its size if it is not there. */
static size_t
packs_find(const json_t *packs, const char *pack)
{
	size_t i;

	for (i = 0; i < json_array_size(packs); i++)
		if (strcmp(json_string_value(json_array_get(packs, i)), pack) ==
		    0)
			break;
	return i;
}

int
cmd_buildpacks(struct cli *cli)
{
	json_t *answer;
	int rc;

	rc = cli_call(cli, "GET", NULL, &answer,
	    "/apps/%s/buildpack-installations", cli->app);
	return rc == EXIT_OK ? packs_show(cli, answer) : rc;
}

/* The pack of the command line, which the list must not have yet. */
static int
packs_new(struct cli *cli, json_t **packs, json_t **pack)
{
	int rc;

	*packs = NULL;
	if ((*pack = json_string(cli->words.args[0])) == NULL)
		return cli_usage(cli, "a buildpack is named in ASCII");
	if ((rc = packs_get(cli, packs)) != EXIT_OK) {
		json_decref(*pack);
		return rc;
	}
	if (packs_find(*packs, cli->words.args[0]) == json_array_size(*packs))
		return EXIT_OK;
	cli_error(cli, "%s has that buildpack already: see paas buildpacks",
	    cli->app);
	json_decref(*packs);
	json_decref(*pack);
	return EXIT_REFUSED;
}

int
cmd_buildpacks_add(struct cli *cli)
{
	json_t *packs, *pack;
	size_t n, size;
	int rc;

	if ((rc = packs_new(cli, &packs, &pack)) != EXIT_OK)
		return rc;
	size = json_array_size(packs);
	if ((n = packs_index(cli, size + 1, size + 1)) == 0) {
		json_decref(packs);
		json_decref(pack);
		return EXIT_USAGE;
	}
	json_array_insert_new(packs, n - 1, pack);
	return packs_put(cli, packs);
}

int
cmd_buildpacks_set(struct cli *cli)
{
	json_t *packs, *pack;
	size_t n, size;
	int rc;

	if ((rc = packs_new(cli, &packs, &pack)) != EXIT_OK)
		return rc;
	size = json_array_size(packs);
	if ((n = packs_index(cli, size + 1, 1)) == 0) {
		json_decref(packs);
		json_decref(pack);
		return EXIT_USAGE;
	}
	if (n <= size)
		json_array_set_new(packs, n - 1, pack);
	else
		json_array_append_new(packs, pack);
	return packs_put(cli, packs);
}

int
cmd_buildpacks_remove(struct cli *cli)
{
	const char *name = cli->words.nargs > 0 ? cli->words.args[0] : NULL;
	json_t *packs;
	size_t n, size;
	int rc;

	if ((name == NULL) == (cli->words.option[OPT_INDEX] == NULL))
		return cli_usage(
		    cli, "name the buildpack, or its place with --index");
	if ((rc = packs_get(cli, &packs)) != EXIT_OK)
		return rc;
	size = json_array_size(packs);
	n = name != NULL ? packs_find(packs, name) + 1
			 : packs_index(cli, size, 0);
	if (n > size) {
		cli_error(cli, "%s has no such buildpack: see paas buildpacks",
		    cli->app);
		json_decref(packs);
		return EXIT_REFUSED;
	}
	if (n == 0) {
		json_decref(packs);
		return EXIT_USAGE;
	}
	json_array_remove(packs, n - 1);
	return packs_put(cli, packs);
}

int
cmd_buildpacks_clear(struct cli *cli)
{
	return packs_put(cli, json_array());
}
