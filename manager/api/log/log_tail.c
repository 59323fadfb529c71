/*
 * GET /apps/APP/logs?lines=100&follow=1&ps=web.1&source=app&since=600&filter=x:
 * the last lines of all instances of an app, of the requests to it and of its
 * timeline, in order of time; with follow then each line as it comes.
 */
#include "api/log/log_view.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

void
log_tail(struct request *r)
{
	struct log_ask ask = {0};
	uint64_t number = 0;

	(void)key_parse_id(model_text(r->app, "number"), &number);
	ask.follow = request_query_flag(r, "follow");
	if (log_filter_read(r, &ask.filter) == -1)
		return;
	ask.lines = request_query_number(r, "lines",
	    ask.filter.since != 0 ? LOG_VIEW_LINES_MAX : LOG_VIEW_LINES,
	    LOG_VIEW_LINES_MAX);
	if (!respond_given(r) && log_ask_resume(r, &ask) == 0)
		log_view_open(r, r->name, number, &ask);
}
