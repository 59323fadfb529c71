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

/* Where git may come from; https only if there is a port for it. */
static json_t *
health_git_https(const struct conf *conf)
{
	if (conf->https_port == 0)
		return json_null();
	if (conf->https_port == 443)
		return json_sprintf("https://git.%s", conf->domain);
	return json_sprintf(
	    "https://git.%s:%u", conf->domain, conf->https_port);
}

void
health(struct request *r)
{
	respond_json(r, MHD_HTTP_OK,
	    json_pack("{s:s, s:I, s:b, s:o, s:o}", "status", "ok", "revision",
		(json_int_t)store_revision(r->api->store), "launcher",
		launch_answers(node_launch(r->api->node)), "git_url",
		model_git_url(r->api->conf, ""), "git_https_url",
		health_git_https(r->api->conf)));
}
