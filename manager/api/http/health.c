/*
 * GET /health: this process answers, its store reads; whether the launcher
 * answers, without which nothing starts while all that runs goes on; and what
 * nginx says of itself, null if it says nothing.
 */
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
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

/* NULL: nobody answers. */
static json_t *
health_router(json_t *page)
{
	json_t *routes = json_object_get(page, "routes"), *shape;
	json_t *held = json_object_get(page, "held");

	if (page == NULL)
		return json_null();
	shape = json_deep_copy(routes);
	json_object_set_new(shape, "held",
	    json_integer(
		json_integer_value(json_object_get(held, "requests"))));
	json_object_set_new(shape, "workers",
	    json_integer(
		(json_int_t)json_array_size(json_object_get(page, "workers"))));
	return shape;
}

static void
health_answer(struct request *r, json_t *page)
{
	respond_json(r, MHD_HTTP_OK,
	    json_pack("{s:s, s:I, s:b, s:o, s:o, s:o, s:o}", "status", "ok",
		"revision", (json_int_t)store_revision(r->api->store),
		"launcher", launch_answers(node_launch(r->api->node)), "router",
		health_router(page), "git_url", model_git_url(r->api->conf, ""),
		"git_https_url", health_git_https(r->api->conf), "git_ssh_url",
		model_git_ssh_url(r->api->conf, "")));
}

static void
health_asked(json_t *page, void *arg)
{
	struct request *r = arg;

	health_answer(r, page);
	request_release(r);
}

/* nginx is given half a second; nobody but this request waits for it. */
void
health(struct request *r)
{
	if (node_ask_router(r->api->node, health_asked, request_hold(r)) == 0)
		return;
	request_release(r);
	health_answer(r, NULL);
}
