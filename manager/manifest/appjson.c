/*
 * Heroku's app.json (https://devcenter.heroku.com/articles/app-json-schema).
 * It tells what a new app begins with: what somebody has set counts more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/reading.h"
#include "sandbox/sandbox.h"

static json_t *
list_of(struct reading *r, const char *name)
{
	json_t *list = json_object_get(r->app, name);

	if (list == NULL) {
		list = json_array();
		json_object_set_new(r->app, name, list);
	}
	return list;
}

/* ---- env --------------------------------------------------------------- */

static void
put_name(
    struct reading *r, const char *list, const char *name, struct node_place at)
{
	char path[192];

	if (!env_name_fits(r, name, at))
		return;
	if (json_array_size(list_of(r, list)) >= MANIFEST_ENV_MAX) {
		note(r->notes, NOTE_ERROR, at, "more than %d variables",
		    MANIFEST_ENV_MAX);
		return;
	}
	snprintf(path, sizeof(path), "%s.%s", list, name);
	put_place(r, path, at);
	json_array_append_new(list_of(r, list), json_string(name));
}

static const struct key env_keys[] = {
    {"description", TAKES_NOTHING, 0, 0, NULL, NULL, NULL},
    {"value", TAKES_NOTHING, 0, 0, NULL, NULL, NULL},
    {"generator", TAKES_NOTHING, 0, 0, NULL, NULL, NULL},
    {"required", TAKES_FLAG, 0, 0, NULL, NULL, NULL},
    {0},
};

/* {"value", "generator", "required"}, which is true unless it says so. */
static void
read_env_map(struct reading *r, const char *name, struct node_place at,
    const struct node *map)
{
	const struct node *value = node_get(map, "value");
	const struct node *generator = node_get(map, "generator");
	const struct node *required = node_get(map, "required");
	struct note_value shown;

	read_map(r, env_keys, map);
	if (generator != NULL && generator->kind != NODE_NULL) {
		if (generator->kind != NODE_TEXT ||
		    strcmp(generator->text, "secret") != 0)
			refuse(r, generator,
			    "generator has to be secret, not \"%s\"",
			    note_value(&shown, generator->kind == NODE_TEXT
						   ? generator->text
						   : "{}"));
		else
			put_name(r, "secrets", name, at);
	} else if (value != NULL && value->kind == NODE_TEXT) {
		put_env(r, name, at, value);
	} else if (value != NULL && value->kind != NODE_NULL) {
		refuse(r, value, "value takes a text");
	} else if (required == NULL || required->kind != NODE_TEXT ||
		   strcasecmp(required->text, "false") != 0) {
		put_name(r, "required", name, at);
	}
}

static void
read_env(struct reading *r, const struct key *key, const struct value *v)
{
	const struct node *env = v->node;

	(void)key;
	for (size_t i = 0; i < env->n; i++)
		if (env->v[i]->kind == NODE_MAP)
			read_env_map(
			    r, env->keys[i].text, env->keys[i].at, env->v[i]);
		else if (env->v[i]->kind == NODE_TEXT)
			put_env(
			    r, env->keys[i].text, env->keys[i].at, env->v[i]);
		else
			refuse(r, env->v[i],
			    "a variable is a text, or {\"value\", \"required\", "
			    "\"generator\"}");
}

/* ---- formation --------------------------------------------------------- */

/* Heroku's sizes, in MiB: devcenter.heroku.com/articles/dyno-types. */
static void
read_size(struct reading *r, const struct key *key, const struct value *v)
{
	static const struct {
		const char *name;
		int64_t mib;
	} sizes[] = {{"free", 512}, {"hobby", 512}, {"eco", 512},
	    {"basic", 512}, {"standard-1x", 512}, {"standard-2x", 1024},
	    {"performance-m", 2560}, {"performance-l", 14336},
	    {"performance-l-ram", 30720}, {"performance-xl", 63488},
	    {"performance-2xl", 129024}};
	struct note_value shown;
	struct value memory = *v;

	(void)key;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (strcasecmp(v->node->text, sizes[i].name) == 0) {
			static const struct key field = {
			    .name = "size", .field = "memory"};

			memory.number = sizes[i].mib * MIB;
			put_number(r, &field, &memory);
			return;
		}
	note(r->notes, NOTE_WARNING, v->node->at,
	    "the size \"%s\" is not known here: the process gets "
	    "instance_memory of paas.conf",
	    note_value(&shown, v->node->text));
}

static const struct key formation_keys[] = {
    {"quantity", TAKES_NUMBER, 0, 10000, put_number, NULL, "quantity"},
    {"size", TAKES_TEXT, 0, 0, read_size, NULL, NULL},
    {0},
};

static void
read_formation(struct reading *r, const struct key *key, const struct value *v)
{
	struct reading process = *r;
	struct note_value shown;

	(void)key;
	for (size_t i = 0; i < v->node->n; i++) {
		process.process = v->node->keys[i].text;
		if (!types_name_valid(process.process, strlen(process.process)))
			note(r->notes, NOTE_ERROR, v->node->keys[i].at,
			    "\"%s\" can't name a process type: " SANDBOX_TYPE_RULE,
			    note_value(&shown, process.process));
		else if (v->node->v[i]->kind != NODE_MAP)
			refuse(r, v->node->v[i],
			    "a process is {\"quantity\", \"size\"}");
		else
			read_map(&process, formation_keys, v->node->v[i]);
	}
}

/* ---- the rest ---------------------------------------------------------- */

static void
read_packs(struct reading *r, const struct key *key, const struct value *v)
{
	const struct node *url;

	(void)key;
	for (size_t i = 0; i < v->node->n; i++) {
		url = node_get(v->node->v[i], "url");
		if (url == NULL)
			refuse(r, v->node->v[i],
			    "a buildpack is {\"url\": \"...\"}");
		else
			put_pack(r, url);
	}
}

static void
read_addons(struct reading *r, const struct key *key, const struct value *v)
{
	const struct node *item, *plan;
	struct note_value shown;

	(void)key;
	for (size_t i = 0; i < v->node->n; i++) {
		item = v->node->v[i];
		plan = item->kind == NODE_MAP ? node_get(item, "plan") : item;
		if (plan == NULL || plan->kind != NODE_TEXT)
			refuse(r, item,
			    "an add-on is a plan, or {\"plan\": \"...\"}");
		else
			note(r->notes, NOTE_WARNING, item->at,
			    "the add-on \"%s\" is not made: this platform has "
			    "no services yet; set what it would (DATABASE_URL "
			    "and the like) with `paas config:set`",
			    note_value(&shown, plan->text));
	}
}

static void
read_postdeploy(struct reading *r, const struct key *key, const struct value *v)
{
	const struct node *command =
	    v->node->kind == NODE_MAP ? node_get(v->node, "command") : v->node;

	(void)key;
	if (command == NULL || command->kind != NODE_TEXT ||
	    command->text[0] == '\0')
		refuse(r, v->node, "postdeploy is a command");
	else
		json_object_set_new(
		    r->app, "postdeploy", json_string(command->text));
}

#define QUIET(name)                                         \
	{                                                   \
		name, TAKES_NOTHING, 0, 0, NULL, NULL, NULL \
	}

static const struct key script_keys[] = {
    {"postdeploy", TAKES_ANY, 0, 0, read_postdeploy, NULL, NULL},
    QUIET("pr-predestroy"),
    QUIET("test"),
    QUIET("test-setup"),
    {0},
};

static void
read_scripts(struct reading *r, const struct key *key, const struct value *v)
{
	(void)key;
	read_map(r, script_keys, v->node);
}

static const struct key keys[] = {
    QUIET("$schema"),
    QUIET("name"),
    QUIET("description"),
    QUIET("keywords"),
    QUIET("website"),
    QUIET("repository"),
    QUIET("logo"),
    QUIET("success_url"),
    QUIET("environments"),
    {"env", TAKES_MAP, 0, 0, read_env, NULL, NULL},
    {"formation", TAKES_MAP, 0, 0, read_formation, NULL, NULL},
    {"addons", TAKES_LIST, 0, 0, read_addons, NULL, NULL},
    {"buildpacks", TAKES_LIST, 0, 0, read_packs, NULL, NULL},
    {"scripts", TAKES_MAP, 0, 0, read_scripts, NULL, NULL},
    {"stack", TAKES_NOTHING, 0, 0, NULL,
	"has no effect: apps run on this machine's Debian", NULL},
    {"image", TAKES_NOTHING, 0, 0, NULL, "has no effect here", NULL},
    {0},
};

json_t *
appjson_read(const char *text, size_t len, struct notes *notes)
{
	struct reading r = {.notes = notes, .process = "web"};
	struct node *root = node_from_json(text, len, notes);

	if (root == NULL)
		return NULL;
	r.app = json_pack(
	    "{s:s, s:s, s:b}", "file", notes->file, "name", "", "defaults", 1);
	if (r.app == NULL)
		abort();
	if (root->kind != NODE_MAP)
		refuse(&r, root, "it has to be an object");
	else
		read_map(&r, keys, root);
	node_free(root);
	if (notes->errors == 0)
		return r.app;
	json_decref(r.app);
	return NULL;
}
