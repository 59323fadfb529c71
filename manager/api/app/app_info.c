/*
 * GET /apps/APP
 */
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"

void
app_info(struct request *r)
{
	respond_json(r, MHD_HTTP_OK, model_app(r->api, r->name, r->app));
}
