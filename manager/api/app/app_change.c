#include "api/app/app_change.h"

#include "api/model.h"
#include "api/http/request.h"
#include "store/keys.h"

struct store_txn *
app_change_begin(struct request *r)
{
	struct store_txn *txn = store_begin(r->api->store);
	char key[STORE_KEY_MAX + 1];

	store_if(txn, key_format(key, "app/%s", r->name), r->app_rev);
	return txn;
}

void
app_change_commit(
    struct request *r, struct store_txn *txn, unsigned int status, json_t *app)
{
	char key[STORE_KEY_MAX + 1];
	json_t *reply = model_app(r->api, r->name, app);

	store_put(txn, key_format(key, "app/%s", r->name), app);
	json_decref(app);
	request_commit(r, txn, status, reply);
}
