/*
 * {"id", "name", "web_url", "maintenance", "stopped", ...}: an app.
 */
#include <bsd/string.h>
#include <stdio.h>
#include <string.h>

#include "api/app/app_stack.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/access/team.h"
#include "store/names.h"
#include "store/keys.h"

#define GENERATION "cedar" /* as Heroku calls it */

const char *
model_text(json_t *record, const char *field)
{
	const char *text = json_string_value(json_object_get(record, field));

	return text != NULL ? text : "";
}

int64_t
model_number(json_t *record, const char *field)
{
	return json_integer_value(json_object_get(record, field));
}

json_t *
model_touch(json_t *record)
{
	json_t *copy = json_copy(record);

	json_object_set_new(copy, "updated", json_integer(id_now()));
	return copy;
}

json_t *
model_find_app(struct api *api, const char *which, char name[MODEL_NAME_MAX],
    uint64_t *rev)
{
	char found[KEY_NAME_MAX + 1], key[STORE_KEY_MAX + 1];
	json_t *app;

	if (id_is_uuid(which)) {
		app = model_find_id(api->store, "app/", which, key, rev);
		if (app != NULL)
			(void)key_part(key, 1, name, MODEL_NAME_MAX);
		return app;
	}
	if (names_find(api->store, which, found) == -1 ||
	    strlcpy(name, found, MODEL_NAME_MAX) >= MODEL_NAME_MAX)
		return NULL;
	return store_get(api->store, key_format(key, "app/%s", name), rev);
}

json_t *
model_app_ref(const char *name, json_t *app)
{
	return json_pack("{s:s, s:s}", "id", model_text(app, "id"), "name",
	    names_in(name, app));
}

static json_t *
app_url(const struct conf *conf, const char *name)
{
	if (conf->http_port == 80)
		return json_sprintf("http://%s.%s/", name, conf->domain);
	return json_sprintf(
	    "http://%s.%s:%u/", name, conf->domain, conf->http_port);
}

json_t *
model_git_url(const struct conf *conf, const char *path)
{
	if (conf->http_port == 80)
		return json_sprintf("http://git.%s%s", conf->domain, path);
	return json_sprintf(
	    "http://git.%s:%u%s", conf->domain, conf->http_port, path);
}

/* null if there is no sshd of ours. */
json_t *
model_git_ssh_url(const struct conf *conf, const char *path)
{
	if (conf->ssh_port == 0)
		return json_null();
	if (conf->ssh_port == 22)
		return json_sprintf("ssh://git@git.%s%s", conf->domain, path);
	return json_sprintf(
	    "ssh://git@git.%s:%u%s", conf->domain, conf->ssh_port, path);
}

static json_t *
app_git_url(const struct conf *conf, const char *name,
    json_t *(*make)(const struct conf *, const char *))
{
	char path[MODEL_NAME_MAX + 8];

	snprintf(path, sizeof(path), "/%s.git", name);
	return make(conf, path);
}

/*
 * Of the last release: when it was, how many bytes of files there are in it,
 * and how many its slug takes.
 */
static void
app_set_release(struct api *api, const char *name, json_t *app, json_t *shown)
{
	char key[STORE_KEY_MAX + 1];
	json_t *release, *slug = NULL;
	const char *hash;

	release = model_get_release(api, name, model_number(app, "version"));
	hash = model_text(release, "slug");
	if (hash[0] != '\0')
		slug = store_get(
		    api->store, key_format(key, "slug/%s", hash), NULL);
	json_object_set_new(
	    shown, "released_at", id_time_of(release, "created"));
	json_object_set_new(
	    shown, "repo_size", json_integer(model_number(slug, "size")));
	json_object_set_new(shown, "slug_size",
	    slug != NULL ? json_integer(model_number(slug, "archive"))
			 : json_null());
	json_decref(slug);
	json_decref(release);
}

json_t *
model_app(struct api *api, const char *name, json_t *app)
{
	const char *shown = names_in(name, app);
	json_t *made;

	made =
	    json_pack("{s:s, s:s, s:o, s:o, s:n, s:o, s:o, s:o, s:b, s:b, s:o,"
		      " s:o, s:o, s:o, s:n, s:o, s:b, s:n}",
		"id", model_text(app, "id"), "name", shown, "created_at",
		id_time_of(app, "created"), "updated_at",
		id_time_of(app, "updated"), "archived_at", "web_url",
		app_url(api->conf, shown), "git_url",
		app_git_url(api->conf, shown, model_git_url), "git_ssh_url",
		app_git_url(api->conf, shown, model_git_ssh_url), "maintenance",
		json_is_true(json_object_get(app, "maintenance")), "stopped",
		json_is_true(json_object_get(app, "stopped")), "stack",
		app_stack_ref("stack", api->stack), "build_stack",
		app_stack_ref("stack", api->stack), "region",
		app_stack_ref("region", REGION), "owner",
		model_app_owner(api->store, app), "space", "team",
		model_team_ref(api->store, app), "acm", 0,
		"buildpack_provided_description");
	/* Clients know by it what else they may ask: nothing of newer ones. */
	json_object_update_new(made,
	    json_pack("{s:o, s:n}", "generation",
		app_stack_ref("generation", GENERATION), "internal_routing"));
	if (made != NULL)
		app_set_release(api, name, app, made);
	return made;
}
