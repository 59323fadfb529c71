/* The node from within: for the files of this room only. */
#ifndef PAAS_NODE_IMPL_H
#define PAAS_NODE_IMPL_H

#include <bsd/sys/queue.h>

#include "node/agent.h"
#include "node/appmap.h"
#include "node/claim.h"
#include "node/drain.h"
#include "node/fetch.h"
#include "node/ids.h"
#include "node/launch.h"
#include "node/logdrain.h"
#include "node/logfile.h"
#include "node/logprune.h"
#include "node/node.h"
#include "node/oneoff.h"
#include "node/run.h"
#include "node/slots.h"
#include "node/tree.h"
#include "node/wake.h"

struct node {
	struct store *store;
	const struct conf *conf;
	sd_event *event;
	char log_dir[sizeof(((struct conf *)0)->state_dir) + 16];
	struct ids *ids;
	struct slots *slots;
	struct fetch *fetch;
	struct drains *drains;
	struct loghub *logs;
	struct launch *launch;
	struct claims *claims;
	struct agent *agent;
	struct logprune *prune;
	struct appmap *apps;
	struct logdrains *logdrains;
	struct wake *wake;
	TAILQ_HEAD(run_list, run) runs; /* also those nobody waits for */
	struct oneoffs *oneoffs;
	node_wake_cb waker; /* hears of requests that wait */
	void *waker_arg;
	struct trees *trees;
};

/* Microseconds: since the epoch, and of a clock that does not jump. */
int64_t node_realtime(void);
uint64_t node_boottime(void);

#endif
