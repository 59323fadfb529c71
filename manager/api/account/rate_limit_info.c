/*
 * GET /account/rate-limits: how many requests are left, as RateLimit-Remaining
 * of each answer says it, too.
 */
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"

void
rate_limit_info(struct request *r)
{
	respond_json(r, MHD_HTTP_OK,
	    json_pack("{s:I}", "remaining", (json_int_t)r->rate_left));
}
