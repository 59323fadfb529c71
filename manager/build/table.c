#include "build/table.h"

#include <string.h>

/* One more than the state, so that 0 is "nothing". */
#define TO(state) ((state) + 1)

/*
 * An app that goes takes its build with it at the next state that can be
 * left at once; the others wait for an answer that is on its way, and their
 * commits find out by themselves.
 */
static const unsigned char next[JOB_STATES][JOB_EVENTS] = {
    [JOB_PENDING] =
	{
	    [JOB_OK] = TO(JOB_NOTE_BUILD),
	    [JOB_BAD] = TO(JOB_FAIL),
	    [JOB_AGAIN] = TO(JOB_PENDING),
	    [JOB_APPGONE] = TO(JOB_FAIL),
	},
    [JOB_NOTE_BUILD] =
	{
	    [JOB_OK] = TO(JOB_BUILD),
	    [JOB_BAD] = TO(JOB_FAIL),
	},
    [JOB_BUILD] =
	{
	    [JOB_OK] = TO(JOB_WANT_CHECK),
	    [JOB_BAD] = TO(JOB_FAIL),
	    [JOB_AGAIN] = TO(JOB_BUILD),
	    [JOB_LATE] = TO(JOB_STOP),
	    [JOB_APPGONE] = TO(JOB_STOP),
	},
    [JOB_ADOPT_BUILD] =
	{
	    [JOB_OK] = TO(JOB_WANT_CHECK),
	    [JOB_BAD] = TO(JOB_FAIL),
	    [JOB_LATE] = TO(JOB_STOP),
	    [JOB_APPGONE] = TO(JOB_STOP),
	},
    [JOB_WANT_CHECK] =
	{
	    [JOB_OK] = TO(JOB_NOTE_CHECK),
	    [JOB_BAD] = TO(JOB_FAIL),
	    [JOB_AGAIN] = TO(JOB_WANT_CHECK),
	    [JOB_APPGONE] = TO(JOB_FAIL),
	},
    [JOB_NOTE_CHECK] =
	{
	    [JOB_OK] = TO(JOB_CHECK),
	    [JOB_BAD] = TO(JOB_FAIL),
	},
    [JOB_CHECK] =
	{
	    [JOB_OK] = TO(JOB_NAME),
	    [JOB_BAD] = TO(JOB_FAIL),
	    [JOB_AGAIN] = TO(JOB_CHECK),
	    [JOB_LATE] = TO(JOB_STOP),
	    [JOB_APPGONE] = TO(JOB_STOP),
	},
    [JOB_ADOPT_CHECK] =
	{
	    [JOB_OK] = TO(JOB_NAME),
	    [JOB_BAD] = TO(JOB_FAIL),
	    [JOB_LATE] = TO(JOB_STOP),
	    [JOB_APPGONE] = TO(JOB_STOP),
	},
    [JOB_NAME] =
	{
	    [JOB_OK] = TO(JOB_SEAL),
	    [JOB_BAD] = TO(JOB_FAIL),
	    [JOB_AGAIN] = TO(JOB_NAME),
	},
    [JOB_SEAL] =
	{
	    [JOB_OK] = TO(JOB_RELEASE),
	    [JOB_ANEW] = TO(JOB_WANT_CHECK),
	    [JOB_BAD] = TO(JOB_FAIL),
	    [JOB_AGAIN] = TO(JOB_SEAL),
	},
    [JOB_RELEASE] =
	{
	    [JOB_OK] = TO(JOB_CLEAN),
	    [JOB_BAD] = TO(JOB_FAIL),
	    [JOB_AGAIN] = TO(JOB_RELEASE),
	},
    [JOB_STOP] =
	{
	    [JOB_OK] = TO(JOB_FAIL),
	},
    [JOB_FAIL] =
	{
	    [JOB_OK] = TO(JOB_CLEAN),
	    [JOB_AGAIN] = TO(JOB_FAIL),
	},
    [JOB_CLEAN] =
	{
	    [JOB_OK] = TO(JOB_DONE),
	    [JOB_AGAIN] = TO(JOB_CLEAN),
	},
};

/* What a record calls a state, and where that is taken up. */
static const struct {
	const char *name;
	enum job_state resume;
} names[] = {
    {"pending", JOB_PENDING},
    {"running", JOB_ADOPT_BUILD},
    {"inspecting", JOB_ADOPT_CHECK},
    {"succeeded", JOB_CLEAN},
    {"failed", JOB_CLEAN},
};

enum job_state
table_next(enum job_state state, enum job_event event)
{
	return next[state][event] == 0
		   ? state
		   : (enum job_state)(next[state][event] - 1);
}

int
table_takes(enum job_state state, enum job_event event)
{
	return next[state][event] != 0;
}

enum job_state
table_resume(const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].resume;
	/* Of a version that this one does not know: nothing to go on with. */
	return JOB_FAIL;
}
