/* The agent from within: for agent.c and agent_list.c. */
#ifndef PAAS_AGENT_IMPL_H
#define PAAS_AGENT_IMPL_H

#include "node/instance.h"

RB_HEAD(instance_tree, instance);
RB_PROTOTYPE(instance_tree, instance, entry, instance_cmp)
TAILQ_HEAD(instance_queue, instance);

struct agent {
	struct node *node;
	struct store_watch *watch;
	struct instance_tree tree;
	struct instance_queue due;
	struct instance_queue later;
	sd_event_source *defer;
	sd_event_source *later_timer;
	sd_event_source *ask_timer;

	/* What the launcher lists, until LAUNCH_END. */
	uint64_t lists;
	int asking;
	int wanted; /* one more question, asked from now on */
	int fresh;  /* first question of this connection */
	int listed;
	struct launch_record *records;
	size_t count;
	size_t room;
};

void agent_timer(sd_event_source *timer, uint64_t us);

/* The timer of the next question to the launcher. */
int agent_ask_now(sd_event_source *, uint64_t now, void *agent);

#endif
