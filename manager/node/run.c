/*
 * One sandbox from its start to its end.  It is claimed from the node before
 * it exists and until it is cleaned, so that at each new connection to the
 * launcher the node tells what became of it; what the launcher or the
 * process say in between only makes that faster.
 */
#include "node/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "node/launch.h"
#include "node/node_impl.h"

#define RETRY_US 500000

enum run_phase {
	RUN_TAKEN,
	RUN_ADOPTING, /* does it exist? */
	RUN_STARTING,
	RUN_RUNNING,
	RUN_ENDED,
	RUN_CLEANING
};

struct run {
	TAILQ_ENTRY(run) entry;
	struct node *node;
	uint64_t id;
	uint32_t slot; /* 0: not known */
	enum run_phase phase;
	int kill;   /* as soon as there is something to kill */
	int finish; /* nobody waits for it any more */
	run_cb cb;
	void *arg;
	struct proc *proc;
	sd_event_source *timer;
	struct launch_record seen; /* while a list is under way */
	int found;
};

static void run_clean(struct run *);
static void run_ask(struct run *);

static void
run_end(struct run *run, enum run_end end, const struct proc_exit *exit,
    const char *why)
{
	run->phase =
	    end == RUN_AGAIN || end == RUN_NO_SLUG ? RUN_TAKEN : RUN_ENDED;
	if (run->finish)
		run_clean(run);
	else
		run->cb(end, exit, why, run->arg);
}

/* ---- how it is ------------------------------------------------------- */

static void
run_read_exit(struct run *run)
{
	struct proc_exit exit;

	if (proc_exit_read(run->node->conf->run_dir, run->id, &exit) == 0)
		run_end(run, RUN_EXITED, &exit, NULL);
	else
		run_end(run, RUN_LOST, NULL, NULL);
}

static void
run_exited(const struct proc_exit *exit, void *arg)
{
	struct run *run = arg;

	if (exit->how != 0)
		run_end(run, RUN_EXITED, exit, NULL);
	else
		run_end(run, RUN_LOST, NULL, NULL);
}

static void
run_killed(int error, const struct launch_reply *reply, void *arg)
{
	struct run *run = arg;

	(void)reply;
	if (error != 0 && error != ECONNRESET && error != ENOENT &&
	    error != ESRCH)
		log_warn("instance %016llx can't be killed: %s",
		    (unsigned long long)run->id, strerror(error));
}

static void
run_is_running(struct run *run, const struct launch_record *record)
{
	struct node *node = run->node;
	int error;

	run->phase = RUN_RUNNING;
	run->slot = record->slot;
	error = proc_watch(&run->proc, node->event, node->conf->run_dir,
	    run->id, record->pid, record->starttime, run_exited, run);
	if (error < 0) {
		if (error != -ESRCH)
			log_err("instance %016llx can't be watched: %s",
			    (unsigned long long)run->id, strerror(-error));
		run_read_exit(run);
		return;
	}
	if (!run->finish)
		run->cb(RUN_STARTED, NULL, NULL, run->arg);
	if (run->kill)
		run_kill(run);
}

static int
run_retry(sd_event_source *source, uint64_t now, void *arg)
{
	struct run *run = arg;

	(void)source;
	(void)now;
	run->timer = sd_event_source_unref(run->timer);
	if (run->phase == RUN_CLEANING)
		run_clean(run);
	else
		run_ask(run);
	return 0;
}

static void
run_later(struct run *run)
{
	if (run->timer != NULL)
		return;
	if (sd_event_add_time_relative(run->node->event, &run->timer,
		CLOCK_MONOTONIC, RETRY_US, 0, run_retry, run) < 0)
		log_fatal("node: no timer");
}

/* What the launcher knows of it, NULL for nothing. */
static void
run_look(struct run *run, const struct launch_record *record)
{
	switch (run->phase) {
	case RUN_CLEANING:
		if (record != NULL)
			run->slot = record->slot;
		run_clean(run);
		return;
	case RUN_ADOPTING:
	case RUN_STARTING:
		break;
	default:
		return;
	}
	if (record == NULL && run->phase == RUN_STARTING && !run->kill)
		run_end(run, RUN_AGAIN, NULL, NULL);
	else if (record == NULL)
		run_read_exit(run);
	else if (record->state == LAUNCH_EXITED) {
		run->slot = record->slot;
		run_read_exit(run);
	} else if (record->state == LAUNCH_RUNNING)
		run_is_running(run, record);
	else
		run_later(run);
}

static void
run_claimed(const struct launch_record *record, void *arg)
{
	run_look(arg, record);
}

static void
run_listed(int error, const struct launch_reply *reply, void *arg)
{
	struct run *run = arg;

	if (error == 0 && reply->op == LAUNCH_LIST) {
		if (reply->record.id == run->id) {
			run->seen = reply->record;
			run->found = 1;
		}
		return;
	}
	/* Without a connection, the claim tells. */
	if (error == 0)
		run_look(run, run->found ? &run->seen : NULL);
}

static void
run_ask(struct run *run)
{
	run->found = 0;
	if (launch_list(run->node->launch, run_listed, run) < 0)
		run_later(run);
}

/* ---- start ----------------------------------------------------------- */

static struct run *
run_new(struct node *node, uint64_t id, run_cb cb, void *arg)
{
	struct run *run = calloc(1, sizeof(*run));

	if (run == NULL)
		return NULL;
	run->node = node;
	run->id = id;
	run->cb = cb;
	run->arg = arg;
	if (node_claim(node, id, run_claimed, run) < 0) {
		free(run);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&node->runs, run, entry);
	return run;
}

struct run *
run_take(struct node *node, run_cb cb, void *arg)
{
	struct run *run;
	uint64_t id = node_next_id(node);
	uint32_t slot;

	if (id == 0 || node_take_slot(node, id, &slot) < 0)
		return NULL;
	if ((run = run_new(node, id, cb, arg)) == NULL) {
		node_free_slot(node, slot);
		return NULL;
	}
	run->slot = slot;
	return run;
}

struct run *
run_adopt(struct node *node, uint64_t id, uint32_t slot, run_cb cb, void *arg)
{
	struct run *run = run_new(node, id, cb, arg);

	if (run == NULL)
		return NULL;
	run->phase = RUN_ADOPTING;
	run->slot = slot;
	if (slot != 0)
		(void)slots_mark(node->slots, slot);
	/* The node may have listed what there is before this claim. */
	if (launch_connected(node->launch))
		run_ask(run);
	return run;
}

static void
run_started(int error, const struct launch_reply *reply, void *arg)
{
	struct run *run = arg;
	char why[200];

	if (error == ECONNRESET || run->phase != RUN_STARTING)
		return;
	if (error == 0) {
		run_is_running(run, &reply->record);
		return;
	}
	if (error == EEXIST) {
		/* An earlier manager of this machine asked for it, too. */
		run_ask(run);
		return;
	}
	if (error == ENOENT && reply != NULL &&
	    reply->step == LAUNCH_STEP_SLUG) {
		run_end(run, RUN_NO_SLUG, NULL, NULL);
		return;
	}
	snprintf(why, sizeof(why), "The sandbox could not be started (%s: %s).",
	    reply != NULL ? launch_step_name(reply->step) : "the launcher",
	    strerror(error));
	run_end(run, RUN_REFUSED, NULL, why);
}

void
run_start(
    struct run *run, struct launch_start *start, const struct launch_argv *what)
{
	int error;

	start->id = run->id;
	start->slot = run->slot;
	run->phase = RUN_STARTING;
	error = launch_start(run->node->launch, start, what, run_started, run);
	if (error == -E2BIG)
		run_end(run, RUN_REFUSED, NULL,
		    "The config vars and arguments exceed 1 MiB in all.");
	else if (error < 0)
		run_end(run, RUN_REFUSED, NULL,
		    "The sandbox could not be started for want of memory.");
}

uint64_t
run_id(const struct run *run)
{
	return run->id;
}

uint32_t
run_slot(const struct run *run)
{
	return run->slot;
}

int
run_running(const struct run *run)
{
	return run->phase == RUN_RUNNING;
}

void
run_kill(struct run *run)
{
	run->kill = 1;
	if (run->phase == RUN_RUNNING || run->phase == RUN_STARTING)
		(void)launch_kill(run->node->launch, run->id, run_killed, run);
	else if (run->phase == RUN_TAKEN || run->phase == RUN_ENDED)
		run_end(run, RUN_LOST, NULL, NULL);
}

/* ---- end ------------------------------------------------------------- */

static void
run_free(struct run *run)
{
	launch_forget(run->node->launch, run);
	node_unclaim(run->node, run->id);
	proc_unwatch(run->proc);
	sd_event_source_disable_unref(run->timer);
	TAILQ_REMOVE(&run->node->runs, run, entry);
	free(run);
}

static void
run_cleaned(int error, const struct launch_reply *reply, void *arg)
{
	struct run *run = arg;

	(void)reply;
	if (error == 0 || error == ENOENT) {
		if (run->slot != 0)
			node_free_slot(run->node, run->slot);
		run_free(run);
	} else if (error != ECONNRESET)
		run_later(run);
}

static void
run_clean(struct run *run)
{
	run->phase = RUN_CLEANING;
	if (launch_clean(run->node->launch, run->id, run_cleaned, run) < 0)
		run_later(run);
}

void
run_free_all(struct node *node)
{
	struct run *run, *next;

	TAILQ_FOREACH_SAFE (run, &node->runs, entry, next)
		run_free(run);
}

void
run_finish(struct run *run)
{
	if (run == NULL)
		return;
	run->finish = 1;
	switch (run->phase) {
	case RUN_TAKEN:
	case RUN_ENDED:
		run_clean(run);
		break;
	case RUN_CLEANING:
		break;
	default:
		run_kill(run);
		break;
	}
}
