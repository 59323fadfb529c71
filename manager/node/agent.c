#include <sys/queue.h>
#include <bsd/sys/tree.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "node/agent_impl.h"
#include "store/keys.h"

#define ASSIGN       "assign/" KEY_NODE_LOCAL "/"
#define ACTUAL       "actual/" KEY_NODE_LOCAL "/"
#define MS           1000ULL
#define LATER_US     (500 * MS)
#define STEPS_A_TURN 64

static int
instance_cmp(const struct instance *a, const struct instance *b)
{
	return strcmp(a->assignment, b->assignment);
}

RB_GENERATE(instance_tree, instance, entry, instance_cmp)

void
agent_timer(sd_event_source *timer, uint64_t us)
{
	int r;

	r = sd_event_source_set_time_relative(timer, us);
	if (r >= 0)
		r = sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
	if (r < 0)
		log_err("agent: cannot set a timer: %s", strerror(-r));
}

/* ---- who has something to do ------------------------------------------- */

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
		agent_timer(a->later_timer, LATER_US);
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

void
agent_wake(struct agent *a, const char *app)
{
	struct instance *inst;

	RB_FOREACH (inst, instance_tree, &a->tree)
		if (strcmp(inst->app, app) == 0)
			instance_wake(inst);
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
	struct moment now = moment_now(), ended;
	uint32_t slot =
	    (uint32_t)json_integer_value(json_object_get(value, "slot"));
	json_t *day = json_object_get(value, "ended");

	(void)key;
	(void)rev;
	if (day == NULL)
		return 0;
	/* Nobody holds an address from before a boot. */
	ended = moment_recall(
	    json_object_get(value, "moment"), json_integer_value(day));
	if (ended.us != 0 && ended.boot == now.boot &&
	    moment_since(&ended, &now) < (int64_t)SLOTS_REST_US &&
	    slots_mark(a->node->slots, slot) == 0)
		slots_free(a->node->slots, slot, node_boottime());
	return 0;
}

/* ---- opening ----------------------------------------------------------- */

static int
sources_add(struct agent *a)
{
	sd_event *event = a->node->event;

	if (sd_event_add_defer(event, &a->defer, due_run, a) < 0 ||
	    sd_event_add_time_relative(event, &a->later_timer, CLOCK_MONOTONIC,
		0, 1000, later_over, a) < 0 ||
	    sd_event_add_time_relative(event, &a->ask_timer, CLOCK_MONOTONIC, 0,
		1000, agent_ask_now, a) < 0)
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
