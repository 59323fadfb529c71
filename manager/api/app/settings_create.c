/*
 * POST /apps/APP/settings, what a manifest says (manifest/manifest.h): checked
 * as if it were applied, and kept for the push that names its id.  Nothing of
 * the app is changed before that push is a release.
 */
#include <string.h>

#include "api/app/app_change.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "build/settings.h"
#include "node/node.h"
#include "store/keys.h"

/* Of pushes that never came, or that have been; an upload takes a while. */
#define SETTINGS_KEPT    8
#define SETTINGS_TIME_US (24LL * 3600 * 1000000)

struct prune {
	struct store_txn *txn;
	int64_t before;
	int count;
};

/* Ids grow with time: from the newest on, those beyond a number go. */
static int
settings_prune(const char *key, json_t *record, uint64_t rev, void *arg)
{
	struct prune *prune = arg;

	(void)rev;
	if (++prune->count > SETTINGS_KEPT &&
	    (model_number(record, "created") < prune->before ||
		prune->count > 2 * SETTINGS_KEPT))
		store_del(prune->txn, key);
	return prune->count == 4 * SETTINGS_KEPT;
}

/* All that a release with them would check, with nothing kept. */
static int
settings_try(struct request *r, char err[SETTINGS_ERRLEN])
{
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn = store_begin(r->api->store);
	json_t *config;
	int changed = 0, result;

	config = store_get(
	    r->api->store, key_format(key, "config/%s", r->name), NULL);
	if (config == NULL)
		config = json_object();
	result = settings_check(r->json, r->api->conf, err);
	if (result == 0)
		result = settings_config(r->json, config, &changed, err);
	if (result == 0)
		result = settings_hosts(
		    r->json, r->api->store, r->api->conf, r->name, 1, txn, err);
	json_decref(config);
	store_abandon(txn);
	return result;
}

void
settings_create(struct request *r)
{
	char err[SETTINGS_ERRLEN], hex[17], key[STORE_KEY_MAX + 1];
	struct prune prune = {NULL, id_now() - SETTINGS_TIME_US, 0};
	struct store_txn *txn;
	json_t *record;
	uint64_t id;

	if (json_dumpb(r->json, NULL, 0, JSON_COMPACT) > SETTINGS_MAX) {
		respond_invalid(r,
		    "the settings are over %d KiB: set config vars with `paas "
		    "config:set`",
		    SETTINGS_MAX / 1024);
		return;
	}
	if (settings_try(r, err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if ((id = node_next_id(r->api->node)) == 0) {
		respond_error(r, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "service_unavailable",
		    "no id is at hand: try again in a second");
		return;
	}
	key_format_id(hex, id);
	record = json_pack(
	    "{s:I, s:O}", "created", (json_int_t)id_now(), "settings", r->json);
	prune.txn = txn = app_change_begin(r);
	store_put_new(
	    txn, key_format(key, "settings/%s/%s", r->name, hex), record);
	json_decref(record);
	(void)store_each_last(r->api->store,
	    key_format(key, "settings/%s/", r->name), settings_prune, &prune);
	request_commit(r, txn, MHD_HTTP_CREATED, json_pack("{s:s}", "id", hex));
}
