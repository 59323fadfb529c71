/*
 * One instance of an assignment: walks the table of instance_table.h.
 *
 * instance_step is the only function that changes the state.  It looks at
 * what holds now (the goal, the process, its health, the time), takes the
 * first event that the table has an answer to, and commits the change with
 * its timeline event; one commit at a time.  Between changes the work of the
 * state (instance_work.c) sees to it that what has to go on does.
 */
#ifndef PAAS_INSTANCE_H
#define PAAS_INSTANCE_H

#include <sys/queue.h>
#include <bsd/sys/tree.h>

#include <jansson.h>
#include <stdint.h>

#include "node/health.h"
#include "node/instance_table.h"
#include "node/node_impl.h"
#include "node/proc.h"
#include "store/moment.h"

#define INSTANCE_NAME_MAX 64 /* "web.1" */

enum instance_goal {
	INSTANCE_GOAL_NONE, /* no assignment (any more) */
	INSTANCE_GOAL_RUN,
	INSTANCE_GOAL_STOP
};

/* What is known about its process. */
enum instance_life {
	INSTANCE_LIFE_UNKNOWN, /* the launcher has to be asked */
	INSTANCE_LIFE_UNBORN,  /* never asked to start: it cannot be there */
	INSTANCE_LIFE_LAUNCH,  /* LAUNCH_START is under way */
	INSTANCE_LIFE_RUNNING, /* and watched */
	INSTANCE_LIFE_EXITED,  /* LAUNCH_CLEAN is due */
	INSTANCE_LIFE_CLEAN,   /* LAUNCH_CLEAN is under way */
	INSTANCE_LIFE_ABSENT   /* nothing is left of it */
};

/* Times in microseconds since the epoch, 0 for none. */
struct instance_record {
	enum instance_state state;
	uint64_t id;
	uint32_t slot;        /* 0 for none */
	int64_t since;        /* it came into this state */
	struct moment moment; /* the same */
	struct moment ready;  /* this id did so first */
	int64_t until;        /* when to start again */
	struct moment rests;  /* not started early before that */
	int wakeable;         /* in back-off: requests may end it */
	uint32_t restarts;    /* crashes in a row */
	int ever;             /* one of its ids has been ready */
	int late;             /* the last crash: it wasn't ready in time */
	char reason[256];
};

struct instance {
	RB_ENTRY(instance) entry;
	TAILQ_ENTRY(instance) due;
	enum { INSTANCE_IDLE, INSTANCE_DUE, INSTANCE_DUE_LATER } queued;
	struct node *node;

	char assignment[17];
	char app[32];
	char type[32];
	uint64_t appnumber;
	uint32_t index;
	uint32_t version;
	uint64_t memory; /* bytes */
	enum instance_goal goal;
	uint64_t assign_rev;

	struct instance_record rec;  /* as committed */
	struct instance_record next; /* as in the commit under way */
	enum instance_event event;   /* that led to it */
	uint64_t rev;                /* of the record, 0 for none */
	json_t *last_log;            /* of the last crash, or NULL */
	int committing;
	int conflicts; /* of commits, in a row */

	enum instance_life life;
	uint64_t life_lists; /* agent_lists when it became unknown */
	int slot_held;
	int unwatched; /* its process could not be watched so far */
	struct proc *proc;
	struct proc_exit exit;
	char refusal[200]; /* of the launcher, or "" */

	/* Of the present state only: instance_enter puts them back. */
	sd_event_source *timer;
	int timer_set;
	int timer_over;
	int woken; /* requests wait for it */
	int drained;
	int signalled;
	int killed;
	struct drain *drain;
	/* These live on until draining. */
	struct health *health;
	struct health *readiness; /* NULL: that is the same */
};

/* NULL: no memory. */
struct instance *instance_new(struct node *, const char *assignment);
void instance_delete(struct instance *);

/* What the assignment says; NULL if it is gone. */
void instance_assigned(struct instance *, json_t *assign, uint64_t rev);

/* What the record says; only before the first step. */
void instance_recorded(struct instance *, json_t *actual, uint64_t rev);

/*
 * What the launcher says: its record, or NULL if it has none.  Only for one
 * whose life is unknown.
 */
void instance_listed(struct instance *, const struct launch_record *);

/* May delete the instance. */
void instance_step(struct instance *);

/*
 * Requests wait.  One in back-off starts at once, if that was not cut short
 * before: however many visitors come, there are at most as many starts for
 * them as there are for the back-off itself.
 */
void instance_wake(struct instance *);

/* "web.1" */
void instance_name(const struct instance *, char name[INSTANCE_NAME_MAX]);

/*
 * For the files of the instance only.
 */

/* The work of its state; the events that hold, a bit each. */
unsigned instance_work(struct instance *);

/* Forgets what was of the state before. */
void instance_enter(struct instance *);

/* Sends LAUNCH_START; a failure is in refusal, with life exited. */
void instance_launch(struct instance *);
void instance_life_set(struct instance *, enum instance_life);

/* The commit of next: its keys and its timeline event. */
struct store_txn *instance_txn(
    const struct instance *, enum instance_action, enum instance_event);
int instance_record_parse(struct instance_record *, json_t *);
json_t *instance_log_tail(const struct instance *);

/* States in which a process, or what is left of one, may be there. */
int instance_has_process(enum instance_state);

/* Its release, and how its process type is run in it; new references. */
json_t *instance_release(const struct instance *);
json_t *instance_formation(const struct instance *);

enum instance_time {
	INSTANCE_TIME_START, /* until it has to be ready */
	INSTANCE_TIME_DRAIN, /* for the requests that it has */
	INSTANCE_TIME_STOP   /* from SIGTERM to SIGKILL */
};

/* In seconds: of its process type, or of paas.conf. */
uint32_t instance_seconds(const struct instance *, enum instance_time);

/*
 * Looks at it from now on; the events that hold, a bit each: HEALTHY or SICK,
 * and HUNG.  0: it can't be looked at now, it is due again.
 */
unsigned instance_health(struct instance *);
void instance_health_close(struct instance *);

/* Why it does not do well: the end of a sentence. */
const char *instance_health_why(const struct instance *);

/* Why it was ended: LATE, HUNG. */
void instance_late_text(const struct instance *, char *reason, size_t len);
void instance_hung_text(const struct instance *, char *reason, size_t len);

/* Where its release listens. */
uint16_t instance_port(const struct instance *);
int instance_is_web(const struct instance *);

/* Is its release what the app's routes lead to? */
int instance_release_live(const struct instance *);

#endif
