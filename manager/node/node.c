#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/places.h"
#include "node/node_impl.h"

#define SLOT_FIRST 2 /* 1 is the gateway */

static int64_t
clock_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
node_realtime(void)
{
	return clock_us(CLOCK_REALTIME);
}

uint64_t
node_boottime(void)
{
	return (uint64_t)clock_us(CLOCK_BOOTTIME);
}

static void
ids_came(void *arg)
{
	struct node *node = arg;

	agent_all_due(node->agent);
}

static void
launcher_up(void *arg)
{
	struct node *node = arg;

	agent_up(node->agent);
}

static int
parts_open(struct node *node, char err[PAAS_ERRLEN])
{
	const struct conf *conf = node->conf;
	char path[PATH_MAX];

	snprintf(err, PAAS_ERRLEN, "out of memory");
	snprintf(node->log_dir, sizeof(node->log_dir), "%s/" PLACE_LOG,
	    conf->state_dir);
	node->slots = slots_new(SLOT_FIRST, conf_slot_last(conf));
	node->claims = claims_new();
	node->ids = ids_open(node->store, node->event, ids_came, node);
	if (node->slots == NULL || node->claims == NULL || node->ids == NULL)
		return -1;
	if ((node->fetch = fetch_open(node->event, err)) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/" PLACE_STATUS_SOCK, conf->run_dir);
	node->drains = drains_open(node->event, node->fetch, path);
	if (node->drains == NULL)
		return -1;
	node->logs = loghub_open(node->event, node->log_dir, err);
	if (node->logs == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/" PLACE_LAUNCHER_SOCK, conf->run_dir);
	node->launch = launch_open(node->event, path, launcher_up, node, err);
	if (node->launch == NULL)
		return -1;
	if ((node->trees = trees_open(node, err)) == NULL)
		return -1;
	if (agent_open(node, err) == NULL)
		return -1;
	if ((node->oneoffs = oneoffs_open(node, err)) == NULL)
		return -1;
	if ((node->prune = logprune_open(node)) == NULL)
		return -1;
	if ((node->logdrains = logdrains_open(node, err)) == NULL)
		return -1;
	if ((node->apps = appmap_open(node, err)) == NULL)
		return -1;
	node->wake = wake_open(node, err);
	return node->wake == NULL ? -1 : 0;
}

struct node *
node_open(struct store *store, const struct conf *conf, sd_event *event,
    char err[PAAS_ERRLEN])
{
	struct node *node;

	if ((node = calloc(1, sizeof(*node))) == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	node->store = store;
	node->conf = conf;
	node->event = event;
	TAILQ_INIT(&node->runs);
	if (parts_open(node, err) == -1) {
		node_close(node);
		return NULL;
	}
	return node;
}

void
node_close(struct node *node)
{
	if (node == NULL)
		return;
	wake_close(node->wake);
	appmap_close(node->apps);
	logdrains_close(node->logdrains);
	logprune_close(node->prune);
	oneoffs_close(node->oneoffs);
	run_free_all(node);
	agent_close(node->agent);
	trees_close(node->trees);
	launch_close(node->launch);
	loghub_close(node->logs);
	drains_close(node->drains);
	fetch_close(node->fetch);
	ids_close(node->ids);
	claims_delete(node->claims);
	slots_delete(node->slots);
	free(node);
}

struct launch *
node_launch(struct node *node)
{
	return node->launch;
}

struct loghub *
node_logs(struct node *node)
{
	return node->logs;
}

struct logdrains *
node_drains(struct node *node)
{
	return node->logdrains;
}

uint64_t
node_next_id(struct node *node)
{
	return ids_next(node->ids);
}

int
node_take_slot(struct node *node, uint64_t id, uint32_t *slot)
{
	/* Before that, slots that are in use might seem free. */
	if (!agent_listed(node->agent))
		return -EAGAIN;
	return slots_take(node->slots, id, node_boottime(), slot);
}

void
node_free_slot(struct node *node, uint32_t slot)
{
	slots_free(node->slots, slot, node_boottime());
}

int
node_claim(struct node *node, uint64_t id, node_claim_cb cb, void *arg)
{
	return claims_add(node->claims, id, agent_lists(node->agent), cb, arg);
}

void
node_on_wake(struct node *node, node_wake_cb cb, void *arg)
{
	node->waker = cb;
	node->waker_arg = arg;
}

void
node_unclaim(struct node *node, uint64_t id)
{
	claims_remove(node->claims, id);
}
