/*
 * What nginx says about itself, for people who ask how the platform is.
 */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/places.h"
#include "node/node_impl.h"

#define ASK_TIMEOUT_MS 500
#define BODY_MAX       (64 * 1024)

/* 700 bytes an instance that has had requests. */
#define LOAD_TIMEOUT_MS 2000
#define LOAD_MAX        (16 * 1024 * 1024)

/* The short page: that of an instance that there can't be. */
#define URL_SHORT "http://localhost/status?instance=ffffffffffffffff"
#define URL_LOAD  "http://localhost/status"

struct ask {
	node_router_cb cb;
	void *arg;
};

static void
answered(const struct fetch_answer *answer, void *arg)
{
	struct ask *ask = arg;
	json_t *page = NULL;

	if (answer->status == 200)
		page = json_loadb(answer->body, answer->len, 0, NULL);
	if (!json_is_object(json_object_get(page, "routes"))) {
		json_decref(page);
		page = NULL;
	}
	ask->cb(page, ask->arg);
	json_decref(page);
	free(ask);
}

static int
ask_page(struct node *node, const char *url, long timeout_ms, size_t body_max,
    node_router_cb cb, void *arg)
{
	char path[PATH_MAX];
	struct fetch_what what = {
	    .url = url,
	    .socket = path,
	    .timeout_ms = timeout_ms,
	    .body_max = body_max,
	};
	struct ask *ask = malloc(sizeof(*ask));

	if (ask == NULL) {
		errno = ENOMEM;
		return -1;
	}
	ask->cb = cb;
	ask->arg = arg;
	snprintf(
	    path, sizeof(path), "%s/" PLACE_STATUS_SOCK, node->conf->run_dir);
	if (fetch_get(node->fetch, &what, answered, ask) != NULL)
		return 0;
	free(ask);
	return -1;
}

int
node_ask_router(struct node *node, node_router_cb cb, void *arg)
{
	return ask_page(node, URL_SHORT, ASK_TIMEOUT_MS, BODY_MAX, cb, arg);
}

int
node_ask_load(struct node *node, node_router_cb cb, void *arg)
{
	return ask_page(node, URL_LOAD, LOAD_TIMEOUT_MS, LOAD_MAX, cb, arg);
}
