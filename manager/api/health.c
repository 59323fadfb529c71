/*
 * GET /health: this process answers, its store reads, and whether the
 * launcher answers: without it nothing starts, while all that runs goes on.
 */
#include "api/model.h"
#include "api/request.h"
#include "api/respond.h"
#include "api/verbs.h"
#include "node/launch.h"
#include "node/node.h"
#include "store/store.h"

void
health(struct request *r)
{
	respond_json(r, MHD_HTTP_OK,
	    json_pack("{s:s, s:I, s:b, s:o}", "status", "ok", "revision",
		(json_int_t)store_revision(r->api->store), "launcher",
		launch_answers(node_launch(r->api->node)), "git_url",
		model_git_url(r->api->conf, "")));
}
