/*
 * PATCH /apps/APP {"name"}: the app answers at NAME.domain and its git URL has
 * the name, from this commit on; the old one is free.  What runs goes on.
 */
#include <bsd/string.h>
#include <string.h>

#include "api/app/app_name.h"
#include "api/app/host.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "store/keys.h"

/* What leads somewhere else by paths of the old host would be the next one's.
 */
static int
rename_has_route(struct request *r, const char *host)
{
	if (!host_has_route(r, host))
		return 0;
	respond_invalid(r,
	    "name can't be changed while the host %s has a route of its own: "
	    "remove that first, with paas routes:remove",
	    host);
	return 1;
}

/* The other hosts of the app redirect to the one that goes. */
static void
rename_redirect(
    struct request *r, struct store_txn *txn, const char *host, const char *to)
{
	char key[STORE_KEY_MAX + 1];
	json_t *redirect, *copy;
	uint64_t rev;

	key_format(key, "redirect/%s", r->name);
	redirect = store_get(r->api->store, key, &rev);
	if (strcmp(model_text(redirect, "to_host"), host) == 0) {
		copy = json_copy(redirect);
		json_object_set_new(copy, "to_host", json_string(to));
		store_put(txn, key, copy);
		json_decref(copy);
	}
	store_if(txn, key, rev);
	json_decref(redirect);
}

int
app_rename(struct request *r, struct store_txn *txn, json_t *app,
    const char *name, uint64_t rev)
{
	char host[HOST_MAX + MODEL_NAME_MAX], key[STORE_KEY_MAX + 1];
	char old[MODEL_NAME_MAX], to[HOST_MAX + MODEL_NAME_MAX];
	json_t *leads;

	host_own(r, host);
	if (rename_has_route(r, host))
		return -1;
	strlcpy(old, request_app(r), sizeof(old));
	if (json_object_get(r->app, "name") != NULL)
		store_del(txn, key_format(key, "name/%s", old));
	json_object_set_new(app, "name", json_string(name));
	if (strcmp(name, r->name) != 0)
		store_if(txn, key_format(key, "app/%s", name), rev);
	leads = json_pack("{s:s}", "app", r->name);
	store_put_new(txn, key_format(key, "name/%s", name), leads);
	json_decref(leads);
	host_gone(txn);
	host_of_app(r->api->conf, name, to);
	rename_redirect(r, txn, host, to);
	store_event(txn, r->name, "rename", "renamed from %s to %s", old, name);
	return 0;
}
