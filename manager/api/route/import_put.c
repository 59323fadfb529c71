/*
 * PUT /imports/routes, lines of paas-routes(5) as its body: routes in bulk, in
 * place of those that were imported before.
 *
 * Lines are checked as they come; the file has to be durable before a record
 * names it.  The answer comes once nginx obeys all of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/access/audit.h"
#include "api/http/id.h"
#include "api/route/import.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "routing/import.h"
#include "routing/routing.h"
#include "store/store.h"

#define OBEYED_EVERY 2000 /* us between looks */

struct upload {
	struct request *request; /* outlives it */
	struct import *import;
	struct import_info info;
	int stored; /* the file is durable */
};

static void
upload_free(void *arg)
{
	struct upload *upload = arg;

	import_free(upload->import);
	free(upload);
}

static void
upload_refuse(struct request *r, int full, const char *err)
{
	if (full)
		respond_error(r, MHD_HTTP_INSUFFICIENT_STORAGE,
		    "insufficient_storage", "nothing was changed: %s", err);
	else
		respond_invalid(r, "%s", err);
}

void
import_upload_head(struct request *r)
{
	struct upload *upload;
	char err[PAAS_ERRLEN];

	(void)request_query_flag(r, "detach");
	if (respond_given(r))
		return;
	if ((upload = calloc(1, sizeof(*upload))) == NULL) {
		respond_broken(r, "out of memory");
		return;
	}
	upload->request = r;
	r->state = upload;
	r->state_free = upload_free;
	upload->import = import_begin(r->api->conf, err);
	if (upload->import == NULL)
		respond_broken(r, "%s", err);
}

void
import_upload_data(struct request *r, const void *data, size_t len)
{
	struct upload *upload = r->state;
	char err[PAAS_ERRLEN];
	int full;

	if (import_append(upload->import, data, len, &full, err) == 0)
		return;
	import_free(upload->import);
	upload->import = NULL;
	upload_refuse(r, full, err);
}

/* ---- the record ------------------------------------------------------ */

static void
upload_record(struct request *r)
{
	struct upload *upload = r->state;
	const struct import_info *info = &upload->info;
	json_t *record, *old;
	char user[WHO_NAME];
	uint64_t rev;

	request_user(r, user, sizeof(user));
	old = import_get(r, &rev);
	record = json_pack("{s:s, s:I, s:I, s:I, s:I, s:s, s:I, s:o}", "file",
	    info->file, "bytes", (json_int_t)info->bytes, "pools",
	    (json_int_t)info->pools, "hosts", (json_int_t)info->hosts, "paths",
	    (json_int_t)info->paths, "user", user, "created",
	    (json_int_t)id_now(), "before", import_before(old));
	json_decref(old);
	import_commit(r, record, rev, MHD_HTTP_OK);
}

static void
upload_stored(int error, const struct import_info *info, void *arg)
{
	struct request *r = arg;
	struct upload *upload = r->state;

	if (error != 0)
		upload_refuse(
		    r, error == ENOSPC || error == EDQUOT, strerror(error));
	else if (!request_gone(r)) {
		upload->stored = 1;
		upload->info = *info;
		upload_record(r);
	}
	request_release(r);
}

/* Runs again from the start after a conflict: then the file is there. */
void
import_put(struct request *r)
{
	struct upload *upload = r->state;
	char err[PAAS_ERRLEN];
	int full;

	if (upload->stored) {
		upload_record(r);
		return;
	}
	if (import_finish(upload->import, r->api->event, upload_stored, r,
		&full, err) == -1)
		upload_refuse(r, full, err);
	else
		request_hold(r);
}

/* ---- until it is obeyed ---------------------------------------------- */

struct obeying {
	struct request *request;
	json_t *record;
	sd_event_source *timer;
	uint64_t rev;
	unsigned int status;
	int detach;
};

static void
obeying_end(struct obeying *ob)
{
	sd_event_source_disable_unref(ob->timer);
	json_decref(ob->record);
	request_release(ob->request);
	free(ob);
}

static int
obeying_look(sd_event_source *source, uint64_t usec, void *arg)
{
	struct obeying *ob = arg;
	struct request *r = ob->request;

	(void)usec;
	if (!request_gone(r) && !ob->detach && !r->api->closing &&
	    routing_revision(r->api->routing) < ob->rev) {
		(void)sd_event_source_set_time_relative(source, OBEYED_EVERY);
		(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
		return 0;
	}
	if (!request_gone(r))
		respond_json(r, ob->detach ? MHD_HTTP_ACCEPTED : ob->status,
		    import_shape(ob->record));
	obeying_end(ob);
	return 0;
}

static void
obeying_failed(struct obeying *ob, enum store_result result)
{
	struct request *r = ob->request;

	if (result != STORE_CONFLICT)
		respond_broken(
		    r, "nothing was changed: %s", store_strerror(result));
	else if (++r->tries < REQUEST_TRIES_MAX)
		request_run(r);
	else
		respond_conflict(r, "somebody else imports at the same time");
}

static void
import_committed(enum store_result result, uint64_t rev, void *arg)
{
	struct obeying *ob = arg;
	struct request *r = ob->request;

	ob->rev = rev;
	if (result == STORE_OK && !request_gone(r) &&
	    sd_event_add_time_relative(r->api->event, &ob->timer,
		CLOCK_MONOTONIC, 0, 1000, obeying_look, ob) >= 0)
		return;
	if (result != STORE_OK && !request_gone(r))
		obeying_failed(ob, result);
	else
		respond_broken(r, "out of memory");
	obeying_end(ob);
}

void
import_commit(
    struct request *r, json_t *record, uint64_t rev, unsigned int status)
{
	int detach = request_query_flag(r, "detach");
	struct obeying *ob;
	struct store_txn *txn;

	if (respond_given(r) || (ob = calloc(1, sizeof(*ob))) == NULL) {
		json_decref(record);
		respond_broken(r, "out of memory");
		return;
	}
	ob->request = request_hold(r);
	ob->record = record;
	ob->status = status;
	ob->detach = detach;
	txn = store_begin(r->api->store);
	store_if(txn, IMPORT_KEY, rev);
	store_put(txn, IMPORT_KEY, record);
	audit_add(r, txn);
	store_commit(txn, import_committed, ob);
}
