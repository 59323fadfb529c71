/*
 * GET /apps/APP/http: how requests go to an app's web processes, with what
 * counts where nothing was set.  PATCH sets some of it; null puts one back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/app/app_change.h"
#include "api/dyno/formation.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/app/settings.h"
#include "api/verbs.h"
#include "routing/routing.h"
#include "routing/setting.h"
#include "store/keys.h"

/* Redirects concern the hosts, all else the pool. */
#define REDIRECT SETTING_PATH
#define KINDS    SETTING_APP

static const struct check_field fields[] = {
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* What is set: of the pool, and of the hosts. */
struct http {
	json_t *formation, *redirect;
	uint64_t formation_rev, redirect_rev;
};

static void
http_get(struct request *r, struct http *http)
{
	char key[STORE_KEY_MAX + 1];

	http->formation = model_get_formation_record(
	    r->api, r->name, "web", &http->formation_rev);
	if (json_object_get(http->formation, "http") == NULL)
		json_object_set_new(http->formation, "http", json_object());
	key_format(key, "redirect/%s", r->name);
	http->redirect = store_get(r->api->store, key, &http->redirect_rev);
	if (http->redirect == NULL)
		http->redirect = json_object();
}

static void
http_free(struct http *http)
{
	json_decref(http->formation);
	json_decref(http->redirect);
}

static json_t *
http_shape(struct request *r, const struct http *http)
{
	json_t *all, *set = json_copy(json_object_get(http->formation, "http"));

	json_object_update(set, http->redirect);
	if (json_object_get(set, "hold") == NULL)
		json_object_set_new(
		    set, "hold", json_integer(r->api->conf->hold_time));
	all = setting_show(set, KINDS);
	json_decref(set);
	return all;
}

void
http_info(struct request *r)
{
	struct http http;

	http_get(r, &http);
	respond_json(r, MHD_HTTP_OK, http_shape(r, &http));
	http_free(&http);
}

/* A redirect to somebody else's host would take the app's visitors there. */
static int
http_check(struct request *r, json_t *set)
{
	const char *host = json_string_value(json_object_get(set, "to_host"));
	const char *protocol =
	    json_string_value(json_object_get(set, "protocol"));
	char app[KEY_NAME_MAX + 1];

	if (protocol != NULL && strcmp(protocol, "https") == 0) {
		respond_invalid(r,
		    "protocol has to be http or h2c: the way to an app's "
		    "processes does not leave the machine");
		return -1;
	}
	if (host == NULL ||
	    (routing_owner_exact(r->api->store, r->api->conf, host, app) == 0 &&
		strcmp(app, r->name) == 0))
		return 0;
	respond_invalid(r,
	    "to_host has to be a host of %s, and \"%.100s\" is not: add it "
	    "first, with paas domains:add",
	    request_app(r), host);
	return -1;
}

static void
http_describe(json_t *set, char *text, size_t len)
{
	const char *name, *between = "";
	json_t *value;
	size_t at = 0;

	text[0] = '\0';
	json_object_foreach (set, name, value) {
		char *word = json_dumps(value, JSON_ENCODE_ANY);

		if (at < len && word != NULL)
			at += (size_t)snprintf(text + at, len - at, "%s%s=%s",
			    between, name,
			    json_is_null(value) ? "(default)" : word);
		free(word);
		between = " ";
	}
}

/* to_host is the app's as long as this domain is. */
static void
http_guard(struct request *r, struct store_txn *txn, json_t *redirect)
{
	const char *host =
	    json_string_value(json_object_get(redirect, "to_host"));
	char key[STORE_KEY_MAX + 1];
	json_t *domain;
	uint64_t rev;

	if (host == NULL)
		return;
	domain =
	    store_get(r->api->store, key_format(key, "domain/%s", host), &rev);
	store_if(txn, key, rev);
	json_decref(domain);
}

static void
http_commit(struct request *r, struct http *http, json_t *set)
{
	json_t *pool = json_object_get(http->formation, "http");
	char key[STORE_KEY_MAX + 1], text[PAAS_ERRLEN];
	struct store_txn *txn = app_change_begin(r);

	http_describe(set, text, sizeof(text));
	if (settings_move(set, REDIRECT, http->redirect) > 0) {
		key_format(key, "redirect/%s", r->name);
		store_if(txn, key, http->redirect_rev);
		store_put(txn, key, http->redirect);
		http_guard(r, txn, http->redirect);
	}
	if (settings_move(set, KINDS, pool) > 0) {
		key_format(key, "formation/%s/web", r->name);
		store_if(txn, key, http->formation_rev);
		store_put(txn, key, http->formation);
	}
	store_event(txn, r->name, "http", "requests: %s", text);
	request_commit(r, txn, MHD_HTTP_OK, http_shape(r, http));
}

void
http_update(struct request *r)
{
	json_t *set = settings_read(r, fields, KINDS);
	struct http http;

	if (set == NULL)
		return;
	if (http_check(r, set) == 0) {
		http_get(r, &http);
		if (json_object_size(set) > 0)
			http_commit(r, &http, set);
		else
			respond_json(r, MHD_HTTP_OK, http_shape(r, &http));
		http_free(&http);
	}
	json_decref(set);
}
