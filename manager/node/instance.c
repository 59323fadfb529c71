#include <bsd/string.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "node/backoff.h"
#include "node/instance.h"
#include "store/keys.h"

static int
instance_timer(sd_event_source *source, uint64_t now, void *arg)
{
	struct instance *inst = arg;

	(void)source;
	(void)now;
	inst->timer_over = 1;
	agent_due(inst->node->agent, inst);
	return 0;
}

struct instance *
instance_new(struct node *node, const char *assignment)
{
	struct instance *inst;

	if ((inst = calloc(1, sizeof(*inst))) == NULL)
		return NULL;
	inst->node = node;
	inst->life = INSTANCE_LIFE_ABSENT;
	strlcpy(inst->assignment, assignment, sizeof(inst->assignment));
	if (sd_event_add_time_relative(node->event, &inst->timer,
		CLOCK_MONOTONIC, 0, 1000, instance_timer, inst) < 0) {
		free(inst);
		return NULL;
	}
	sd_event_source_set_enabled(inst->timer, SD_EVENT_OFF);
	return inst;
}

void
instance_delete(struct instance *inst)
{
	launch_forget(inst->node->launch, inst);
	tree_forget(inst->node, inst);
	proc_unwatch(inst->proc);
	instance_health_close(inst);
	drain_stop(inst->drain);
	sd_event_source_disable_unref(inst->timer);
	json_decref(inst->last_log);
	free(inst);
}

void
instance_name(const struct instance *inst, char name[INSTANCE_NAME_MAX])
{
	snprintf(name, INSTANCE_NAME_MAX, "%s.%u", inst->type, inst->index);
}

int
instance_is_web(const struct instance *inst)
{
	return strcmp(inst->type, "web") == 0;
}

void
instance_enter(struct instance *inst)
{
	sd_event_source_set_enabled(inst->timer, SD_EVENT_OFF);
	inst->timer_set = inst->timer_over = 0;
	inst->drained = inst->signalled = inst->killed = inst->woken = 0;
	drain_stop(inst->drain);
	inst->drain = NULL;
	switch (inst->rec.state) {
	case INSTANCE_STARTING:
	case INSTANCE_READY:
	case INSTANCE_UNHEALTHY:
		break;
	default:
		instance_health_close(inst);
	}
}

void
instance_life_set(struct instance *inst, enum instance_life life)
{
	struct node *node = inst->node;

	if (life != INSTANCE_LIFE_RUNNING) {
		proc_unwatch(inst->proc);
		inst->proc = NULL;
	}
	if (life == INSTANCE_LIFE_UNKNOWN) {
		inst->life_lists = agent_lists(node->agent);
		agent_ask(node->agent);
	}
	if (life == INSTANCE_LIFE_ABSENT && inst->slot_held) {
		slots_free(node->slots, inst->rec.slot, node_boottime());
		inst->slot_held = 0;
	}
	inst->life = life;
	agent_due(node->agent, inst);
}

/* ---- the one change of state ------------------------------------------ */

/* Of a back-off: when it would have been over. */
static struct moment
rest_end(const struct instance_record *rec)
{
	struct moment end = rec->moment;

	end.us += rec->until - rec->since;
	return end;
}

/* Says -1 if there is no id or no slot now. */
static int
next_begin(struct instance *inst)
{
	struct instance_record *next = &inst->next;
	struct node *node = inst->node;

	if (!agent_listed(node->agent))
		return -1; /* its first answer makes all due */
	if ((next->id = node_next_id(node)) == 0)
		return -1; /* and so does a block of ids */
	if (node_take_slot(node, next->id, &next->slot) != 0) {
		agent_due_later(node->agent, inst);
		return -1;
	}
	/* The time that was cut short has to pass before it may be again. */
	if (inst->rec.state == INSTANCE_BACKOFF && inst->woken)
		next->rests = rest_end(&inst->rec);
	next->until = 0;
	memset(&next->ready, 0, sizeof(next->ready));
	next->late = next->wakeable = 0;
	next->reason[0] = '\0';
	return 0;
}

static void
crash_reason(struct instance *inst, char *reason, size_t len)
{
	switch (inst->event) {
	case INSTANCE_REFUSED:
		snprintf(
		    reason, len, "it could not be started: %s", inst->refusal);
		break;
	case INSTANCE_HUNG:
		instance_hung_text(inst, reason, len);
		break;
	case INSTANCE_LATE:
		instance_late_text(inst, reason, len);
		break;
	default:
		proc_exit_text(&inst->exit, inst->memory, reason, len);
	}
}

static void
next_crash(struct instance *inst)
{
	struct instance_record *next = &inst->next;
	struct moment end = next->moment;
	uint64_t uptime = 0;

	/* An exit record is of this boot, and tells of what is past. */
	if (inst->exit.time != 0 && inst->exit.time < end.us)
		end.us = inst->exit.time;
	if (next->ready.us != 0)
		uptime = (uint64_t)moment_since(&next->ready, &end) / 1000000;
	next->restarts = backoff_count(next->restarts, uptime);
	next->late = inst->event == INSTANCE_LATE;
	crash_reason(inst, next->reason, sizeof(next->reason));
	json_decref(inst->last_log);
	inst->last_log = instance_log_tail(inst);
}

/* None is as long as a boot of the machine. */
static int
has_rested(const struct instance_record *rec)
{
	return rec->moment.us >= rec->rests.us ||
	       rec->moment.boot != rec->rests.boot;
}

static int
next_make(struct instance *inst, enum instance_action action)
{
	struct instance_record *next = &inst->next;
	int64_t delay;

	switch (action) {
	case INSTANCE_BEGIN:
		return next_begin(inst);
	case INSTANCE_FIRST:
		next->ready = next->moment;
		next->ever = 1;
		next->reason[0] = '\0';
		json_decref(inst->last_log);
		inst->last_log = NULL;
		break;
	case INSTANCE_CRASH:
		next_crash(inst);
		break;
	case INSTANCE_DELAY:
		delay = backoff_delay(next->restarts);
		next->until = next->since + delay * 1000000;
		next->wakeable = instance_is_web(inst) && has_rested(next);
		break;
	case INSTANCE_MARK:
		if (next->state == INSTANCE_UNHEALTHY) {
			strlcpy(next->reason, instance_health_why(inst),
			    sizeof(next->reason));
			json_decref(inst->last_log);
			inst->last_log = instance_log_tail(inst);
		} else if (next->state == INSTANCE_READY)
			next->reason[0] = '\0';
		break;
	case INSTANCE_BURY:
	case INSTANCE_IGNORE:
	case INSTANCE_FORGET:
		break;
	}
	if (!instance_has_process(next->state))
		next->slot = 0;
	return 0;
}

/* The commit is durable: what it says is what is. */
static void
change_done(struct instance *inst, uint64_t rev)
{
	struct instance_cell cell =
	    instance_table_cell(inst->rec.state, inst->event);

	if (cell.action == INSTANCE_BEGIN) {
		instance_life_set(inst, INSTANCE_LIFE_ABSENT);
		inst->rec = inst->next;
		inst->slot_held = 1;
		inst->refusal[0] = '\0';
		memset(&inst->exit, 0, sizeof(inst->exit));
		instance_health_close(inst);
		instance_life_set(inst, INSTANCE_LIFE_UNBORN);
	} else if (cell.action == INSTANCE_FORGET) {
		memset(&inst->rec, 0, sizeof(inst->rec));
	} else {
		inst->rec = inst->next;
	}
	inst->rev = cell.action == INSTANCE_FORGET ? 0 : rev;
	instance_enter(inst);
}

static void
change_failed(struct instance *inst, enum store_result result)
{
	char key[STORE_KEY_MAX + 1], name[INSTANCE_NAME_MAX];

	if (instance_table_cell(inst->rec.state, inst->event).action ==
	    INSTANCE_BEGIN)
		slots_return(inst->node->slots, inst->next.slot);
	if (result == STORE_CONFLICT && inst->conflicts++ == 0) {
		/* The assignment changed, and our watch knows already. */
		key_format(
		    key, "actual/" KEY_NODE_LOCAL "/%s", inst->assignment);
		json_decref(store_get(inst->node->store, key, &inst->rev));
		agent_due(inst->node->agent, inst);
		return;
	}
	instance_name(inst, name);
	log_err("%s %s: its change to %s is not written: %s", inst->app, name,
	    instance_state_name(inst->next.state), store_strerror(result));
	agent_due_later(inst->node->agent, inst);
}

static void
change_committed(enum store_result result, uint64_t rev, void *arg)
{
	struct instance *inst = arg;

	inst->committing = 0;
	if (result != STORE_OK) {
		change_failed(inst, result);
		return;
	}
	inst->conflicts = 0;
	change_done(inst, rev);
	agent_due(inst->node->agent, inst);
}

static void
instance_change(
    struct instance *inst, enum instance_event event, struct instance_cell cell)
{
	struct store_txn *txn;

	inst->event = event;
	inst->next = inst->rec;
	inst->next.state = cell.next;
	inst->next.since = node_realtime();
	inst->next.moment = moment_now();
	if (next_make(inst, cell.action) == -1)
		return;
	txn = instance_txn(inst, cell.action, event);
	if (txn == NULL) {
		change_failed(inst, STORE_ERROR);
		return;
	}
	inst->committing = 1;
	store_commit(txn, change_committed, inst);
}

void
instance_step(struct instance *inst)
{
	struct instance_cell cell;
	unsigned events, event;

	if (inst->committing)
		return;
	if (inst->rec.state == INSTANCE_CREATED &&
	    inst->goal == INSTANCE_GOAL_NONE) {
		agent_remove(inst->node->agent, inst);
		return;
	}
	events = instance_work(inst);
	for (event = 0; event < INSTANCE_EVENTS; event++) {
		if ((events & 1U << event) == 0)
			continue;
		cell = instance_table_cell(inst->rec.state, event);
		if (cell.action != INSTANCE_IGNORE) {
			instance_change(inst, event, cell);
			return;
		}
	}
}
