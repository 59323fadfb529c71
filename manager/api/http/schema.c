/*
 * GET /schema: the OpenAPI document.  It is the same for everybody and tells
 * nothing of what is on the platform, so nobody is asked who they are: a
 * client reads it to learn how to log in.
 */
#include "api/http/openapi.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"

void
schema(struct request *r)
{
	const struct openapi *openapi = r->api->openapi;

	respond_constant(r, openapi->text, openapi->len);
}
