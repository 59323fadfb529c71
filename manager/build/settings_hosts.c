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
	json_t *zones; /* that the commit changes */
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
	char app[BUILD_APP_MAX];

	/* Which one is not for everybody to know who may push. */
	if (is_there(hosts->store, "domain", host, app, sizeof(app)))
		snprintf(why, PAAS_ERRLEN,
		    "is taken by another app: remove it there first, with "
		    "`paas domains:remove`");
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

/* Once a commit; `before` is its revision as of before the looks. */
static void
add_zone(const struct hosts *hosts, const char *host, uint64_t before)
{
	const char *zone = claim_zone(host);
	char key[STORE_KEY_MAX + 1];
	json_t *empty;

	if (json_object_get(hosts->zones, zone) != NULL)
		return;
	json_object_set_new(hosts->zones, zone, json_true());
	empty = json_object();
	store_if(hosts->txn, key_format(key, "zone/%s", zone), before);
	store_put(hosts->txn, key, empty);
	json_decref(empty);
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

struct below {
	const struct hosts *hosts;
	const char *host;
	size_t prefix;
	char found[HOST_MAX];
};

static int
below_look(const char *key, uint64_t rev, void *arg)
{
	struct below *below = arg;
	const char *host = key + below->prefix, *app;
	size_t len = strlen(host), n = strlen(below->host);
	json_t *record;

	(void)rev;
	if (len <= n || strcmp(host + len - n, below->host) != 0)
		return 0;
	record = store_get(below->hosts->store, key, NULL);
	app = json_string_value(json_object_get(record, "app"));
	if (app == NULL || strcmp(app, below->hosts->app) != 0)
		snprintf(below->found, sizeof(below->found), "%s", host);
	json_decref(record);
	return below->found[0] != '\0';
}

/*
 * A push says nothing of what else its user deploys: a host below another
 * app's wildcard, or a wildcard above another app's host, takes a person.
 */
static int
is_of_others(const struct hosts *hosts, const char *host, char why[PAAS_ERRLEN])
{
	static const char *const kinds[] = {"domain/", "route/"};
	struct below below = {.hosts = hosts, .host = host};
	const char *above = host;
	char app[BUILD_APP_MAX];
	size_t i;

	while ((above = strchr(above + 1, '.')) != NULL)
		if ((is_there(
			 hosts->store, "domain", above, app, sizeof(app)) &&
			strcmp(app, hosts->app) != 0) ||
		    is_there(hosts->store, "route", above, app, sizeof(app))) {
			snprintf(why, PAAS_ERRLEN,
			    "is below *%s, which %s has not: `paas "
			    "domains:add` first, as somebody who may",
			    above, hosts->name);
			return -1;
		}
	for (i = 0; host[0] == '.' && i < 2 && below.found[0] == '\0'; i++) {
		below.prefix = strlen(kinds[i]);
		(void)store_each_key(
		    hosts->store, kinds[i], kinds[i], below_look, &below);
	}
	if (below.found[0] != '\0')
		snprintf(why, PAAS_ERRLEN,
		    "would take in %s%s, which %s has not: `paas domains:add` "
		    "first, as somebody who may",
		    below.found[0] == '.' ? "*" : "", below.found, hosts->name);
	else if (host[0] == '.' && strchr(host + 1, '.') == NULL)
		snprintf(why, PAAS_ERRLEN,
		    "takes in everybody's hosts: `paas domains:add` first, as "
		    "an admin of the platform");
	else
		return 0;
	return -1;
}

static int
one(const struct hosts *hosts, const char *text, char why[PAAS_ERRLEN])
{
	char host[HOST_MAX], app[BUILD_APP_MAX], key[STORE_KEY_MAX + 1];
	uint64_t zone_rev;

	if (paas_routedb_canonical((const uint8_t *)text, strlen(text),
		PAAS_ROUTEDB_WILDCARD, host) <= 0) {
		snprintf(why, PAAS_ERRLEN, "is not a host");
		return -1;
	}
	if (is_own(hosts, host))
		return 0;
	if (claim_is_machine(host)) {
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
	json_decref(store_get(hosts->store,
	    key_format(key, "zone/%s", claim_zone(host)), &zone_rev));
	if (is_taken(hosts, host, why) == -1 ||
	    is_of_others(hosts, host, why) == -1)
		return -1;
	add_zone(hosts, host, zone_rev);
	add(hosts, host);
	return 0;
}

int
settings_hosts(json_t *settings, struct store *store, const struct conf *conf,
    const char *app, int claim, struct store_txn *txn,
    char err[SETTINGS_ERRLEN])
{
	char name[KEY_NAME_MAX + 1], path[32], shown[100], why[PAAS_ERRLEN];
	const struct hosts hosts = {settings, store, conf, app,
	    names_of(store, app, name), claim, txn, json_object()};
	const char *text;
	json_t *host;
	int rc = 0;
	size_t i;

	json_array_foreach (json_object_get(settings, "hosts"), i, host) {
		text = json_string_value(host);
		if (one(&hosts, text, why) == 0)
			continue;
		snprintf(path, sizeof(path), "hosts.%zu", i);
		text_clean(shown, sizeof(shown), text, strlen(text));
		rc = settings_say(
		    settings, path, err, "the route \"%s\" %.250s", shown, why);
		break;
	}
	json_decref(hosts.zones);
	return rc;
}
