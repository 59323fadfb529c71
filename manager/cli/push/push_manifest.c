/*
 * push by a manifest: each of its apps in order, from its own folder.  All of
 * them are checked, by the platform too, before the first one is sent; apps
 * that were made for that go again if one of them can't be.
 */
#include <bsd/string.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/app.h"
#include "cli/push/push_manifest.h"
#include "cli/push/tar.h"
#include "manifest/manifest.h"

#define HINT "give it with --vars-file FILE or --var NAME=VALUE"

struct target {
	char name[CLI_APP_MAX + 1];
	char folder[PATH_MAX];
	char settings[17]; /* what the platform calls them */
	json_t *json;      /* borrowed */
	int created;
};

struct plan {
	struct cli *cli;
	char file[PATH_MAX];
	struct notes notes;
	struct vars vars;
	json_t *apps;
	size_t n;
	struct target v[MANIFEST_APPS_MAX];
};

/* ---- files ------------------------------------------------------------- */

/* NULL with errno; at most one byte more than may be read. */
static char *
read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "re");
	char *text;

	if (file == NULL)
		return NULL;
	if ((text = malloc(NODE_FILE_MAX + 1)) != NULL)
		*len = fread(text, 1, NODE_FILE_MAX + 1, file);
	if (text != NULL && ferror(file)) {
		free(text);
		text = NULL;
		errno = EISDIR;
	}
	fclose(file);
	return text;
}

/* A path as the manifest has it: from the manifest's own folder on. */
static int
beside(const char *manifest, const char *path, char out[PATH_MAX])
{
	const char *slash = strrchr(manifest, '/');
	int len =
	    path[0] == '/' || slash == NULL ? 0 : (int)(slash - manifest + 1);

	return (size_t)snprintf(out, PATH_MAX, "%.*s%s", len, manifest, path) <
		       PATH_MAX
		   ? 0
		   : -1;
}

static char *
inherit(const char *name, size_t *len, struct node_place at,
    struct notes *notes, void *arg)
{
	const struct plan *plan = arg;
	struct note_value shown;
	char path[PATH_MAX], *text = NULL;

	errno = ENAMETOOLONG;
	if (beside(plan->file, name, path) == 0)
		text = read_file(path, len);
	if (text == NULL)
		note(notes, NOTE_ERROR, at, "%s can't be read: %s",
		    note_value(&shown, name), strerror(errno));
	return text;
}

/* ---- reading ----------------------------------------------------------- */

static int
say_notes(struct plan *plan)
{
	for (size_t i = 0; i < plan->notes.n; i++)
		if (plan->notes.v[i].kind == NOTE_ERROR)
			cli_error(plan->cli, "%s", plan->notes.v[i].text);
		else
			out_line(&plan->cli->err, "       %s",
			    plan->notes.v[i].text);
	return plan->notes.errors > 0 ? EXIT_REFUSED : EXIT_OK;
}

static int
read_vars_file(struct plan *plan, const char *path)
{
	size_t len;
	char *text = read_file(path, &len);
	int rc;

	if (text == NULL) {
		cli_error(
		    plan->cli, "%s can't be read: %s", path, strerror(errno));
		return EXIT_REFUSED;
	}
	notes_begin(&plan->notes, path);
	(void)vars_add_file(&plan->vars, text, len, &plan->notes);
	rc = say_notes(plan);
	free(text);
	return rc;
}

static int
read_vars(struct plan *plan)
{
	struct cli *cli = plan->cli;
	const char *text;
	int rc;

	for (size_t i = 0;
	     (text = grammar_value(&cli->words, OPT_VARS_FILE, i)) != NULL; i++)
		if ((rc = read_vars_file(plan, text)) != EXIT_OK)
			return rc;
	for (size_t i = 0;
	     (text = grammar_value(&cli->words, OPT_VAR, i)) != NULL; i++)
		if (vars_add(&plan->vars, text) == -1)
			return cli_usage(
			    cli, "--var takes NAME=VALUE, not %s", text);
	return EXIT_OK;
}

static int
read_manifest(struct plan *plan)
{
	struct manifest_input input = {.file = plan->file,
	    .vars = &plan->vars,
	    .vars_hint = HINT,
	    .inherit = inherit,
	    .arg = plan};
	char *text = read_file(plan->file, &input.len);
	int rc;

	if (text == NULL) {
		cli_error(plan->cli, "%s can't be read: %s", plan->file,
		    strerror(errno));
		return EXIT_REFUSED;
	}
	input.text = text;
	notes_begin(&plan->notes, plan->file);
	plan->apps = manifest_read(&input, &plan->notes);
	rc = say_notes(plan);
	free(text);
	return rc;
}

/* ---- which apps, from where -------------------------------------------- */

/* What it is called: by the manifest, or as everywhere if it has no name. */
static int
target_name(struct plan *plan, struct target *target, const char *folder)
{
	const char *given = plan->cli->words.option[OPT_APP];
	const char *name =
	    json_string_value(json_object_get(target->json, "name"));
	int rc;

	if (given == NULL && name[0] != '\0') {
		strlcpy(target->name, name, sizeof(target->name));
		return EXIT_OK;
	}
	if ((rc = app_resolve(plan->cli, folder)) != EXIT_OK)
		return rc == -1 ? app_missing(plan->cli) : rc;
	strlcpy(target->name, plan->cli->app, sizeof(target->name));
	return EXIT_OK;
}

static int
target_add(struct plan *plan, json_t *app, const char *folder)
{
	struct target *target = &plan->v[plan->n++];
	const char *path = json_string_value(json_object_get(app, "path"));
	struct tar_count count;
	char why[PAAS_ERRLEN];
	struct stat st;
	int rc;

	target->json = app;
	if ((rc = target_name(plan, target, folder)) != EXIT_OK)
		return rc;
	if (path == NULL ||
	    (plan->cli->words.nargs > 0 && cli_has(plan->cli, OPT_MANIFEST)))
		strlcpy(target->folder, folder, sizeof(target->folder));
	else if (beside(plan->file, path, target->folder) == -1)
		target->folder[0] = '\0';
	if (stat(target->folder, &st) == -1 || !S_ISDIR(st.st_mode)) {
		cli_error(plan->cli,
		    "%s: the path of %s is no folder: %s; name the folder that "
		    "it is to be built from",
		    plan->file, target->name, target->folder);
		return EXIT_REFUSED;
	}
	if (tar_measure(target->folder, 0, &count, why) == -1) {
		cli_error(plan->cli, "%s", why);
		return EXIT_REFUSED;
	}
	json_object_del(app, "path");
	return EXIT_OK;
}

/* The one that -a names; the only one, whatever it is called; else all. */
static int
choose(struct plan *plan, const char *folder)
{
	const char *given = plan->cli->words.option[OPT_APP];
	json_t *app;
	size_t i;
	int rc;

	json_array_foreach (plan->apps, i, app) {
		if (given != NULL && json_array_size(plan->apps) > 1 &&
		    strcmp(given,
			json_string_value(json_object_get(app, "name"))) != 0)
			continue;
		if ((rc = target_add(plan, app, folder)) != EXIT_OK)
			return rc;
	}
	if (plan->n > 0)
		return EXIT_OK;
	cli_error(plan->cli, "%s has no app named %s", plan->file, given);
	return EXIT_REFUSED;
}

/* ---- before anything is sent ------------------------------------------- */

static int
make_app(struct plan *plan, struct target *target)
{
	char path[HTTP_PATH_MAX];
	struct http_call call = {.method = "GET", .path = path};
	struct http_answer answer;
	enum http_result result;
	json_t *body, *app;
	int rc;

	http_path(path, "/apps/%s", target->name);
	result = http_do(plan->cli->http, &call, &answer);
	json_decref(answer.json);
	if (result == HTTP_OK)
		return EXIT_OK;
	if (result != HTTP_REFUSED || answer.status != 404)
		return cli_failed(plan->cli, result, &answer);
	body = json_pack("{s:s}", "name", target->name);
	rc = cli_call(plan->cli, "POST", body, &app, "/apps");
	json_decref(body);
	json_decref(app);
	target->created = rc == EXIT_OK;
	return rc;
}

static int
check(struct plan *plan, struct target *target)
{
	struct cli_text text;
	json_t *answer;
	int rc;

	if ((rc = make_app(plan, target)) != EXIT_OK ||
	    (rc = cli_call(plan->cli, "POST", target->json, &answer,
		 "/apps/%s/settings", target->name)) != EXIT_OK)
		return rc;
	strlcpy(target->settings, cli_text(answer, "id", &text),
	    sizeof(target->settings));
	json_decref(answer);
	return EXIT_OK;
}

/* All, or none of them is there that was not before. */
static int
check_all(struct plan *plan)
{
	json_t *answer;
	int rc = EXIT_OK;

	for (size_t i = 0; i < plan->n && rc == EXIT_OK; i++)
		rc = check(plan, &plan->v[i]);
	for (size_t i = 0; i < plan->n; i++) {
		if (!plan->v[i].created)
			continue;
		if (rc == EXIT_OK)
			out_line(
			    plan->cli->json ? &plan->cli->err : &plan->cli->out,
			    "       Created %s", plan->v[i].name);
		else if (cli_call(plan->cli, "DELETE", NULL, &answer,
			     "/apps/%s", plan->v[i].name) == EXIT_OK)
			json_decref(answer);
	}
	return rc;
}

static int
push_all(struct plan *plan, int (*push)(struct cli *, const char *folder))
{
	struct cli *cli = plan->cli;
	int rc = EXIT_OK;

	for (size_t i = 0; i < plan->n && rc == EXIT_OK; i++) {
		strlcpy(cli->app, plan->v[i].name, sizeof(cli->app));
		strlcpy(
		    cli->settings, plan->v[i].settings, sizeof(cli->settings));
		if (plan->n > 1)
			out_line(cli->json ? &cli->err : &cli->out, "=====> %s",
			    cli->app);
		rc = push(cli, plan->v[i].folder);
	}
	return rc;
}

/* ---- the verb ---------------------------------------------------------- */

/* Sets file: 1, 0 if there is none. */
static int
find(struct cli *cli, const char *folder, char file[PATH_MAX])
{
	static const char *const names[] = {"manifest.yml", "manifest.yaml"};
	const char *given = cli->words.option[OPT_MANIFEST];

	if (given != NULL) {
		strlcpy(file, given, PATH_MAX);
		return 1;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(folder, ".") == 0)
			strlcpy(file, names[i], PATH_MAX);
		else
			snprintf(file, PATH_MAX, "%s/%s", folder, names[i]);
		if (access(file, F_OK) == 0)
			return 1;
	}
	return 0;
}

int
push_manifest(struct cli *cli, const char *folder,
    int (*push)(struct cli *, const char *folder), int *rc)
{
	struct plan *plan;

	if (cli_has(cli, OPT_NO_MANIFEST)) {
		strlcpy(cli->settings, "none", sizeof(cli->settings));
		return 0;
	}
	if ((plan = calloc(1, sizeof(*plan))) == NULL) {
		cli_error(cli, "out of memory");
		*rc = EXIT_REFUSED;
		return 1;
	}
	plan->cli = cli;
	if (!find(cli, folder, plan->file)) {
		free(plan);
		return 0;
	}
	if ((*rc = read_vars(plan)) == EXIT_OK &&
	    (*rc = read_manifest(plan)) == EXIT_OK &&
	    (*rc = choose(plan, folder)) == EXIT_OK &&
	    (*rc = check_all(plan)) == EXIT_OK)
		*rc = push_all(plan, push);
	vars_free(&plan->vars);
	json_decref(plan->apps);
	free(plan);
	return 1;
}
