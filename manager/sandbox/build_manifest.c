/*
 * What the app says of itself: manifest.yml or app.json of the tree, or the
 * settings that somebody sent with the push, who has read the file himself.
 * Here they have effect on the build; the manager does the rest with the
 * release.
 */
#include "sandbox/build.h"

#include <bsd/stdlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARS_HINT                                                            \
	"push with `paas push --vars-file FILE` or `--var NAME=VALUE`; git " \
	"push knows no variables"

/* Settings that came with the push, as JSON, or the word none. */
#define GIVEN "PAAS_SETTINGS"

/* The app of several that is meant: by its name, else the only one. */
static json_t *
choose(json_t *apps, const char *name, struct notes *notes)
{
	struct node_place nowhere = {0, 0};
	json_t *app;
	size_t i;

	json_array_foreach (apps, i, app)
		if (strcmp(json_string_value(json_object_get(app, "name")),
			name) == 0)
			return json_incref(app);
	if (json_array_size(apps) == 1)
		return json_incref(json_array_get(apps, 0));
	note(notes, NOTE_ERROR, nowhere,
	    "it has several apps, and none is named %s", name);
	return NULL;
}

static json_t *
read_cf(const char *name, const struct file *file, struct notes *notes)
{
	struct manifest_input input = {.file = name,
	    .text = file->text,
	    .len = file->len,
	    .vars_hint = VARS_HINT};
	const char *app = getenv("PAAS_APP"), *path;
	struct node_place nowhere = {0, 0};
	json_t *apps = manifest_read(&input, notes), *settings;

	if (apps == NULL)
		return NULL;
	settings = choose(apps, app != NULL ? app : "", notes);
	json_decref(apps);
	path = json_string_value(json_object_get(settings, "path"));
	if (path != NULL && strcmp(path, ".") != 0 && strcmp(path, "./") != 0)
		note(notes, NOTE_WARNING, nowhere,
		    "path counts with `paas push` alone: all of the tree is "
		    "built");
	return settings;
}

static json_t *
read_app(const char *name, const struct file *file, struct notes *notes)
{
	(void)name;
	return appjson_read(file->text, file->len, notes);
}

/* The first one that is there counts. */
static const struct {
	const char *name;
	json_t *(*read)(const char *name, const struct file *, struct notes *);
} files[] = {
    {"manifest.yml", read_cf},
    {"manifest.yaml", read_cf},
    {"app.json", read_app},
};

/* All but the first error, which the caller prints last. */
static void
print_notes(const struct notes *notes)
{
	const char *first = notes_first(notes);

	for (size_t i = 0; i < notes->n; i++)
		if (notes->v[i].text != first)
			printf("%s%s\n",
			    notes->v[i].kind == NOTE_ERROR ? " !     "
							   : "       ",
			    notes->v[i].text);
}

static int
read_file(size_t nth, const struct file *file, struct build_manifest *manifest,
    char err[SANDBOX_ERRLEN])
{
	struct notes *notes = calloc(1, sizeof(*notes));
	int result = 0;

	if (notes == NULL)
		abort();
	printf("-----> Reading %s\n", files[nth].name);
	notes_begin(notes, files[nth].name);
	manifest->settings = files[nth].read(files[nth].name, file, notes);
	print_notes(notes);
	if (manifest->settings == NULL) {
		snprintf(err, SANDBOX_ERRLEN, "%.500s.", notes_first(notes));
		result = -1;
	}
	manifest->from_tree = 1;
	free(notes);
	return result;
}

static int
read_given(const char *given, struct build_manifest *manifest,
    char err[SANDBOX_ERRLEN])
{
	if (strcmp(given, "none") == 0)
		return 0;
	manifest->settings = json_loads(given, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(manifest->settings))
		return 0;
	snprintf(err, SANDBOX_ERRLEN, "The settings of the push are no JSON.");
	return -1;
}

/* ---- effects ----------------------------------------------------------- */

static const char *
config_name(char out[256], const char *name)
{
	snprintf(out, 256, ENV_CONFIG "%.200s", name);
	return out;
}

/* The build sees what the release will have. */
static void
set_env(const json_t *settings)
{
	int defaults = json_is_true(json_object_get(settings, "defaults"));
	char var[256], secret[33];
	const char *name;
	json_t *value;
	size_t i;

	json_object_foreach (json_object_get(settings, "env"), name, value)
		if (json_is_string(value))
			setenv(config_name(var, name), json_string_value(value),
			    !defaults);
		else
			unsetenv(config_name(var, name));
	/* The real one is made with the release; this one lasts a build. */
	json_array_foreach (json_object_get(settings, "secrets"), i, value) {
		snprintf(secret, sizeof(secret), "%08x%08x%08x%08x",
		    arc4random(), arc4random(), arc4random(), arc4random());
		setenv(config_name(var, json_string_value(value)), secret, 0);
	}
}

/* All names that are wanted and not there, in one sentence. */
static int
check_required(const json_t *settings, char err[SANDBOX_ERRLEN])
{
	char var[256], names[300] = "";
	const char *name;
	json_t *value;
	size_t i, len = 0, missing = 0;

	json_array_foreach (json_object_get(settings, "required"), i, value) {
		name = json_string_value(value);
		if (name == NULL || getenv(config_name(var, name)) != NULL)
			continue;
		missing++;
		if (len < sizeof(names))
			len +=
			    (size_t)snprintf(names + len, sizeof(names) - len,
				"%s%s", len > 0 ? ", " : "", name);
	}
	if (missing == 0)
		return 0;
	snprintf(err, SANDBOX_ERRLEN,
	    "app.json: env requires %s, which %s not set: `paas config:set "
	    "NAME=VALUE` first.",
	    names, missing == 1 ? "is" : "are");
	return -1;
}

static void
take_commands(const json_t *settings, struct types *types)
{
	const char *type, *command;
	json_t *process;

	json_object_foreach (
	    json_object_get(settings, "processes"), type, process) {
		command =
		    json_string_value(json_object_get(process, "command"));
		if (command != NULL)
			(void)types_add(types, type, strlen(type), command,
			    strlen(command), 0);
	}
}

/* Cloud Foundry's binary_buildpack does nothing: what runs is a command's. */
static void
take_packs(struct build_manifest *manifest)
{
	json_t *packs = json_object_get(manifest->settings, "buildpacks");
	const char *name;
	json_t *pack;
	size_t i;

	json_array_foreach (packs, i, pack) {
		name = json_string_value(pack);
		if (name == NULL || manifest->npacks == PACKS_MAX)
			continue;
		if (strcmp(name, "binary_buildpack") == 0)
			manifest->binary = 1;
		else if ((manifest->packs[manifest->npacks++] = strdup(name)) ==
			 NULL)
			abort();
	}
}

int
manifest_load(
    const char *app, struct build_manifest *manifest, char err[SANDBOX_ERRLEN])
{
	const char *given = getenv(GIVEN);
	struct file file = {0};
	int result = 0;

	if (given != NULL) {
		result = read_given(given, manifest, err);
	} else
		for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
			result = file_read(
			    app, files[i].name, NODE_FILE_MAX, &file, err);
			if (result == 0)
				continue;
			if (result == 1)
				result = read_file(i, &file, manifest, err);
			free(file.text);
			break;
		}
	if (result == -1 || manifest->settings == NULL)
		return result;
	take_commands(manifest->settings, &manifest->commands);
	take_packs(manifest);
	if (check_required(manifest->settings, err) == -1)
		return -1;
	set_env(manifest->settings);
	return 0;
}

void
manifest_free(struct build_manifest *manifest)
{
	json_decref(manifest->settings);
	types_free(&manifest->commands);
	for (size_t i = 0; i < manifest->npacks; i++)
		free(manifest->packs[i]);
}
