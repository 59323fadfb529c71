/*
 * GET /audit?limit=50&app=NAME&user=NAME: who has changed what, the latest
 * last.
 */
#include <string.h>

#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/access/user.h"
#include "api/verbs.h"
#include "store/names.h"
#include "store/keys.h"

#define AUDIT_LIMIT 50
#define AUDIT_MAX   1000

struct list {
	struct store *store;
	json_t *records;
	const char *app; /* NULL: of all */
	const char *user;
	uint32_t limit;
};

/* null for what there was none of. */
static json_t *
list_text(json_t *record, const char *field)
{
	const char *text = model_text(record, field);

	return text[0] != '\0' ? json_string(text) : json_null();
}

/* What the client called it, if it did: client_ids.h. */
static json_t *
list_ids(json_t *record)
{
	json_t *ids = json_object_get(record, "client_requests");

	return ids != NULL ? json_incref(ids) : json_array();
}

static json_t *
list_app(const struct list *list, json_t *record)
{
	const char *app = model_text(record, "app");
	char name[KEY_NAME_MAX + 1];

	if (app[0] == '\0')
		return json_null();
	return json_string(names_of(list->store, app, name));
}

static int
list_add(const char *key, json_t *record, uint64_t rev, void *arg)
{
	struct list *list = arg;
	char seq[32];

	(void)rev;
	if ((list->app != NULL &&
		strcmp(model_text(record, "app"), list->app) != 0) ||
	    (list->user != NULL &&
		strcmp(model_text(record, "user"), list->user) != 0) ||
	    key_part(key, 2, seq, sizeof(seq)) == -1)
		return 0;
	json_array_insert_new(list->records, 0,
	    json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:s, s:o, s:s}", "id",
		seq, "at", id_time_exact(model_number(record, "at")), "user",
		model_text(record, "user"), "address",
		list_text(record, "address"), "app", list_app(list, record),
		"token", list_text(record, "token"), "request",
		model_text(record, "request"), "client_requests",
		list_ids(record), "text", model_text(record, "text")));
	return json_array_size(list->records) >= list->limit;
}

void
audit_list(struct request *r)
{
	char app[MODEL_NAME_MAX], found[KEY_NAME_MAX + 1];
	char prefix[STORE_KEY_MAX + 1], user[WHO_NAME];
	struct list list = {.store = r->api->store};

	list.limit = request_query_number(r, "limit", AUDIT_LIMIT, AUDIT_MAX);
	if (list.limit == 0)
		return;
	list.app = request_query(r, "app", app, sizeof(app));
	list.user = request_query(r, "user", user, sizeof(user));
	if (respond_given(r))
		return;
	if (list.app != NULL && names_find(r->api->store, app, found) == 0)
		list.app = found;
	list.records = json_array();
	(void)store_each_last(r->api->store,
	    key_format(prefix, "event/%s/", KEY_PLATFORM), list_add, &list);
	respond_json(r, MHD_HTTP_OK, list.records);
}
