#include "api/app/repository.h"

#include <bsd/sys/queue.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "api/server.h"
#include "common/places.h"
#include "node/launch.h"
#include "node/node.h"

/* One that was asked for. */
struct making {
	TAILQ_ENTRY(making) entry;
	struct repositories *all;
	uint64_t app;
	repository_cb done;
	void *arg;
};

struct repositories {
	struct api *api;
	TAILQ_HEAD(making_list, making) makings;
};

struct repositories *
repositories_open(struct api *api, char err[PAAS_ERRLEN])
{
	struct repositories *all = calloc(1, sizeof(*all));

	if (all == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	all->api = api;
	TAILQ_INIT(&all->makings);
	return all;
}

void
repositories_close(struct repositories *all)
{
	struct making *making;

	if (all == NULL)
		return;
	while ((making = TAILQ_FIRST(&all->makings)) != NULL) {
		TAILQ_REMOVE(&all->makings, making, entry);
		launch_forget(node_launch(all->api->node), making);
		free(making);
	}
	free(all);
}

/*
 * 0: not there; 1: still root's, since the launcher was killed before it gave
 * it away; 2: as it should be.
 */
static int
repository_is_there(struct repositories *all, uint64_t app)
{
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "%s/" PLACE_GIT "/%016" PRIx64 ".git",
	    all->api->conf->state_dir, app);
	if (lstat(path, &st) != 0)
		return 0;
	return st.st_uid == 0 ? 1 : 2;
}

int
repository_exists(struct repositories *all, uint64_t app)
{
	struct making *making;

	TAILQ_FOREACH (making, &all->makings, entry)
		if (making->app == app)
			return 1;
	return repository_is_there(all, app) != 0;
}

static void
repository_made(int error, const struct launch_reply *reply, void *arg)
{
	struct making *making = arg;
	repository_cb done = making->done;
	void *done_arg = making->arg;

	(void)reply;
	TAILQ_REMOVE(&making->all->makings, making, entry);
	free(making);
	done(error, done_arg);
}

void
repository_need(
    struct repositories *all, uint64_t app, repository_cb done, void *arg)
{
	struct launch *launch = node_launch(all->api->node);
	struct making *making;

	if (repository_is_there(all, app) == 2) {
		done(0, arg);
		return;
	}
	/* What it is sent while it does not answer would wait with no word. */
	if (!launch_answers(launch) ||
	    (making = calloc(1, sizeof(*making))) == NULL) {
		done(EAGAIN, arg);
		return;
	}
	making->all = all;
	making->app = app;
	making->done = done;
	making->arg = arg;
	TAILQ_INSERT_TAIL(&all->makings, making, entry);
	if (launch_repository(launch, app, repository_made, making) < 0)
		repository_made(ENOMEM, NULL, making);
}
