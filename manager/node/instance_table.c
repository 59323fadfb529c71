#include <stddef.h>
#include <string.h>

#include "node/instance_table.h"

/*
 * What is not here is ignored.  Why some are:
 *
 * - An exit while stopping is what was asked for; one while crashed comes
 *   from our own signal, after a start that took too long or a hang.
 * - A goal of "run" does not bring back what drains or stops: routes may be
 *   gone.  It starts afresh once it is gone.
 * - A failed one stays so: a new release or a restart is a new assignment.
 */
static const struct {
	enum instance_state state;
	enum instance_event event;
	struct instance_cell cell;
} rows[] = {
    {INSTANCE_CREATED, INSTANCE_STOP, {INSTANCE_BURY, INSTANCE_GONE}},
    {INSTANCE_CREATED, INSTANCE_RUN, {INSTANCE_BEGIN, INSTANCE_STARTING}},

    {INSTANCE_STARTING, INSTANCE_EXIT, {INSTANCE_CRASH, INSTANCE_CRASHED}},
    {INSTANCE_STARTING, INSTANCE_LOST, {INSTANCE_BEGIN, INSTANCE_STARTING}},
    {INSTANCE_STARTING, INSTANCE_REFUSED, {INSTANCE_CRASH, INSTANCE_CRASHED}},
    {INSTANCE_STARTING, INSTANCE_STOP, {INSTANCE_MARK, INSTANCE_STOPPING}},
    {INSTANCE_STARTING, INSTANCE_LATE, {INSTANCE_CRASH, INSTANCE_CRASHED}},
    {INSTANCE_STARTING, INSTANCE_HEALTHY, {INSTANCE_FIRST, INSTANCE_READY}},

    {INSTANCE_READY, INSTANCE_EXIT, {INSTANCE_CRASH, INSTANCE_CRASHED}},
    {INSTANCE_READY, INSTANCE_LOST, {INSTANCE_BEGIN, INSTANCE_STARTING}},
    {INSTANCE_READY, INSTANCE_STOP, {INSTANCE_MARK, INSTANCE_DRAINING}},
    {INSTANCE_READY, INSTANCE_HUNG, {INSTANCE_CRASH, INSTANCE_CRASHED}},
    {INSTANCE_READY, INSTANCE_SICK, {INSTANCE_MARK, INSTANCE_UNHEALTHY}},

    {INSTANCE_UNHEALTHY, INSTANCE_EXIT, {INSTANCE_CRASH, INSTANCE_CRASHED}},
    {INSTANCE_UNHEALTHY, INSTANCE_LOST, {INSTANCE_BEGIN, INSTANCE_STARTING}},
    {INSTANCE_UNHEALTHY, INSTANCE_STOP, {INSTANCE_MARK, INSTANCE_DRAINING}},
    {INSTANCE_UNHEALTHY, INSTANCE_HUNG, {INSTANCE_CRASH, INSTANCE_CRASHED}},
    {INSTANCE_UNHEALTHY, INSTANCE_HEALTHY, {INSTANCE_MARK, INSTANCE_READY}},

    {INSTANCE_DRAINING, INSTANCE_EXIT, {INSTANCE_MARK, INSTANCE_STOPPING}},
    {INSTANCE_DRAINING, INSTANCE_LOST, {INSTANCE_MARK, INSTANCE_STOPPING}},
    {INSTANCE_DRAINING, INSTANCE_DRAINED, {INSTANCE_MARK, INSTANCE_STOPPING}},

    {INSTANCE_STOPPING, INSTANCE_CLEANED, {INSTANCE_BURY, INSTANCE_GONE}},

    {INSTANCE_CRASHED, INSTANCE_STOP, {INSTANCE_MARK, INSTANCE_STOPPING}},
    {INSTANCE_CRASHED, INSTANCE_AGAIN, {INSTANCE_BEGIN, INSTANCE_STARTING}},
    {INSTANCE_CRASHED, INSTANCE_WAIT, {INSTANCE_DELAY, INSTANCE_BACKOFF}},
    {INSTANCE_CRASHED, INSTANCE_GIVE_UP, {INSTANCE_MARK, INSTANCE_FAILED}},

    {INSTANCE_BACKOFF, INSTANCE_STOP, {INSTANCE_BURY, INSTANCE_GONE}},
    {INSTANCE_BACKOFF, INSTANCE_AGAIN, {INSTANCE_BEGIN, INSTANCE_STARTING}},

    {INSTANCE_FAILED, INSTANCE_STOP, {INSTANCE_BURY, INSTANCE_GONE}},

    {INSTANCE_GONE, INSTANCE_DROP, {INSTANCE_FORGET, INSTANCE_CREATED}},
    {INSTANCE_GONE, INSTANCE_RUN, {INSTANCE_BEGIN, INSTANCE_STARTING}},
};

static const char *const states[INSTANCE_STATES] = {
    [INSTANCE_CREATED] = "created",
    [INSTANCE_STARTING] = "starting",
    [INSTANCE_READY] = "ready",
    [INSTANCE_UNHEALTHY] = "unhealthy",
    [INSTANCE_DRAINING] = "draining",
    [INSTANCE_STOPPING] = "stopping",
    [INSTANCE_CRASHED] = "crashed",
    [INSTANCE_BACKOFF] = "backoff",
    [INSTANCE_FAILED] = "failed",
    [INSTANCE_GONE] = "gone",
};

static const char *const events[INSTANCE_EVENTS] = {
    [INSTANCE_EXIT] = "exit",
    [INSTANCE_LOST] = "lost",
    [INSTANCE_REFUSED] = "refused",
    [INSTANCE_STOP] = "stop",
    [INSTANCE_DROP] = "drop",
    [INSTANCE_RUN] = "run",
    [INSTANCE_LATE] = "late",
    [INSTANCE_HUNG] = "hung",
    [INSTANCE_HEALTHY] = "healthy",
    [INSTANCE_SICK] = "sick",
    [INSTANCE_DRAINED] = "drained",
    [INSTANCE_CLEANED] = "cleaned",
    [INSTANCE_AGAIN] = "again",
    [INSTANCE_WAIT] = "wait",
    [INSTANCE_GIVE_UP] = "give up",
};

struct instance_cell
instance_table_cell(enum instance_state state, enum instance_event event)
{
	struct instance_cell ignore = {INSTANCE_IGNORE, state};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].state == state && rows[i].event == event)
			return rows[i].cell;
	}
	return ignore;
}

const char *
instance_state_name(enum instance_state state)
{
	return states[state];
}

const char *
instance_event_name(enum instance_event event)
{
	return events[event];
}

int
instance_state_parse(const char *name)
{
	int i;

	for (i = INSTANCE_STARTING; i < INSTANCE_STATES; i++) {
		if (strcmp(states[i], name) == 0)
			return i;
	}
	return -1;
}
