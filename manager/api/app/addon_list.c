/*
 * GET /apps/APP/addons and addon-attachments: there are none yet, and clients
 * ask for them when they show an app.
 */
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"

void
addon_list(struct request *r)
{
	respond_json(r, MHD_HTTP_OK, json_array());
}
