/*
 * PATCH /apps/APP/config-vars {"NAME": "value", "OTHER": null}: sets and
 * unsets, and makes a release with the result.
 *
 * Values are secrets: no message and no event holds one.
 */
#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/app/app_change.h"
#include "api/app/config_name.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

/* As JSON.  A commit holds it twice: in config/APP and in the release. */
#define CONFIG_ALL_MAX ((STORE_BYTES_MAX - 32 * 1024) / 2)

static void
config_note(char *list, size_t len, const char *name)
{
	if (list[0] != '\0')
		strlcat(list, ", ", len);
	if (strlcat(list, name, len) >= len && len > 4)
		memcpy(list + len - 4, "...", 4);
}

/* Applies the changes; text tells of them, empty if there are none. */
static void
config_apply(json_t *config, json_t *changes, char *text, size_t len)
{
	char set[200] = "", unset[200] = "";
	const char *name;
	json_t *value;

	json_object_foreach (changes, name, value) {
		if (json_is_null(value)) {
			if (json_object_del(config, name) == 0)
				config_note(unset, sizeof(unset), name);
		} else if (!json_equal(value, json_object_get(config, name))) {
			json_object_set(config, name, value);
			config_note(set, sizeof(set), name);
		}
	}
	snprintf(text, len, "%s%s%s%s%s", set[0] != '\0' ? "Set " : "", set,
	    set[0] != '\0' && unset[0] != '\0' ? ", " : "",
	    unset[0] == '\0' ? ""
	    : set[0] != '\0' ? "unset "
			     : "Unset ",
	    unset);
	if (text[0] != '\0')
		strlcat(text, " config vars", len);
}

static int
config_fits(struct request *r, json_t *config)
{
	size_t len = json_dumpb(config, NULL, 0, JSON_COMPACT);

	if (len <= CONFIG_ALL_MAX)
		return 1;
	respond_invalid(r,
	    "the config vars of %s would be %zu bytes in all, and %d are the "
	    "most",
	    request_app(r), len, CONFIG_ALL_MAX);
	return 0;
}

/* A release with the same code, if there is one; -1 after an answer. */
static int
config_release(
    struct request *r, struct store_txn *txn, json_t *config, const char *text)
{
	char key[STORE_KEY_MAX + 1], user[WHO_NAME];
	json_t *app = model_touch(r->app), *current, *release = NULL;
	int64_t version = model_base_version(r->api, r->name, app);
	int made;

	current = model_get_release(r->api, r->name, version);
	if (current == NULL) {
		store_put(txn, key_format(key, "app/%s", r->name), app);
		store_event(txn, r->name, "config", "%s", text);
		json_decref(app);
		return 0;
	}
	request_user(r, user, sizeof(user));
	release = model_add_release(
	    r->api, txn, r->name, app, current, config, user, text);
	if ((made = release != NULL))
		store_event(txn, r->name, "config", "%s, release v%lld", text,
		    (long long)model_number(release, "version"));
	else
		respond_invalid(r,
		    "the code of v%lld is not kept any more: push it again",
		    (long long)version);
	json_decref(current);
	json_decref(app);
	json_decref(release);
	return made ? 0 : -1;
}

static void
config_commit(struct request *r, json_t *config, uint64_t rev, const char *text)
{
	struct store_txn *txn = app_change_begin(r);
	char key[STORE_KEY_MAX + 1];

	key_format(key, "config/%s", r->name);
	store_if(txn, key, rev);
	store_put(txn, key, config);
	if (config_release(r, txn, config, text) == -1)
		store_abandon(txn);
	else
		request_commit(r, txn, MHD_HTTP_OK, json_incref(config));
}

void
config_update(struct request *r)
{
	char key[STORE_KEY_MAX + 1], text[PAAS_ERRLEN];
	json_t *config;
	uint64_t rev;

	if (config_check(r, r->json, "", 1) == -1)
		return;
	config = store_get(
	    r->api->store, key_format(key, "config/%s", r->name), &rev);
	if (config == NULL)
		config = json_object();
	config_apply(config, r->json, text, sizeof(text));
	if (text[0] == '\0')
		respond_json(r, MHD_HTTP_OK, json_incref(config));
	else if (config_fits(r, config))
		config_commit(r, config, rev, text);
	json_decref(config);
}
