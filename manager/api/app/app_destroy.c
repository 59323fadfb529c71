/*
 * DELETE /apps/APP: gone at once for everybody; what it leaves behind is
 * taken away by destroy.c, by the intent record of this commit.
 */
#include "api/app/app_change.h"
#include "api/app/host.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/verbs.h"
#include "common/log.h"
#include "store/keys.h"

static int
destroy_found(const char *key, json_t *value, uint64_t rev, void *arg)
{
	(void)key;
	(void)value;
	(void)rev;
	*(int *)arg = 1;
	return 1;
}

/* Whether there may be logs, or a build cache. */
static int
destroy_was_used(struct request *r)
{
	char prefix[STORE_KEY_MAX + 1];
	int used = 0;

	(void)store_each(r->api->store,
	    key_format(prefix, "build/%s/", r->name), destroy_found, &used);
	(void)store_each(r->api->store,
	    key_format(prefix, "release/%s/", r->name), destroy_found, &used);
	(void)store_each(r->api->store,
	    key_format(prefix, "instance/%s/", r->name), destroy_found, &used);
	return used;
}

void
app_destroy(struct request *r)
{
	char key[STORE_KEY_MAX + 1], user[WHO_NAME];
	struct store_txn *txn;
	json_t *intent;

	request_user(r, user, sizeof(user));
	intent = json_pack("{s:s, s:s, s:b, s:I}", "number",
	    model_text(r->app, "number"), "user", user, "used",
	    destroy_was_used(r), "created", (json_int_t)id_now());
	txn = app_change_begin(r);
	store_del(txn, key_format(key, "app/%s", r->name));
	if (json_object_get(r->app, "name") != NULL) {
		store_del(txn, key_format(key, "name/%s", request_app(r)));
		host_gone(txn);
	}
	store_put_new(txn, key_format(key, "destroy/%s", r->name), intent);
	store_event(txn, r->name, "destroy", "destroyed by %s", user);
	json_decref(intent);
	log_info("api: app %s is destroyed by %s", request_app(r), user);
	request_commit(r, txn, MHD_HTTP_OK, model_app(r->api, r->name, r->app));
}
