/*
 * GET /patterns, in order; one of them; and DELETE /patterns/ORDER.
 */
#include "api/route/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "api/http/check.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"

int
pattern_key(struct request *r, char key[STORE_KEY_MAX + 1])
{
	int64_t order;

	if (check_digits(r->params[0], &order) == 0 && order >= 0 &&
	    order <= PATTERN_ORDER_MAX) {
		key_format(key, "pattern/%010u", (unsigned int)order);
		return 0;
	}
	respond_invalid(r,
	    "order has to be a whole number from 0 to %d, not \"%.60s\"",
	    PATTERN_ORDER_MAX, r->params[0]);
	return -1;
}

json_t *
pattern_shape(struct api *api, const char *key, json_t *record)
{
	json_t *path, *paths = json_array();
	size_t i;

	json_array_foreach (json_object_get(record, "paths"), i, path)
		json_array_append_new(paths, model_route_path(api, path));
	return json_pack("{s:I, s:s, s:o, s:o, s:o}", "order",
	    (json_int_t)strtoll(strchr(key, '/') + 1, NULL, 10), "pattern",
	    model_text(record, "pattern"), "paths", paths, "created_at",
	    id_time_of(record, "created"), "updated_at",
	    id_time_of(record, "updated"));
}

struct list {
	struct api *api;
	json_t *patterns;
};

static int
list_add(const char *key, json_t *record, uint64_t rev, void *arg)
{
	struct list *list = arg;

	(void)rev;
	json_array_append_new(
	    list->patterns, pattern_shape(list->api, key, record));
	return 0;
}

void
pattern_list(struct request *r)
{
	struct list list = {r->api, json_array()};

	(void)store_each(r->api->store, "pattern/", list_add, &list);
	respond_json(r, MHD_HTTP_OK, list.patterns);
}

static json_t *
find(struct request *r, char key[STORE_KEY_MAX + 1], uint64_t *rev)
{
	json_t *record;

	if (pattern_key(r, key) == -1)
		return NULL;
	record = store_get(r->api->store, key, rev);
	if (record == NULL)
		respond_missing(
		    r, "there is no pattern of order %.20s", r->params[0]);
	return record;
}

void
pattern_info(struct request *r)
{
	char key[STORE_KEY_MAX + 1];
	json_t *record = find(r, key, NULL);

	if (record != NULL)
		respond_json(
		    r, MHD_HTTP_OK, pattern_shape(r->api, key, record));
	json_decref(record);
}

void
pattern_delete(struct request *r)
{
	char key[STORE_KEY_MAX + 1];
	struct store_txn *txn;
	json_t *record;
	uint64_t rev;

	if ((record = find(r, key, &rev)) == NULL)
		return;
	txn = store_begin(r->api->store);
	store_if(txn, key, rev);
	store_del(txn, key);
	request_commit(r, txn, MHD_HTTP_OK, pattern_shape(r->api, key, record));
	json_decref(record);
}
