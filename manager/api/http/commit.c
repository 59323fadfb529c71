/*
 * The answer to a change comes after the change is durable.
 */
#include <stdlib.h>

#include "api/access/audit.h"
#include "api/http/idempotency.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "store/store.h"

struct request_change {
	struct request *request;
	json_t *reply;
	unsigned int status;
};

static void
request_retry(struct request *r)
{
	if (++r->tries < REQUEST_TRIES_MAX)
		request_run(r);
	else
		respond_conflict(r,
		    "somebody else keeps changing the same thing: try again");
}

static void
request_committed(enum store_result result, uint64_t rev, void *arg)
{
	struct request_change *change = arg;
	struct request *r = change->request;

	(void)rev;
	if (request_gone(r))
		;
	else if (result == STORE_OK)
		respond_json(r, change->status, json_incref(change->reply));
	else if (result == STORE_CONFLICT)
		request_retry(r);
	else if (result == STORE_TOO_LARGE)
		respond_error(r, MHD_HTTP_CONTENT_TOO_LARGE,
		    "request_too_large", "that is too much for one change: %s",
		    store_strerror(result));
	else if (result == STORE_FULL)
		respond_error(r, MHD_HTTP_INSUFFICIENT_STORAGE,
		    "insufficient_storage",
		    "nothing was changed: %s; make room below %s",
		    store_strerror(result), r->api->conf->state_dir);
	else
		respond_broken(
		    r, "nothing was changed: %s", store_strerror(result));
	json_decref(change->reply);
	request_release(r);
	free(change);
}

void
request_commit(struct request *r, struct store_txn *txn, unsigned int status,
    json_t *reply)
{
	struct request_change *change = malloc(sizeof(*change));

	if (change == NULL || reply == NULL) {
		free(change);
		json_decref(reply);
		store_abandon(txn);
		respond_broken(r, "out of memory");
		return;
	}
	if (idempotency_add(r, txn, status, reply) == -1) {
		free(change);
		json_decref(reply);
		store_abandon(txn);
		return;
	}
	change->request = request_hold(r);
	change->status = status;
	change->reply = reply;
	audit_add(r, txn);
	store_commit(txn, request_committed, change);
}
