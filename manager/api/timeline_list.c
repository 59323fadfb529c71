/*
 * GET /apps/APP/timeline?limit=50: what happened, the latest last.
 */
#include "api/id.h"
#include "api/model.h"
#include "api/request.h"
#include "api/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

#define TIMELINE_LIMIT 50
#define TIMELINE_MAX   1000

struct list {
	json_t *events;
	uint32_t limit;
};

static int
list_add(const char *key, json_t *event, uint64_t rev, void *arg)
{
	struct list *list = arg;
	char seq[32];

	(void)rev;
	if (key_part(key, 2, seq, sizeof(seq)) == 0)
		json_array_insert_new(list->events, 0,
		    json_pack("{s:s, s:o, s:s, s:s}", "id", seq, "at",
			id_time_exact(model_number(event, "at")), "kind",
			model_text(event, "kind"), "text",
			model_text(event, "text")));
	return json_array_size(list->events) >= list->limit;
}

void
timeline_list(struct request *r)
{
	struct list list = {NULL, 0};
	char prefix[STORE_KEY_MAX + 1];

	list.limit =
	    request_query_number(r, "limit", TIMELINE_LIMIT, TIMELINE_MAX);
	if (list.limit == 0)
		return;
	list.events = json_array();
	(void)store_each_last(r->api->store,
	    key_format(prefix, "event/%s/", r->name), list_add, &list);
	respond_json(r, MHD_HTTP_OK, list.events);
}
