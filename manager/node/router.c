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

/* The short page: that of an instance that there can't be. */
#define URL "http://localhost/status?instance=ffffffffffffffff"

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

int
node_ask_router(struct node *node, node_router_cb cb, void *arg)
{
	char path[PATH_MAX];
	struct fetch_what what = {
	    .url = URL,
	    .socket = path,
	    .timeout_ms = ASK_TIMEOUT_MS,
	    .body_max = BODY_MAX,
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
