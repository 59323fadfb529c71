/*
 * Drives one-off processes: oneoff_step looks at what holds of one and does
 * what is next; one commit at a time.
 *
 * Killed anywhere, it goes on from ran/APP/INDEX:
 *   none       nothing was started
 *   starting   the launcher knows, since it keeps what it started until it is
 *              told to clean up, which is after "ended" is written.  If it
 *              knows nothing and the machine has not been started anew since,
 *              it was never asked; an id that it has, it starts no second time
 *   running    it is found again and watched
 *   ended      what is left of it belongs to nothing: the agent ends that
 */
#include <bsd/string.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "node/oneoff_impl.h"

#define SECOND   1000000ULL
#define RETRY_US (50 * 1000ULL)

static void
oneoff_due(struct oneoff *o)
{
	o->due = 1;
	sd_event_source_set_enabled(o->all->defer, SD_EVENT_ONESHOT);
}

/* ---- time -------------------------------------------------------------- */

static void
timer_in(struct oneoff *o, sd_event_source **timer, clockid_t clock,
    uint64_t us, sd_event_time_handler_t cb)
{
	if (*timer != NULL)
		return;
	if (sd_event_add_time_relative(
		o->all->node->event, timer, clock, us, 1000, cb, o) < 0)
		log_fatal("node: no timer");
}

static int
on_retry(sd_event_source *source, uint64_t now, void *arg)
{
	struct oneoff *o = arg;

	(void)source;
	(void)now;
	o->retry = sd_event_source_disable_unref(o->retry);
	oneoff_due(o);
	return 0;
}

static void
later(struct oneoff *o)
{
	timer_in(o, &o->retry, CLOCK_MONOTONIC, RETRY_US, on_retry);
}

static int
on_deadline(sd_event_source *source, uint64_t now, void *arg)
{
	struct oneoff *o = arg;

	(void)source;
	(void)now;
	o->late = 1;
	oneoff_due(o);
	return 0;
}

/* From when it began, whoever was the manager then. */
static void
deadline_set(struct oneoff *o)
{
	int64_t most = o->all->node->conf->oneoff_timeout, left;
	int64_t own = json_integer_value(json_object_get(o->want, "timeout"));
	struct moment now;

	if (own > 0 && own < most)
		most = own;
	now = moment_now();
	left = most * (int64_t)SECOND - moment_since(&o->moment, &now);
	if (left < 1)
		left = 1;
	timer_in(o, &o->deadline, CLOCK_BOOTTIME, (uint64_t)left, on_deadline);
}

static int
on_kill(sd_event_source *source, uint64_t now, void *arg)
{
	struct oneoff *o = arg;

	(void)source;
	(void)now;
	if (!o->over)
		run_kill(o->run);
	return 0;
}

/* ---- the process ------------------------------------------------------- */

/* Nothing of it has ever run, and it may. */
static int
may_start(const struct oneoff *o)
{
	return o->want_rev != 0 && !o->stop && !o->late &&
	       strcmp(o->boot, o->all->boot) == 0;
}

static void
never_ran(struct oneoff *o)
{
	if (o->state == ONEOFF_RUNNING || strcmp(o->boot, o->all->boot) != 0)
		strlcpy(o->why,
		    "the machine was started anew, and how it ended is not "
		    "known",
		    sizeof(o->why));
	else
		strlcpy(
		    o->why, "it was stopped before it began", sizeof(o->why));
	o->over = 1;
}

static void
unpacked(const char *why, void *arg)
{
	struct oneoff *o = arg;

	if (o->over)
		return;
	if (why != NULL) {
		strlcpy(o->why, why, sizeof(o->why));
		o->over = 1;
	} else if (may_start(o)) {
		oneoff_launch(o);
	} else {
		never_ran(o);
	}
	oneoff_due(o);
}

static void
on_run(
    enum run_end end, const struct proc_exit *exit, const char *why, void *arg)
{
	struct oneoff *o = arg;

	switch (end) {
	case RUN_STARTED:
		o->there = 1;
		break;
	case RUN_EXITED:
		o->exit = *exit;
		o->over = 1;
		break;
	case RUN_REFUSED:
		strlcpy(o->why, why, sizeof(o->why));
		o->over = 1;
		break;
	case RUN_NO_SLUG:
		o->launched = 0;
		oneoff_unpack(o, unpacked);
		break;
	case RUN_AGAIN:
		o->launched = 0;
		/* FALLTHROUGH */
	case RUN_LOST:
		if (o->there) {
			/* Its supervisor was killed, and it with that. */
			memset(&o->exit, 0, sizeof(o->exit));
			o->over = 1;
		} else if (!o->launched && o->state == ONEOFF_STARTING &&
			   may_start(o))
			oneoff_launch(o);
		else
			never_ran(o);
		break;
	}
	oneoff_due(o);
}

static void
stopped(int error, const struct launch_reply *reply, void *arg)
{
	struct oneoff *o = arg;

	(void)reply;
	/* Asked again at the next step; it may have ended, too. */
	if (error != 0)
		o->signalled = 0;
	if (error != 0 && !o->over)
		later(o);
}

/* SIGTERM, then SIGKILL; of one that nobody wants any more, at once. */
static void
process_stop(struct oneoff *o)
{
	struct node *node = o->all->node;

	if (o->want_rev == 0 || !run_running(o->run)) {
		run_kill(o->run);
		return;
	}
	timer_in(o, &o->kill, CLOCK_MONOTONIC,
	    node->conf->stop_timeout * SECOND, on_kill);
	if (o->signalled)
		return;
	o->signalled = 1;
	if (launch_signal(node->launch, o->id, SIGTERM, stopped, o) != 0) {
		o->signalled = 0;
		later(o);
	}
}

/* ---- commits ----------------------------------------------------------- */

static void
oneoff_free(struct oneoff *o)
{
	launch_forget(o->all->node->launch, o);
	tree_forget(o->all->node, o);
	sd_event_source_disable_unref(o->retry);
	sd_event_source_disable_unref(o->deadline);
	sd_event_source_disable_unref(o->kill);
	TAILQ_REMOVE(&o->all->list, o, entry);
	json_decref(o->want);
	free(o);
}

static void
committed(struct oneoff *o, enum store_result result, uint64_t rev,
    enum oneoff_state state)
{
	o->committing = 0;
	if (result == STORE_OK) {
		o->rev = rev;
		o->state = state;
	} else if (result != STORE_CONFLICT) {
		log_err("run.%" PRIu32 " of %s: %s", o->index, o->app,
		    store_strerror(result));
		later(o);
		return;
	}
	oneoff_due(o);
}

static void
begun(enum store_result result, uint64_t rev, void *arg)
{
	committed(arg, result, rev, ONEOFF_STARTING);
	if (result == STORE_OK)
		oneoff_launch(arg);
}

static void
ran(enum store_result result, uint64_t rev, void *arg)
{
	committed(arg, result, rev, ONEOFF_RUNNING);
}

static void
over(enum store_result result, uint64_t rev, void *arg)
{
	committed(arg, result, rev, ONEOFF_OVER);
}

static void
forgotten(enum store_result result, uint64_t rev, void *arg)
{
	struct oneoff *o = arg;

	committed(o, result, rev, o->state);
	if (result == STORE_OK)
		o->rev = 0;
}

static void
commit(struct oneoff *o, struct store_txn *txn, store_done_cb done)
{
	if (txn == NULL) {
		later(o);
		return;
	}
	o->committing = 1;
	store_commit(txn, done, o);
}

/* ---- the steps --------------------------------------------------------- */

/* An id and a slot; nothing is sent where nobody answers. */
static void
step_new(struct oneoff *o)
{
	struct node *node = o->all->node;

	if (o->want_rev == 0) {
		run_finish(o->run);
		oneoff_free(o);
		return;
	}
	if (o->stop) {
		strlcpy(
		    o->why, "it was stopped before it began", sizeof(o->why));
		o->begun = node_realtime();
		o->moment = moment_now();
		commit(o, oneoff_txn_over(o), over);
		return;
	}
	if (o->run == NULL && launch_answers(node->launch))
		o->run = run_take(node, on_run, o);
	if (o->run == NULL) {
		later(o);
		return;
	}
	o->id = run_id(o->run);
	o->slot = run_slot(o->run);
	o->begun = node_realtime();
	o->moment = moment_now();
	strlcpy(o->boot, o->all->boot, sizeof(o->boot));
	commit(o, oneoff_txn_begin(o), begun);
}

static void
step_going(struct oneoff *o)
{
	if (o->run == NULL && !o->over) {
		o->run = run_adopt(o->all->node, o->id, o->slot, on_run, o);
		if (o->run == NULL) {
			later(o);
			return;
		}
	}
	if (o->over) {
		if (o->want_rev == 0)
			commit(o, oneoff_txn_forget(o), forgotten);
		else
			commit(o, oneoff_txn_over(o), over);
		return;
	}
	deadline_set(o);
	if (o->stop || o->late || o->want_rev == 0)
		process_stop(o);
	if (o->there && o->state == ONEOFF_STARTING && !o->over)
		commit(o, oneoff_txn_running(o), ran);
}

/* Only after this is the exit's record of no more use. */
static void
step_over(struct oneoff *o)
{
	run_finish(o->run);
	o->run = NULL;
	if (o->want_rev == 0 && o->rev != 0)
		commit(o, oneoff_txn_forget(o), forgotten);
	else
		oneoff_free(o);
}

static void
oneoff_step(struct oneoff *o)
{
	o->due = 0;
	if (o->committing)
		return;
	if (o->state == ONEOFF_NEW)
		step_new(o);
	else if (o->state == ONEOFF_OVER || (o->want_rev == 0 && o->rev == 0))
		step_over(o);
	else
		step_going(o);
}

static int
due_run(sd_event_source *source, void *arg)
{
	struct oneoffs *all = arg;
	struct oneoff *o, *next;

	(void)source;
	TAILQ_FOREACH_SAFE (o, &all->list, entry, next)
		if (o->due)
			oneoff_step(o);
	return 0;
}

/* ---- records ----------------------------------------------------------- */

static struct oneoff *
oneoff_find(struct oneoffs *all, const char *app, uint32_t index)
{
	struct oneoff *o;

	TAILQ_FOREACH (o, &all->list, entry)
		if (o->index == index && strcmp(o->app, app) == 0)
			return o;
	if ((o = calloc(1, sizeof(*o))) == NULL)
		log_fatal("node: out of memory");
	o->all = all;
	o->index = index;
	strlcpy(o->app, app, sizeof(o->app));
	TAILQ_INSERT_TAIL(&all->list, o, entry);
	oneoff_read(o);
	return o;
}

static struct oneoff *
oneoff_of(struct oneoffs *all, const char *key)
{
	char app[KEY_NAME_MAX + 1], digits[12];

	if (key_part(key, 1, app, sizeof(app)) == -1 ||
	    key_part(key, 2, digits, sizeof(digits)) == -1 ||
	    strspn(digits, "0123456789") != 8 || digits[8] != '\0') {
		log_err("%s is not the name of a one-off process", key);
		return NULL;
	}
	return oneoff_find(all, app, (uint32_t)strtoul(digits, NULL, 10));
}

static void
want_changed(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct oneoff *o = oneoff_of(arg, key);
	const char *goal;

	if (o == NULL)
		return;
	o->want_rev = value != NULL ? rev : 0;
	if (value != NULL) {
		json_decref(o->want);
		o->want = json_incref(value);
		goal = json_string_value(json_object_get(value, "goal"));
		o->stop = goal == NULL || strcmp(goal, "run") != 0;
	}
	oneoff_due(o);
}

static int
want_found(const char *key, json_t *value, uint64_t rev, void *arg)
{
	want_changed(key, value, rev, arg);
	return 0;
}

/* What nobody wants any more is taken away. */
static int
ran_found(const char *key, json_t *value, uint64_t rev, void *arg)
{
	struct oneoff *o = oneoff_of(arg, key);

	(void)rev;
	if (o != NULL && o->want == NULL) {
		o->want = json_pack(
		    "{s:O?}", "appnumber", json_object_get(value, "appnumber"));
		oneoff_due(o);
	}
	return 0;
}

static void
boot_read(char *boot, size_t len)
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (file == NULL || fgets(boot, (int)len, file) == NULL)
		log_fatal("the kernel tells no boot id");
	boot[strcspn(boot, "\n")] = '\0';
	fclose(file);
}

struct oneoffs *
oneoffs_open(struct node *node, char err[PAAS_ERRLEN])
{
	struct oneoffs *all;

	if ((all = calloc(1, sizeof(*all))) == NULL ||
	    sd_event_add_defer(node->event, &all->defer, due_run, all) < 0) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		free(all);
		return NULL;
	}
	sd_event_source_set_enabled(all->defer, SD_EVENT_OFF);
	all->node = node;
	TAILQ_INIT(&all->list);
	boot_read(all->boot, sizeof(all->boot));
	store_each(node->store, "run/", want_found, all);
	store_each(node->store, "ran/", ran_found, all);
	all->watch = store_watch(node->store, "run/", want_changed, all);
	/* Those that may run are claimed before the launcher is heard. */
	(void)due_run(NULL, all);
	return all;
}

void
oneoffs_close(struct oneoffs *all)
{
	struct oneoff *o, *next;

	if (all == NULL)
		return;
	if (all->watch != NULL)
		store_unwatch(all->watch);
	TAILQ_FOREACH_SAFE (o, &all->list, entry, next)
		oneoff_free(o);
	sd_event_source_disable_unref(all->defer);
	free(all);
}
