/*
 * GET /health: this process answers, and its store reads.
 */
#include "api/request.h"
#include "api/respond.h"
#include "api/verbs.h"
#include "store/store.h"

void
health(struct request *r)
{
	respond_json(r, MHD_HTTP_OK,
	    json_pack("{s:s, s:I}", "status", "ok", "revision",
		(json_int_t)store_revision(r->api->store)));
}
