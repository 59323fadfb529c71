#include "api/audit.h"

#include <stdio.h>

#include "api/model.h"
#include "api/request.h"
#include "store/keys.h"

void
audit_add(struct request *r, struct store_txn *txn)
{
	char text[sizeof(r->path) + 16], user[WHO_NAME], token[17] = "";
	json_t *record;

	request_user(r, user, sizeof(user));
	if (r->who.token != 0)
		key_format_id(token, r->who.token);
	snprintf(text, sizeof(text), "%s %s", r->route->method, r->path);
	record = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "user", user,
	    "address", r->who.address, "app", r->name, "token", token,
	    "request", r->id, "kind", "audit");
	if (record == NULL)
		return;
	store_event_record(txn, KEY_PLATFORM, record, text);
	json_decref(record);
}

void
audit_note(struct request *r)
{
	struct store_txn *txn = store_begin(r->api->store);

	audit_add(r, txn);
	store_commit(txn, NULL, NULL);
}
