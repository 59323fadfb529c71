/* push: which app, which folder, and what to say at the end. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/app.h"
#include "cli/cli.h"
#include "cli/push/push.h"
#include "cli/push/push_manifest.h"
#include "cli/push/tar.h"
#include "cli/push/walk.h"

/* An archive is a file, an image in a folder has what makes it one. */
static int
push_check_image(
    struct cli *cli, struct push_what *what, struct tar_count *count)
{
	char path[PATH_MAX];
	struct stat st;

	memset(count, 0, sizeof(*count));
	if (stat(what->path, &st) == -1) {
		cli_error(
		    cli, "cannot push %s: %s", what->path, strerror(errno));
		return EXIT_REFUSED;
	}
	what->archive = S_ISREG(st.st_mode);
	count->bytes = (unsigned long long)st.st_size;
	snprintf(path, sizeof(path), "%s/oci-layout", what->path);
	if (what->archive || access(path, F_OK) == 0)
		return EXIT_OK;
	cli_error(cli,
	    "%s is no OCI image layout: make one with `skopeo copy "
	    "docker://IMAGE oci:DIR`, or oci-archive:FILE",
	    what->path);
	return EXIT_REFUSED;
}

/* What is pushed is there and holds something; 0, or an exit status. */
static int
push_check(struct cli *cli, struct push_what *what, struct tar_count *count)
{
	const char *folder = what->path;
	char why[PAAS_ERRLEN];
	int rc;

	if (what->image &&
	    ((rc = push_check_image(cli, what, count)) != EXIT_OK ||
		what->archive))
		return rc;
	if (tar_measure(folder, what->image ? WALK_WHOLE : 0, count, why) ==
	    -1) {
		cli_error(cli, "%s", why);
		return EXIT_REFUSED;
	}
	if (count->skipped > 0)
		out_line(&cli->err,
		    "       %llu sockets, pipes or devices are left out",
		    count->skipped);
	if (count->entries > 0)
		return EXIT_OK;
	cli_error(cli,
	    "there is nothing to push in %s: it is empty, or .gitignore and "
	    ".slugignore leave all of it out",
	    folder);
	return EXIT_REFUSED;
}

/* A new app has this name; 0, or an exit status. */
static int
push_create(struct cli *cli)
{
	json_t *body, *app;
	int rc;

	body = json_pack("{s:s}", "name", cli->app);
	rc = cli_call(cli, "POST", body, &app, "/apps");
	json_decref(body);
	json_decref(app);
	if (rc == EXIT_OK)
		out_line(cli->json ? &cli->err : &cli->out, "       Created %s",
		    cli->app);
	return rc;
}

/* Makes sure that there is an app to push to, before anything is sent. */
static int
push_find_app(struct cli *cli)
{
	char path[HTTP_PATH_MAX];
	struct http_call call = {.method = "GET", .path = path};
	struct http_answer answer;
	enum http_result result;

	http_path(path, "/apps/%s", cli->app);
	result = http_do(cli->http, &call, &answer);
	json_decref(answer.json);
	if (result == HTTP_OK)
		return EXIT_OK;
	if (result != HTTP_REFUSED || answer.status != 404)
		return cli_failed(cli, result, &answer);
	if (cli_has(cli, OPT_CREATE))
		return push_create(cli);
	cli_error(cli,
	    "there is no app %s: add --create to the push, or make "
	    "it with `paas apps:create %s`",
	    cli->app, cli->app);
	return EXIT_REFUSED;
}

/* The name: as everywhere; with --create the folder's own as a last resort. */
static int
push_name(struct cli *cli, const char *folder, int *from_folder)
{
	int rc = app_resolve(cli, folder);

	*from_folder = 0;
	if (rc != -1)
		return rc;
	if (!cli_has(cli, OPT_CREATE))
		return app_missing(cli);
	if (app_from_folder(folder, cli->app) == -1)
		return cli_usage(cli, "the folder's name makes no name of an "
				      "app: name it with -a");
	*from_folder = 1;
	return EXIT_OK;
}

static void
push_say_where(struct cli *cli, const json_t *result)
{
	struct cli_text text;
	json_t *app;

	if (cli_has(cli, OPT_DETACH)) {
		out_line(&cli->out, "The build goes on: paas builds -a %s",
		    cli->app);
		return;
	}
	/* A canary has some of the requests, and has said so. */
	if (json_is_false(
		json_object_get(json_object_get(result, "release"), "current")))
		return;
	if (cli_call(cli, "GET", NULL, &app, "/apps/%s", cli->app) != EXIT_OK)
		return;
	out_line(&cli->out, "       v%lld of %s serves at %s",
	    cli_int(result, "release.version"), cli->app,
	    cli_text(app, "web_url", &text));
	json_decref(app);
}

static int
push_measured(struct cli *cli, const struct push_what *what,
    const struct tar_count *count)
{
	json_t *result;
	int rc;

	rc = push_send(cli, what, count, &result);
	if (cli->json && result != NULL)
		out_json(&cli->out, result);
	else if (rc == EXIT_OK)
		push_say_where(cli, result);
	json_decref(result);
	return rc;
}

/* Of an app that is known to be there. */
static int
push_folder(struct cli *cli, const char *folder)
{
	struct push_what what = {.path = folder};
	struct tar_count count;
	int rc;

	if ((rc = push_check(cli, &what, &count)) != EXIT_OK)
		return rc;
	return push_measured(cli, &what, &count);
}

/*
 * "push APP", as cf has it: a word that is no folder, and could be the name of
 * an app, is that, unless another one is named.
 */
static const char *
push_place(struct cli *cli)
{
	const char *word = cli->words.nargs > 0 ? cli->words.args[0] : NULL;

	if (word == NULL || cli_has(cli, OPT_APP) || !app_name_valid(word) ||
	    access(word, F_OK) == 0)
		return word;
	cli->words.option[OPT_APP] = word;
	return NULL;
}

int
cmd_push(struct cli *cli)
{
	const char *place = push_place(cli);
	const char *folder = place != NULL ? place : ".";
	struct push_what what = {.path = folder};
	int rc, from_folder;
	struct tar_count count;

	if (cli_has(cli, OPT_IMAGE)) {
		if (place != NULL)
			return cli_usage(cli, "--image takes the place of DIR");
		what.path = cli->words.option[OPT_IMAGE];
		what.image = 1;
	} else if (push_manifest(cli, folder, push_folder, &rc))
		return rc;
	if (grammar_value(&cli->words, OPT_VAR, 0) != NULL ||
	    grammar_value(&cli->words, OPT_VARS_FILE, 0) != NULL)
		return cli_usage(cli, "there is no manifest that takes "
				      "variables: name it with -f");
	if ((rc = push_name(cli, folder, &from_folder)) != EXIT_OK ||
	    (rc = push_check(cli, &what, &count)) != EXIT_OK ||
	    (rc = push_find_app(cli)) != EXIT_OK)
		return rc;
	if (from_folder && app_remember(folder, cli->app) == 1)
		out_line(&cli->err, "       Wrote %s/%s: this folder is %s",
		    folder, APP_FILE, cli->app);
	return push_measured(cli, &what, &count);
}
