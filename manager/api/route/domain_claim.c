/*
 * Whose a host is if it is nobody's yet: as Heroku has it, a wildcard and the
 * hosts below it may be of several apps, but only by somebody who deploys them
 * all.  Else a deployer could take other people's hosts by a wildcard above
 * them, or requests from whoever has the wildcard.
 */
#include <string.h>

#include "api/route/domain.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "common/claim.h"
#include "store/keys.h"

struct below {
	struct request *request;
	const char *host; /* ".example.com" */
	size_t prefix;    /* bytes of "domain/" or "route/" */
	int refused;
};

/* Whether the one who asks speaks for a record of domain/ or route/. */
static int
is_of_asker(struct request *r, json_t *record)
{
	const char *app = model_text(record, "app");

	if (app[0] == '\0')
		return who_owns_all(&r->who);
	return strcmp(app, r->name) == 0 ||
	       who_role_for(r->api, &r->who, app) >= ROLE_DEPLOYER;
}

static int
is_free_above(struct request *r, const char *host, const char *kind)
{
	char key[STORE_KEY_MAX + 1];
	const char *above = host;
	json_t *record;
	int free;

	while ((above = strchr(above + 1, '.')) != NULL) {
		record = store_get(
		    r->api->store, key_format(key, "%s/%s", kind, above), NULL);
		free = record == NULL || is_of_asker(r, record);
		json_decref(record);
		if (free)
			continue;
		respond_invalid(r,
		    "hostname is below *%s, which is not yours: whoever may "
		    "deploy the app that has that can add it, too",
		    above);
		return 0;
	}
	return 1;
}

static int
below_look(const char *key, uint64_t rev, void *arg)
{
	struct below *below = arg;
	struct request *r = below->request;
	const char *host = key + below->prefix;
	size_t len = strlen(host), n = strlen(below->host);
	json_t *record;

	(void)rev;
	if (len <= n || strcmp(host + len - n, below->host) != 0)
		return 0;
	record = store_get(r->api->store, key, NULL);
	below->refused = !is_of_asker(r, record);
	json_decref(record);
	if (below->refused)
		respond_invalid(r,
		    "hostname would take in %s%s, which is not yours: whoever "
		    "may deploy the app that has that can add it, too",
		    host[0] == '.' ? "*" : "", host);
	return below->refused;
}

static int
is_free_below(struct request *r, const char *host, const char *prefix)
{
	struct below below = {r, host, strlen(prefix), 0};

	(void)store_each_key(r->api->store, prefix, prefix, below_look, &below);
	return !below.refused;
}

/* Answers if it is not. */
static int
is_for_everybody(struct request *r, const char *host)
{
	if (who_owns_all(&r->who))
		return 1;
	if (host[0] == '.' && strchr(host + 1, '.') == NULL)
		respond_invalid(r,
		    "hostname *%s takes in everybody's hosts: only an admin of "
		    "the platform adds that",
		    host);
	else if (claim_is_machine(host))
		respond_invalid(r,
		    "hostname %s is how people call a machine, which is "
		    "everybody's: only an admin of the platform adds that",
		    host);
	else
		return 1;
	return 0;
}

int
domain_may_claim(struct request *r, const char *host, uint64_t *zone_rev)
{
	char key[STORE_KEY_MAX + 1];

	/* Before the looks below: what comes after them is a conflict. */
	json_decref(store_get(r->api->store,
	    key_format(key, "zone/%s", claim_zone(host)), zone_rev));
	return is_for_everybody(r, host) && is_free_above(r, host, "domain") &&
	       is_free_above(r, host, "route") &&
	       (host[0] != '.' || (is_free_below(r, host, "domain/") &&
				      is_free_below(r, host, "route/")));
}

void
domain_claim(struct store_txn *txn, const char *host, uint64_t zone_rev)
{
	char key[STORE_KEY_MAX + 1];
	json_t *empty = json_object();

	key_format(key, "zone/%s", claim_zone(host));
	store_if(txn, key, zone_rev);
	store_put(txn, key, empty);
	json_decref(empty);
}
