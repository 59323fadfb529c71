#include <sys/queue.h>
#include <bsd/sys/tree.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "node/instance.h"
#include "store/keys.h"

#define ASSIGN       "assign/" KEY_NODE_LOCAL "/"
#define ACTUAL       "actual/" KEY_NODE_LOCAL "/"
#define MS           1000ULL
#define LATER_US     (500 * MS)
#define ASK_SOON_US  (100 * MS)
#define ASK_AGAIN_US (2000 * MS) /* a start of the manager before us */
#define ASK_US       (60 * 1000 * MS)
#define STEPS_A_TURN 64

RB_HEAD(instance_tree, instance);
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

static int
instance_cmp(const struct instance *a, const struct instance *b)
{
	return strcmp(a->assignment, b->assignment);
}

RB_GENERATE_INTERNAL(instance_tree, instance, entry, instance_cmp,
    static __attribute__((unused)))

/* ---- who has something to do ------------------------------------------- */

static void
timer_in(sd_event_source *timer, uint64_t us)
{
	int r;

	r = sd_event_source_set_time_relative(timer, us);
	if (r >= 0)
		r = sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
	if (r < 0)
		log_err("agent: cannot set a timer: %s", strerror(-r));
}

static void
unqueue(struct agent *a, struct instance *inst)
{
	if (inst->queued == INSTANCE_DUE)
		TAILQ_REMOVE(&a->due, inst, due);
	else if (inst->queued == INSTANCE_DUE_LATER)
		TAILQ_REMOVE(&a->later, inst, due);
	inst->queued = INSTANCE_IDLE;
}

void
agent_due(struct agent *a, struct instance *inst)
{
	if (inst->queued == INSTANCE_DUE)
		return;
	unqueue(a, inst);
	inst->queued = INSTANCE_DUE;
	TAILQ_INSERT_TAIL(&a->due, inst, due);
	sd_event_source_set_enabled(a->defer, SD_EVENT_ONESHOT);
}

void
agent_due_later(struct agent *a, struct instance *inst)
{
	if (inst->queued != INSTANCE_IDLE)
		return;
	if (TAILQ_EMPTY(&a->later))
		timer_in(a->later_timer, LATER_US);
	inst->queued = INSTANCE_DUE_LATER;
	TAILQ_INSERT_TAIL(&a->later, inst, due);
}

void
agent_all_due(struct agent *a)
{
	struct instance *inst;

	RB_FOREACH (inst, instance_tree, &a->tree)
		agent_due(a, inst);
}

static int
later_over(sd_event_source *source, uint64_t now, void *arg)
{
	struct agent *a = arg;
	struct instance *inst;

	(void)source;
	(void)now;
	while ((inst = TAILQ_FIRST(&a->later)) != NULL)
		agent_due(a, inst);
	return 0;
}

static int
due_run(sd_event_source *source, void *arg)
{
	struct agent *a = arg;
	struct instance *inst;
	int i;

	(void)source;
	for (i = 0; i < STEPS_A_TURN; i++) {
		if ((inst = TAILQ_FIRST(&a->due)) == NULL)
			return 0;
		unqueue(a, inst);
		instance_step(inst);
	}
	sd_event_source_set_enabled(a->defer, SD_EVENT_ONESHOT);
	return 0;
}

/* ---- records ----------------------------------------------------------- */

static struct instance *
instance_get(struct agent *a, const char *key, size_t prefix)
{
	struct instance *inst, find;
	uint64_t id;

	if (key_parse_id(key + prefix, &id) == -1) {
		log_err("%s is not the name of an assignment", key);
		return NULL;
	}
	memcpy(find.assignment, key + prefix, sizeof(find.assignment));
	if ((inst = RB_FIND(instance_tree, &a->tree, &find)) != NULL)
		return inst;
	if ((inst = instance_new(a->node, key + prefix)) == NULL) {
		log_err("%s: out of memory", key);
		return NULL;
	}
	RB_INSERT(instance_tree, &a->tree, inst);
	return inst;
}

static void
assign_changed(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct instance *inst;

	inst = instance_get(arg, key, sizeof(ASSIGN) - 1);
	if (inst != NULL)
		instance_assigned(inst, value, value != NULL ? rev : 0);
}

static int
assign_found(const char *key, json_t *value, uint64_t rev, void *arg)
{
	assign_changed(key, value, rev, arg);
	return 0;
}

static int
actual_found(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct instance *inst;

	inst = instance_get(arg, key, sizeof(ACTUAL) - 1);
	if (inst != NULL)
		instance_recorded(inst, value, rev);
	return 0;
}

void
agent_remove(struct agent *a, struct instance *inst)
{
	unqueue(a, inst);
	RB_REMOVE(instance_tree, &a->tree, inst);
	instance_delete(inst);
}

int
agent_has_id(const struct agent *agent, uint64_t id)
{
	struct instance_tree *tree =
	    (struct instance_tree *)(uintptr_t)&agent->tree;
	struct instance *inst;

	RB_FOREACH (inst, instance_tree, tree) {
		if (inst->rec.id == id && instance_has_process(inst->rec.state))
			return 1;
	}
	return 0;
}

/* The slots of instances that ended lately rest, also of an earlier run. */
static int
slot_found(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct agent *a = arg;
	int64_t ended = json_integer_value(json_object_get(value, "ended"));
	uint32_t slot =
	    (uint32_t)json_integer_value(json_object_get(value, "slot"));

	(void)key;
	(void)rev;
	if (ended + (int64_t)SLOTS_REST_US > node_realtime() &&
	    slots_mark(a->node->slots, slot) == 0)
		slots_free(a->node->slots, slot, node_boottime());
	return 0;
}

/* ---- what the launcher has --------------------------------------------- */

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
		timer_in(a->ask_timer, ASK_SOON_US);
	else
		timer_in(a->ask_timer, fresh ? ASK_AGAIN_US : ASK_US);
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
		timer_in(a->ask_timer, LATER_US);
	}
	a->asking = 0;
	a->count = a->room = 0;
	free(a->records);
	a->records = NULL;
}

static int
ask_now(sd_event_source *source, uint64_t now, void *arg)
{
	struct agent *a = arg;

	(void)source;
	(void)now;
	if (a->asking || !launch_connected(a->node->launch))
		return 0;
	if (launch_list(a->node->launch, list_reply, a) != 0) {
		timer_in(a->ask_timer, LATER_US);
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
	timer_in(a->ask_timer, ASK_SOON_US);
}

void
agent_up(struct agent *a)
{
	a->fresh = 1;
	(void)ask_now(NULL, 0, a);

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

/* ---- opening ----------------------------------------------------------- */

static int
sources_add(struct agent *a)
{
	sd_event *event = a->node->event;

	if (sd_event_add_defer(event, &a->defer, due_run, a) < 0 ||
	    sd_event_add_time_relative(event, &a->later_timer, CLOCK_MONOTONIC,
		0, 1000, later_over, a) < 0 ||
	    sd_event_add_time_relative(
		event, &a->ask_timer, CLOCK_MONOTONIC, 0, 1000, ask_now, a) < 0)
		return -1;
	sd_event_source_set_enabled(a->defer, SD_EVENT_OFF);
	sd_event_source_set_enabled(a->later_timer, SD_EVENT_OFF);
	sd_event_source_set_enabled(a->ask_timer, SD_EVENT_OFF);
	return 0;
}

struct agent *
agent_open(struct node *node, char err[PAAS_ERRLEN])
{
	struct agent *a;

	if ((a = calloc(1, sizeof(*a))) == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	a->node = node;
	node->agent = a;
	RB_INIT(&a->tree);
	TAILQ_INIT(&a->due);
	TAILQ_INIT(&a->later);
	if (sources_add(a) == -1) {
		snprintf(err, PAAS_ERRLEN, "event loop: out of memory");
		agent_close(a);
		return NULL;
	}
	store_each(node->store, ACTUAL, actual_found, a);
	store_each(node->store, ASSIGN, assign_found, a);
	store_each(node->store, "instance/", slot_found, a);
	a->watch = store_watch(node->store, ASSIGN, assign_changed, a);
	agent_all_due(a);
	return a;
}

void
agent_close(struct agent *a)
{
	struct instance *inst;

	if (a == NULL)
		return;
	if (a->watch != NULL)
		store_unwatch(a->watch);
	while ((inst = RB_MIN(instance_tree, &a->tree)) != NULL)
		agent_remove(a, inst);
	launch_forget(a->node->launch, a);
	sd_event_source_disable_unref(a->defer);
	sd_event_source_disable_unref(a->later_timer);
	sd_event_source_disable_unref(a->ask_timer);
	free(a->records);
	a->node->agent = NULL;
	free(a);
}
