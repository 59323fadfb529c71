/*
 * The hosts of a manifest as domains of its app.
 */
#include "build/settings.h"

#include <stdio.h>
#include <string.h>

#include "build/room.h"
#include "common/claim.h"
#include "paas_routedb.h"
#include "store/names.h"

#define HOST_MAX (PAAS_ROUTEDB_HOST_MAX + 1)

struct hosts {
	json_t *settings;
	struct store *store;
	const struct conf *conf;
	const char *app;
	const char *name; /* that people know it by */
	int claim;
	struct store_txn *txn;
};

static int
is_there(struct store *store, const char *kind, const char *host, char *app,
    size_t len)
{
	char key[STORE_KEY_MAX + 1];
	const char *owner;
	json_t *record;
	int there;

	record = store_get(store, key_format(key, "%s/%s", kind, host), NULL);
	owner = json_string_value(json_object_get(record, "app"));
	snprintf(app, len, "%s", owner != NULL ? owner : "");
	there = record != NULL;
	json_decref(record);
	return there;
}

/* Why it can't be had: the rest of a sentence; 0 if it can. */
static int
is_taken(const struct hosts *hosts, const char *host, char why[PAAS_ERRLEN])
{
	char app[BUILD_APP_MAX], name[KEY_NAME_MAX + 1];

	if (is_there(hosts->store, "domain", host, app, sizeof(app)))
		snprintf(why, PAAS_ERRLEN,
		    "is taken by the app %s: remove it there first, with `paas "
		    "domains:remove`",
		    names_of(hosts->store, app, name));
	else if (is_there(hosts->store, "route", host, app, sizeof(app)))
		snprintf(why, PAAS_ERRLEN,
		    "is a route to addresses outside: remove that first, with "
		    "`paas routes:remove`");
	else if (!hosts->claim)
		snprintf(why, PAAS_ERRLEN,
		    "is no domain of %s, and a push with a token takes none: "
		    "`paas domains:add` first, as somebody who may",
		    hosts->name);
	else
		return 0;
	return -1;
}

static void
add(const struct hosts *hosts, const char *host)
{
	char key[STORE_KEY_MAX + 1];
	json_t *domain;

	domain = json_pack("{s:s, s:I}", "app", hosts->app, "created",
	    (json_int_t)commit_now());
	store_if(hosts->txn, key_format(key, "route/%s", host), 0);
	store_put_new(hosts->txn, key_format(key, "domain/%s", host), domain);
	store_event(hosts->txn, hosts->app, "domain", "added domain %s%s",
	    host[0] == '.' ? "*" : "", host);
	json_decref(domain);
}

/* Its own host, which it has for being there, also without the domain. */
static int
is_own(const struct hosts *hosts, const char *host)
{
	size_t len = strlen(hosts->name);

	return strncmp(host, hosts->name, len) == 0 &&
	       (host[len] == '\0' ||
		   (host[len] == '.' &&
		       strcmp(host + len + 1, hosts->conf->domain) == 0));
}

static int
one(const struct hosts *hosts, const char *text, char why[PAAS_ERRLEN])
{
	char host[HOST_MAX], app[BUILD_APP_MAX];

	if (paas_routedb_canonical((const uint8_t *)text, strlen(text),
		PAAS_ROUTEDB_WILDCARD, host) <= 0) {
		snprintf(why, PAAS_ERRLEN, "is not a host");
		return -1;
	}
	if (is_own(hosts, host))
		return 0;
	if (strchr(host, '.') == NULL) {
		snprintf(why, PAAS_ERRLEN,
		    "can't be had: %s answers at %s.%s by itself", hosts->name,
		    hosts->name, hosts->conf->domain);
		return -1;
	}
	if (claim_check(hosts->conf, host, why) == -1)
		return -1;
	if (is_there(hosts->store, "domain", host, app, sizeof(app)) &&
	    strcmp(app, hosts->app) == 0)
		return 0;
	if (is_taken(hosts, host, why) == -1)
		return -1;
	add(hosts, host);
	return 0;
}

int
settings_hosts(json_t *settings, struct store *store, const struct conf *conf,
    const char *app, int claim, struct store_txn *txn,
    char err[SETTINGS_ERRLEN])
{
	char name[KEY_NAME_MAX + 1];
	const struct hosts hosts = {
	    settings, store, conf, app, names_of(store, app, name), claim, txn};
	char path[32], why[PAAS_ERRLEN], shown[100];
	const char *text;
	json_t *host;
	size_t i;

	json_array_foreach (json_object_get(settings, "hosts"), i, host) {
		text = json_string_value(host);
		if (one(&hosts, text, why) == 0)
			continue;
		snprintf(path, sizeof(path), "hosts.%zu", i);
		text_clean(shown, sizeof(shown), text, strlen(text));
		return settings_say(
		    settings, path, err, "the route \"%s\" %.250s", shown, why);
	}
	return 0;
}
