/*
 * GET /apps/APP/dynos, and one of them by its name or id.
 */
#include <string.h>

#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"

void
dyno_list(struct request *r)
{
	respond_json(r, MHD_HTTP_OK, model_dynos(r->api, r->name, r->app));
}

void
dyno_info(struct request *r)
{
	const char *which = r->params[1];
	uint32_t oneoff = model_find_oneoff(r->api, r->name, r->app, which);
	json_t *dyno, *dynos;
	size_t i;

	if (oneoff != 0) {
		respond_json(r, MHD_HTTP_OK,
		    model_oneoff(r->api, r->name, r->app, oneoff));
		return;
	}
	dynos = model_dynos(r->api, r->name, r->app);
	json_array_foreach (dynos, i, dyno)
		if (strcmp(model_text(dyno, "name"), which) == 0 ||
		    strcmp(model_text(dyno, "id"), which) == 0) {
			respond_json(r, MHD_HTTP_OK, json_incref(dyno));
			break;
		}
	json_decref(dynos);
	if (!respond_given(r))
		respond_missing(
		    r, "%s has no dyno %.60s", request_app(r), which);
}
