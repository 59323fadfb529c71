/*
 * What the launcher has, against what the agent knows of.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "node/agent_impl.h"

#define MS           1000ULL
#define LATER_US     (500 * MS)
#define ASK_SOON_US  (100 * MS)
#define ASK_AGAIN_US (2000 * MS) /* a start of the manager before us */
#define ASK_US       (60 * 1000 * MS)

static const struct launch_record *
record_find(const struct agent *a, uint64_t id)
{
	size_t i;

	for (i = 0; i < a->count; i++) {
		if (a->records[i].id == id)
			return &a->records[i];
	}
	return NULL;
}

static void
unknown_end(struct agent *a, const struct launch_record *record)
{
	struct node *node = a->node;

	if (record->state == LAUNCH_EXITED) {
		(void)launch_clean(node->launch, record->id, NULL, NULL);
	} else {
		log_warn("instance %016" PRIx64 " belongs to nothing: it is "
			 "ended",
		    record->id);
		(void)launch_kill(node->launch, record->id, NULL, NULL);
	}
	if (slots_mark(node->slots, record->slot) == 0)
		slots_free(node->slots, record->slot, node_boottime());
	agent_ask(a);
}

static void
list_judge(struct agent *a)
{
	struct instance *inst;
	size_t i;

	for (i = 0; i < a->count; i++) {
		if (claims_has(a->node->claims, a->records[i].id))
			(void)slots_mark(a->node->slots, a->records[i].slot);
		else if (!agent_has_id(a, a->records[i].id))
			unknown_end(a, &a->records[i]);
	}
	RB_FOREACH (inst, instance_tree, &a->tree) {
		if (inst->life == INSTANCE_LIFE_UNKNOWN &&
		    inst->life_lists < a->lists)
			instance_listed(inst, record_find(a, inst->rec.id));
	}
}

static void
list_done(struct agent *a)
{
	int first = !a->listed, fresh = a->fresh;

	a->listed = 1;
	a->fresh = 0;
	list_judge(a);
	if (a->wanted)
		agent_timer(a->ask_timer, ASK_SOON_US);
	else
		agent_timer(a->ask_timer, fresh ? ASK_AGAIN_US : ASK_US);
	if (fresh)
		claims_tell(a->node->claims, a->lists, a->records, a->count);
	if (first)
		agent_all_due(a);
}

static int
record_keep(struct agent *a, const struct launch_record *record)
{
	struct launch_record *more;
	size_t room = a->room == 0 ? 64 : a->room * 2;

	if (a->count == a->room) {
		more = reallocarray(a->records, room, sizeof(*more));
		if (more == NULL)
			return -1;
		a->records = more;
		a->room = room;
	}
	a->records[a->count++] = *record;
	return 0;
}

static void
list_reply(int error, const struct launch_reply *reply, void *arg)
{
	struct agent *a = arg;

	if (error == 0 && reply->op == LAUNCH_LIST) {
		if (record_keep(a, &reply->record) == -1)
			a->asking = 2; /* not all: of no use */
		return;
	}
	if (error == 0 && a->asking == 1) {
		list_done(a);
	} else {
		if (error != ECONNRESET)
			log_err("launcher: no list: %s",
			    strerror(error != 0 ? error : ENOMEM));
		agent_timer(a->ask_timer, LATER_US);
	}
	a->asking = 0;
	a->count = a->room = 0;
	free(a->records);
	a->records = NULL;
}

int
agent_ask_now(sd_event_source *source, uint64_t now, void *arg)
{
	struct agent *a = arg;

	(void)source;
	(void)now;
	if (a->asking || !launch_connected(a->node->launch))
		return 0;
	if (launch_list(a->node->launch, list_reply, a) != 0) {
		agent_timer(a->ask_timer, LATER_US);
		return 0;
	}
	a->lists++;
	a->asking = 1;
	a->wanted = 0;
	return 0;
}

void
agent_ask(struct agent *a)
{
	a->wanted = 1;
	agent_timer(a->ask_timer, ASK_SOON_US);
}

void
agent_up(struct agent *a)
{
	a->fresh = 1;
	(void)agent_ask_now(NULL, 0, a);

	/* What was asked of the connection before may have to be again. */
	agent_all_due(a);
}

int
agent_listed(const struct agent *a)
{
	return a->listed;
}

uint64_t
agent_lists(const struct agent *a)
{
	return a->lists;
}
