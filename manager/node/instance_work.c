#include <bsd/string.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "common/log.h"
#include "node/backoff.h"
#include "node/instance.h"

#define SECOND       1000000LL
#define LEAST_US     (2 * SECOND) /* even if the time was over long ago */
#define EVENT(event) (1U << (event))

/* ---- time -------------------------------------------------------------- */

/* Once a state: over this many microseconds after the state began. */
static void
timer_since(struct instance *inst, int64_t us, int64_t least)
{
	struct moment now;
	int64_t left;
	int r;

	if (inst->timer_set)
		return;
	now = moment_now();
	left = us - moment_since(&inst->rec.moment, &now);
	if (left < least)
		left = least;
	r = sd_event_source_set_time_relative(inst->timer, (uint64_t)left);
	if (r >= 0)
		r = sd_event_source_set_enabled(inst->timer, SD_EVENT_ONESHOT);
	if (r < 0)
		log_err("instance: cannot set a timer: %s", strerror(-r));
	inst->timer_set = r >= 0;
}

/* ---- the process ------------------------------------------------------- */

static void
process_ended(const struct proc_exit *e, void *arg)
{
	struct instance *inst = arg;

	inst->exit = *e;
	instance_life_set(inst, INSTANCE_LIFE_EXITED);
}

static void
process_gone(struct instance *inst)
{
	struct node *node = inst->node;
	int error;

	error = proc_exit_read(node->conf->run_dir, inst->rec.id, &inst->exit);
	if (error == -EBADMSG)
		log_warn("%s/exit/%016" PRIx64 " is damaged",
		    node->conf->run_dir, inst->rec.id);
	instance_life_set(inst, INSTANCE_LIFE_EXITED);
}

void
instance_listed(struct instance *inst, const struct launch_record *record)
{
	struct node *node = inst->node;
	int error;

	if (record == NULL) {
		/* No record is left, but perhaps its last word. */
		error = proc_exit_read(
		    node->conf->run_dir, inst->rec.id, &inst->exit);
		instance_life_set(inst, error == -ENOENT
					    ? INSTANCE_LIFE_ABSENT
					    : INSTANCE_LIFE_EXITED);
		return;
	}
	if (record->state == LAUNCH_STARTING) {
		instance_life_set(inst, INSTANCE_LIFE_UNKNOWN);
		return;
	}
	if (record->state == LAUNCH_EXITED) {
		process_gone(inst);
		return;
	}
	error = proc_watch(&inst->proc, node->event, node->conf->run_dir,
	    inst->rec.id, record->pid, record->starttime, process_ended, inst);
	if (error == 0) {
		inst->unwatched = 0;
		instance_life_set(inst, INSTANCE_LIFE_RUNNING);
	} else if (error == -ESRCH) {
		process_gone(inst);
	} else {
		if (!inst->unwatched)
			log_err("cannot watch process %d: %s; trying again",
			    record->pid, strerror(-error));
		inst->unwatched = 1;
		instance_life_set(inst, INSTANCE_LIFE_UNKNOWN);
	}
}

static void
killed(int error, const struct launch_reply *reply, void *arg)
{
	struct instance *inst = arg;

	(void)reply;
	if (error == 0)
		return;
	inst->killed = 0;
	if (error == ECONNRESET)
		return; /* agent_up makes it due */
	log_warn("instance %016" PRIx64 ": SIGKILL: %s", inst->rec.id,
	    strerror(error));
	agent_ask(inst->node->agent);
	agent_due_later(inst->node->agent, inst);
}

static void
process_kill(struct instance *inst)
{
	if (inst->killed)
		return;
	inst->killed = 1;
	if (launch_kill(inst->node->launch, inst->rec.id, killed, inst) != 0) {
		inst->killed = 0;
		agent_due_later(inst->node->agent, inst);
	}
}

static void
signalled(int error, const struct launch_reply *reply, void *arg)
{
	struct instance *inst = arg;

	(void)reply;
	if (error == ECONNRESET) {
		inst->signalled = 0;
	} else if (error != 0) {
		/* It can't be asked to go. */
		inst->timer_over = 1;
		agent_due(inst->node->agent, inst);
	}
}

static void
process_stop(struct instance *inst)
{
	timer_since(
	    inst, instance_seconds(inst, INSTANCE_TIME_STOP) * SECOND, 0);
	if (inst->timer_over) {
		process_kill(inst);
		return;
	}
	if (inst->signalled)
		return;
	inst->signalled = 1;
	if (launch_signal(inst->node->launch, inst->rec.id, SIGTERM, signalled,
		inst) != 0) {
		inst->signalled = 0;
		agent_due_later(inst->node->agent, inst);
	}
}

static void
cleaned(int error, const struct launch_reply *reply, void *arg)
{
	struct instance *inst = arg;

	(void)reply;
	if (error == 0 || error == ENOENT || error == ESRCH) {
		instance_life_set(inst, INSTANCE_LIFE_ABSENT);
		return;
	}
	inst->life = INSTANCE_LIFE_EXITED;
	if (error != ECONNRESET) {
		log_warn("instance %016" PRIx64 ": it is not cleaned up yet: "
			 "%s",
		    inst->rec.id, strerror(error));
		agent_due_later(inst->node->agent, inst);
	}
}

static void
process_clean(struct instance *inst)
{
	inst->life = INSTANCE_LIFE_CLEAN;
	if (launch_clean(inst->node->launch, inst->rec.id, cleaned, inst) !=
	    0) {
		inst->life = INSTANCE_LIFE_EXITED;
		agent_due_later(inst->node->agent, inst);
	}
}

/* ---- each state's work ------------------------------------------------- */

static unsigned
process_fate(const struct instance *inst)
{
	if (inst->life == INSTANCE_LIFE_ABSENT)
		return EVENT(INSTANCE_LOST);
	if (inst->life != INSTANCE_LIFE_EXITED)
		return 0;
	return inst->refusal[0] != '\0' ? EVENT(INSTANCE_REFUSED)
					: EVENT(INSTANCE_EXIT);
}

static unsigned
work_starting(struct instance *inst)
{
	unsigned events;

	if (inst->life == INSTANCE_LIFE_UNBORN &&
	    inst->goal == INSTANCE_GOAL_RUN)
		instance_launch(inst);
	if (inst->life != INSTANCE_LIFE_RUNNING)
		return process_fate(inst);
	events = instance_health(inst);
	if (!inst->timer_set)
		timer_since(inst,
		    instance_seconds(inst, INSTANCE_TIME_START) * SECOND,
		    LEAST_US);
	if (inst->timer_over && (events & EVENT(INSTANCE_HEALTHY)) == 0)
		events |= EVENT(INSTANCE_LATE);
	return events;
}

static unsigned
work_running(struct instance *inst)
{
	if (inst->life != INSTANCE_LIFE_RUNNING)
		return process_fate(inst);
	return instance_health(inst);
}

static void
drained(void *arg)
{
	struct instance *inst = arg;

	inst->drained = 1;
	agent_due(inst->node->agent, inst);
}

static unsigned
work_draining(struct instance *inst)
{
	struct node *node = inst->node;

	if (inst->life != INSTANCE_LIFE_RUNNING)
		return process_fate(inst);

	/* Only web processes are routed to. */
	if (!instance_is_web(inst))
		return EVENT(INSTANCE_DRAINED);
	timer_since(
	    inst, instance_seconds(inst, INSTANCE_TIME_DRAIN) * SECOND, 0);
	if (inst->drained || inst->timer_over)
		return EVENT(INSTANCE_DRAINED);
	if (inst->drain == NULL)
		inst->drain = drain_start(
		    node->drains, inst->rec.id, inst->rev, drained, inst);
	if (inst->drain == NULL)
		agent_due_later(node->agent, inst);
	return 0;
}

static unsigned
work_stopping(struct instance *inst)
{
	switch (inst->life) {
	case INSTANCE_LIFE_UNBORN:
	case INSTANCE_LIFE_ABSENT:
		return EVENT(INSTANCE_CLEANED);
	case INSTANCE_LIFE_RUNNING:
		process_stop(inst);
		return 0;
	case INSTANCE_LIFE_EXITED:
		process_clean(inst);
		return 0;
	case INSTANCE_LIFE_UNKNOWN:
	case INSTANCE_LIFE_LAUNCH:
	case INSTANCE_LIFE_CLEAN:
		break;
	}
	return 0;
}

static unsigned
crash_verdict(const struct instance *inst)
{
	const struct instance_record *rec = &inst->rec;
	int64_t delay = backoff_delay(rec->restarts);

	/* A release that nobody has seen work yet isn't tried for ever. */
	if (!rec->ever && (rec->late || rec->restarts >= BACKOFF_IMMEDIATE) &&
	    !instance_release_live(inst))
		delay = -1;
	if (delay == -1)
		return EVENT(INSTANCE_GIVE_UP);
	return delay == 0 ? EVENT(INSTANCE_AGAIN) : EVENT(INSTANCE_WAIT);
}

static unsigned
work_crashed(struct instance *inst)
{
	switch (inst->life) {
	case INSTANCE_LIFE_UNBORN:
	case INSTANCE_LIFE_ABSENT:
		return crash_verdict(inst);
	case INSTANCE_LIFE_RUNNING:
		/* What never worked has nothing to put in order. */
		if (inst->rec.late)
			process_kill(inst);
		else
			process_stop(inst);
		return 0;
	case INSTANCE_LIFE_EXITED:
		process_clean(inst);
		return 0;
	case INSTANCE_LIFE_UNKNOWN:
	case INSTANCE_LIFE_LAUNCH:
	case INSTANCE_LIFE_CLEAN:
		break;
	}
	return 0;
}

static unsigned
work_backoff(struct instance *inst)
{
	timer_since(inst, inst->rec.until - inst->rec.since, 0);
	return inst->timer_over || inst->woken ? EVENT(INSTANCE_AGAIN) : 0;
}

void
instance_wake(struct instance *inst)
{
	if (inst->rec.state != INSTANCE_BACKOFF || !inst->rec.wakeable ||
	    inst->woken)
		return;
	inst->woken = 1;
	agent_due(inst->node->agent, inst);
}

unsigned
instance_work(struct instance *inst)
{
	static unsigned (*const works[INSTANCE_STATES])(struct instance *) = {
	    [INSTANCE_STARTING] = work_starting,
	    [INSTANCE_READY] = work_running,
	    [INSTANCE_UNHEALTHY] = work_running,
	    [INSTANCE_DRAINING] = work_draining,
	    [INSTANCE_STOPPING] = work_stopping,
	    [INSTANCE_CRASHED] = work_crashed,
	    [INSTANCE_BACKOFF] = work_backoff,
	};
	unsigned events = 0;

	if (works[inst->rec.state] != NULL)
		events = works[inst->rec.state](inst);
	if (inst->goal == INSTANCE_GOAL_RUN)
		return events | EVENT(INSTANCE_RUN);
	events |= EVENT(INSTANCE_STOP);
	if (inst->goal == INSTANCE_GOAL_NONE)
		events |= EVENT(INSTANCE_DROP);
	return events;
}
