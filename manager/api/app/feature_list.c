/*
 * GET /apps/APP/features and /account/features: what Heroku tries out with
 * those who ask for it.  There are none here, and clients look.
 */
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"

void
feature_list(struct request *r)
{
	respond_json(r, MHD_HTTP_OK, json_array());
}
