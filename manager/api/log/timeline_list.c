/*
 * GET /apps/APP/timeline?limit=50: what happened, the latest last; as it
 * happens, too, for who asks so: timeline_follow.c.
 */
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/http/stream.h"
#include "api/log/timeline.h"
#include "api/verbs.h"
#include "store/keys.h"

#define TIMELINE_LIMIT 50
#define TIMELINE_MAX   1000

struct list {
	json_t *events;
	uint32_t limit;
};

json_t *
timeline_json(const char *key, json_t *event)
{
	char seq[32];

	if (key_part(key, 2, seq, sizeof(seq)) == -1)
		return NULL;
	return json_pack("{s:s, s:o, s:s, s:s}", "id", seq, "at",
	    id_time_exact(model_number(event, "at")), "kind",
	    model_text(event, "kind"), "text", model_text(event, "text"));
}

static int
list_add(const char *key, json_t *event, uint64_t rev, void *arg)
{
	struct list *list = arg;
	json_t *told = timeline_json(key, event);

	(void)rev;
	if (told != NULL)
		json_array_insert_new(list->events, 0, told);
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
	if (stream_wanted(r) || request_query_flag(r, "follow")) {
		if (!respond_given(r))
			timeline_follow(r, list.limit);
		return;
	}
	if (respond_given(r))
		return;
	list.events = json_array();
	(void)store_each_last(r->api->store,
	    key_format(prefix, "event/%s/", r->name), list_add, &list);
	respond_json(r, MHD_HTTP_OK, list.events);
}
