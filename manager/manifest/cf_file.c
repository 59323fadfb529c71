/*
 * manifest.yml as a file: what it inherits, what it says of all apps, and
 * its apps in order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/cf.h"

struct file {
	const struct manifest_input *input;
	struct notes *notes;
	int depth;
};

static struct node *
app_named(const struct node *apps, const char *name)
{
	const struct node *other;

	for (size_t i = 0; apps != NULL && i < apps->n; i++) {
		other = node_get(apps->v[i], "name");
		if (other != NULL && other->kind == NODE_TEXT &&
		    strcmp(other->text, name) == 0)
			return apps->v[i];
	}
	return NULL;
}

/* An app that both have is one, and what the child says counts. */
static void
merge_apps(struct node *apps, const struct node *parent)
{
	const struct node *name;
	struct node *mine;

	if (parent == NULL || parent->kind != NODE_LIST ||
	    apps->kind != NODE_LIST)
		return;
	for (size_t i = 0; i < parent->n; i++) {
		name = node_get(parent->v[i], "name");
		mine = name != NULL && name->kind == NODE_TEXT
			   ? app_named(apps, name->text)
			   : NULL;
		if (mine != NULL)
			node_merge(mine, parent->v[i], 1);
		else
			node_add(apps, node_copy(parent->v[i]));
	}
}

static struct node *
load(struct file *file, const char *text, size_t len)
{
	struct node *root = node_from_yaml(text, len, file->notes);

	if (root == NULL)
		return NULL;
	if (root->kind != NODE_MAP) {
		note(file->notes, NOTE_ERROR, root->at,
		    "a manifest is a map with the key applications");
		node_free(root);
		return NULL;
	}
	return root;
}

/* Notes about a parent name its file, and not ours. */
static struct node *
load_parent(struct file *file, const struct node *inherit)
{
	char ours[NOTE_FILE], *text;
	struct notes *notes = file->notes;
	struct node *parent = NULL;
	size_t len;

	text = file->input->inherit(
	    inherit->text, &len, inherit->at, notes, file->input->arg);
	if (text == NULL)
		return NULL;
	memcpy(ours, notes->file, sizeof(ours));
	snprintf(notes->file, sizeof(notes->file), "%s",
	    note_value(&(struct note_value){""}, inherit->text));
	parent = load(file, text, len);
	memcpy(notes->file, ours, sizeof(ours));
	free(text);
	return parent;
}

/* 0, or -1 with a note. */
static int
inherit_all(struct file *file, struct node *root)
{
	struct node *inherit = node_get(root, "inherit"), *parent, *apps;

	if (inherit == NULL || inherit->kind == NODE_NULL)
		return 0;
	if (inherit->kind != NODE_TEXT || file->input->inherit == NULL ||
	    ++file->depth > MANIFEST_INHERIT_MAX) {
		note(file->notes, NOTE_ERROR, inherit->at,
		    inherit->kind != NODE_TEXT
			? "inherit names a file"
			: "inherit leads to more than %d files, or can't be "
			  "followed here",
		    MANIFEST_INHERIT_MAX);
		return -1;
	}
	if ((parent = load_parent(file, inherit)) == NULL)
		return -1;
	if (inherit_all(file, parent) == -1) {
		node_free(parent);
		return -1;
	}
	if ((apps = node_get(root, "applications")) != NULL)
		merge_apps(apps, node_get(parent, "applications"));
	node_merge(root, parent, 1);
	node_free(parent);
	return 0;
}

/* ---- the file's own keys ----------------------------------------------- */

/* Keys of an app beside `applications` are what all of them begin with. */
static struct node *
take_globals(struct file *file, const struct node *root)
{
	struct node *globals = node_new(NODE_MAP, root->at);
	struct note_value shown;
	const char *name;

	for (size_t i = 0; i < root->n; i++) {
		name = root->keys[i].text;
		if (strcmp(name, "applications") == 0 ||
		    strcmp(name, "inherit") == 0 ||
		    strcmp(name, "version") == 0)
			continue;
		if (cf_is_app_key(name))
			node_set(globals, name, root->keys[i].at,
			    node_copy(root->v[i]));
		else if (!root->v[i]->anchored && strncmp(name, "x-", 2) != 0)
			note(file->notes, NOTE_WARNING, root->keys[i].at,
			    "%s is not a key that is known here, and is left "
			    "out",
			    note_value(&shown, name));
	}
	return globals;
}

static void
check_version(struct file *file, const struct node *root)
{
	const struct node *version = node_get(root, "version");

	if (version != NULL && version->kind != NODE_NULL &&
	    (version->kind != NODE_TEXT || strcmp(version->text, "1") != 0))
		note(file->notes, NOTE_ERROR, version->at,
		    "version has to be 1");
}

static int
name_fits(struct file *file, const struct node *app, size_t napps,
    const struct node *apps, size_t nth)
{
	const struct node *name = node_get(app, "name");
	struct note_value shown;

	if (name == NULL || name->kind == NODE_NULL) {
		if (napps == 1)
			return 1;
		note(file->notes, NOTE_ERROR, app->at,
		    "an app without a name has to be the only one");
	} else if (name->kind != NODE_TEXT)
		note(file->notes, NOTE_ERROR, name->at, "name takes a text");
	else if (app_named(apps, name->text) != apps->v[nth])
		note(file->notes, NOTE_ERROR, name->at,
		    "the app \"%s\" is there twice",
		    note_value(&shown, name->text));
	else if (strlen(name->text) == 0 || strlen(name->text) > 30 ||
		 strspn(name->text, "abcdefghijklmnopqrstuvwxyz"
				    "0123456789-") != strlen(name->text) ||
		 name->text[0] < 'a' || name->text[0] > 'z')
		note(file->notes, NOTE_ERROR, name->at,
		    "\"%s\" can't name an app: 1 to 30 of a-z, 0-9 and '-', "
		    "starting with a letter",
		    note_value(&shown, name->text));
	else
		return 1;
	return 0;
}

static json_t *
read_apps(
    struct file *file, const struct node *apps, const struct node *globals)
{
	json_t *list = json_array();
	struct node *app;

	for (size_t i = 0; i < apps->n; i++) {
		if (apps->v[i]->kind != NODE_MAP) {
			note(file->notes, NOTE_ERROR, apps->v[i]->at,
			    "each of applications is a map, as \"- name: "
			    "shop\"");
			continue;
		}
		app = node_copy(apps->v[i]);
		node_merge(app, globals, 1);
		if (name_fits(file, app, apps->n, apps, i))
			json_array_append_new(
			    list, cf_read_app(app, file->notes));
		node_free(app);
	}
	return list;
}

static json_t *
read_root(struct file *file, const struct node *root)
{
	struct node *globals = take_globals(file, root), *alone = NULL;
	const struct node *apps = node_get(root, "applications");
	json_t *list = NULL;

	check_version(file, root);
	if (apps == NULL && globals->n > 0) {
		/* One app, which the file does not set apart. */
		alone = node_new(NODE_LIST, root->at);
		node_add(alone, node_new(NODE_MAP, root->at));
		apps = alone;
	}
	if (apps == NULL || apps->kind != NODE_LIST || apps->n == 0)
		note(file->notes, NOTE_ERROR,
		    apps != NULL ? apps->at : root->at,
		    "applications has to be a list of at least one app");
	else if (apps->n > MANIFEST_APPS_MAX)
		note(file->notes, NOTE_ERROR, apps->at, "more than %d apps",
		    MANIFEST_APPS_MAX);
	else
		list = read_apps(file, apps, globals);
	node_free(globals);
	node_free(alone);
	return list;
}

json_t *
manifest_read(const struct manifest_input *input, struct notes *notes)
{
	struct file file = {input, notes, 0};
	struct node *root = load(&file, input->text, input->len);
	json_t *list = NULL;

	if (root == NULL)
		return NULL;
	if (inherit_all(&file, root) == 0) {
		vars_resolve(input->vars, root, input->vars_hint, notes);
		if (notes->errors == 0)
			list = read_root(&file, root);
	}
	node_free(root);
	if (notes->errors == 0)
		return list;
	json_decref(list);
	return NULL;
}
