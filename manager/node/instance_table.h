/*
 * The life of an instance: state x event -> next state and what changes in
 * its record.  Data only; instance.c walks it.
 */
#ifndef PAAS_INSTANCE_TABLE_H
#define PAAS_INSTANCE_TABLE_H

enum instance_state {
	INSTANCE_CREATED, /* assigned, and without a record yet */
	INSTANCE_STARTING,
	INSTANCE_READY,
	INSTANCE_UNHEALTHY, /* it ran well once; routing leaves it out */
	INSTANCE_DRAINING,  /* finishes the requests that it has */
	INSTANCE_STOPPING,
	INSTANCE_CRASHED, /* what is left of it is taken away */
	INSTANCE_BACKOFF, /* waits for its next start */
	INSTANCE_FAILED,  /* not started again by itself */
	INSTANCE_GONE,    /* nothing is left; the assignment may go */
	INSTANCE_STATES
};

/*
 * The earlier ones count first when several hold at a time: what has
 * happened to the process, before what is wanted, before what it says.
 */
enum instance_event {
	INSTANCE_EXIT,    /* its process has ended */
	INSTANCE_LOST,    /* there is no such process, nor how it ended */
	INSTANCE_REFUSED, /* the launcher could not start it */
	INSTANCE_STOP,    /* the goal is "stop", or the assignment is gone */
	INSTANCE_DROP,    /* the assignment is gone */
	INSTANCE_RUN,     /* the goal is "run" */
	INSTANCE_LATE,    /* it was not ready in time */
	INSTANCE_HUNG,    /* too many looks at it in a row failed */
	INSTANCE_HEALTHY,
	INSTANCE_SICK,
	INSTANCE_DRAINED,
	INSTANCE_CLEANED, /* the launcher has taken away what was left */
	INSTANCE_AGAIN,   /* its next start is due */
	INSTANCE_WAIT,    /* it is due later */
	INSTANCE_GIVE_UP, /* it is not due any more */
	INSTANCE_EVENTS
};

enum instance_action {
	INSTANCE_IGNORE, /* no change */
	INSTANCE_MARK,   /* only the state changes */
	INSTANCE_BEGIN,  /* takes a new id and slot */
	INSTANCE_FIRST,  /* it has become ready */
	INSTANCE_CRASH,  /* counts one more crash, with its reason */
	INSTANCE_DELAY,  /* notes when the next start is due */
	INSTANCE_BURY,   /* gives up what it had */
	INSTANCE_FORGET  /* deletes the record */
};

struct instance_cell {
	enum instance_action action;
	enum instance_state next;
};

/* Every pair has a cell; one that is to be ignored leads to itself. */
struct instance_cell instance_table_cell(
    enum instance_state, enum instance_event);

/* As in actual/NODE/: "starting"; "created" has none in the store. */
const char *instance_state_name(enum instance_state);
const char *instance_event_name(enum instance_event);

/* -1 if there is no such state in a record. */
int instance_state_parse(const char *name);

#endif
