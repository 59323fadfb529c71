/*
 * GET and POST /apps/APP/cron {"schedule", "command", "time_to_live",
 * "overlap"}, GET and DELETE /apps/APP/cron/ID: commands that run when they
 * are due.
 */
#include "api/dyno/cron.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/app/app_change.h"
#include "api/http/check.h"
#include "api/dyno/dyno.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "schedule/crontab.h"
#include "store/keys.h"

#define COMMAND_SHOWN 80 /* bytes of a command in the timeline */

static const struct check_field fields[] = {
    {"schedule", CHECK_STRING, CHECK_REQUIRED, 1, CRON_TEXT_MAX, NULL, NULL},
    {"command", CHECK_STRING, CHECK_REQUIRED, 1, DYNO_COMMAND_MAX, NULL, NULL},
    {"time_to_live", CHECK_NUMBER, CHECK_NULLABLE, 1, INT64_MAX, NULL, NULL},
    {"overlap", CHECK_BOOL, CHECK_NULLABLE, 0, 0, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static char *
cron_key(struct request *r, char key[STORE_KEY_MAX + 1], uint32_t id)
{
	return key_format(key, "cron/%s/%08" PRIu32, r->name, id);
}

/* ---- showing ------------------------------------------------------------- */

struct list {
	struct request *r;
	json_t *shapes;
	uint32_t last;
};

static int
list_one(const char *key, json_t *entry, uint64_t rev, void *arg)
{
	struct list *list = arg;
	char digits[12];

	(void)rev;
	if (key_part(key, 2, digits, sizeof(digits)) == -1)
		return 0;
	list->last = (uint32_t)strtoul(digits, NULL, 10);
	json_array_append_new(
	    list->shapes, cron_shape(list->r, list->last, entry));
	return 0;
}

static void
list_all(struct request *r, struct list *list)
{
	char prefix[STORE_KEY_MAX + 1];

	list->r = r;
	list->shapes = json_array();
	list->last = 0;
	(void)store_each(r->api->store, key_format(prefix, "cron/%s/", r->name),
	    list_one, list);
}

void
cron_list(struct request *r)
{
	struct list list;

	list_all(r, &list);
	respond_json(r, MHD_HTTP_OK, list.shapes);
}

/* The record of the entry that the path names; answers if there is none. */
static json_t *
cron_find(struct request *r, uint32_t *id, uint64_t *rev)
{
	char key[STORE_KEY_MAX + 1];
	json_t *entry = NULL;
	int64_t n;

	if (check_digits(r->params[1], &n) == 0 && n > 0 && n <= 99999999) {
		*id = (uint32_t)n;
		entry = store_get(r->api->store, cron_key(r, key, *id), rev);
	}
	if (entry == NULL)
		respond_missing(r,
		    "%s has no cron entry \"%.20s\": paas cron lists them",
		    request_app(r), r->params[1]);
	return entry;
}

void
cron_info(struct request *r)
{
	json_t *entry;
	uint64_t rev;
	uint32_t id;

	if ((entry = cron_find(r, &id, &rev)) == NULL)
		return;
	respond_json(r, MHD_HTTP_OK, cron_shape(r, id, entry));
	json_decref(entry);
}

/* ---- changes ------------------------------------------------------------- */

static int
check_schedule(const char *text, char err[PAAS_ERRLEN])
{
	struct crontab tab;
	char why[PAAS_ERRLEN];

	if (crontab_parse(&tab, text, why) == -1) {
		snprintf(err, PAAS_ERRLEN, "schedule: %.400s", why);
		return -1;
	}
	if (crontab_next(&tab, id_now() / 60000000) != -1)
		return 0;
	snprintf(err, PAAS_ERRLEN,
	    "schedule \"%.60s\" is of a day that there is not in any year",
	    text);
	return -1;
}

/* 0, or -1 after an answer. */
static int
cron_check(struct request *r)
{
	uint32_t most = r->api->conf->oneoff_timeout;
	char err[PAAS_ERRLEN];
	json_t *ttl;

	if (check_object(r->json, fields, "", err) == -1 ||
	    check_schedule(model_text(r->json, "schedule"), err) == -1) {
		respond_invalid(r, "%s", err);
		return -1;
	}
	ttl = json_object_get(r->json, "time_to_live");
	if (ttl == NULL || json_is_null(ttl) ||
	    check_number(ttl) <= (int64_t)most)
		return 0;
	respond_invalid(r,
	    "time_to_live has to be 1 to %" PRIu32 " seconds (oneoff_timeout "
	    "in paas.conf)",
	    most);
	return -1;
}

static json_t *
cron_record(struct request *r)
{
	json_t *ttl = json_object_get(r->json, "time_to_live");
	char user[64];

	request_user(r, user, sizeof(user));
	return json_pack("{s:s, s:s, s:I, s:b, s:s, s:I}", "schedule",
	    model_text(r->json, "schedule"), "command",
	    model_text(r->json, "command"), "timeout",
	    (json_int_t)(ttl != NULL && !json_is_null(ttl) ? check_number(ttl)
							   : 0),
	    "overlap", json_is_true(json_object_get(r->json, "overlap")),
	    "user", user, "created", (json_int_t)id_now());
}

void
cron_create(struct request *r)
{
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn;
	struct list list;
	json_t *entry;
	size_t n;

	if (cron_check(r) == -1)
		return;
	list_all(r, &list);
	n = json_array_size(list.shapes);
	json_decref(list.shapes);
	if (n >= CRON_ENTRIES_MAX) {
		respond_conflict(r,
		    "%s has %d cron entries, which is the most: take one away "
		    "with paas cron:remove",
		    request_app(r), CRON_ENTRIES_MAX);
		return;
	}
	entry = cron_record(r);
	txn = app_change_begin(r);
	store_put_new(txn, cron_key(r, key, list.last + 1), entry);
	store_event(txn, r->name, "cron", "entry %" PRIu32 " (%s): %.*s%s",
	    list.last + 1, model_text(entry, "schedule"), COMMAND_SHOWN,
	    model_text(entry, "command"),
	    strlen(model_text(entry, "command")) > COMMAND_SHOWN ? "..." : "");
	request_commit(
	    r, txn, MHD_HTTP_CREATED, cron_shape(r, list.last + 1, entry));
	json_decref(entry);
}

void
cron_delete(struct request *r)
{
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn;
	json_t *entry;
	uint64_t rev;
	uint32_t id;

	if ((entry = cron_find(r, &id, &rev)) == NULL)
		return;
	txn = app_change_begin(r);
	store_if(txn, cron_key(r, key, id), rev);
	store_del(txn, key);
	store_event(txn, r->name, "cron", "entry %" PRIu32 " (%s) is removed",
	    id, model_text(entry, "schedule"));
	request_commit(r, txn, MHD_HTTP_OK, cron_shape(r, id, entry));
	json_decref(entry);
}
