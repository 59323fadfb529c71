/*
 * The life of a build as a table of state x event.  Each state has one thing
 * that it does when it is entered (job.c); what comes of that is the event
 * that leads on.  An event that a state's row does not name changes nothing.
 */
#ifndef PAAS_BUILD_TABLE_H
#define PAAS_BUILD_TABLE_H

enum job_state {
	JOB_PENDING,     /* wants an id and a slot for the sandbox */
	JOB_NOTE_BUILD,  /* commits which instance is to build */
	JOB_BUILD,       /* starts it, waits for its end */
	JOB_ADOPT_BUILD, /* the same after a start of the manager */
	JOB_WANT_CHECK,  /* wants an id and a slot for the inspection */
	JOB_NOTE_CHECK,
	JOB_CHECK,
	JOB_ADOPT_CHECK,
	JOB_NAME,    /* commits the slug's record, so that it can't leak */
	JOB_SEAL,    /* the tree becomes the slug */
	JOB_RELEASE, /* commits the release */
	JOB_STOP,    /* kills what runs, waits for its end */
	JOB_FAIL,    /* commits why */
	JOB_CLEAN,   /* takes away what is left of the work */
	JOB_DONE,    /* forgets it */
	JOB_STATES
};

enum job_event {
	JOB_OK,      /* what the state does is done */
	JOB_BAD,     /* it can't be done; the reason is known */
	JOB_AGAIN,   /* try it again */
	JOB_LATE,    /* build_timeout is over */
	JOB_ANEW,    /* it has to be inspected once more */
	JOB_APPGONE, /* the app was destroyed */
	JOB_EVENTS
};

/* The state that follows; the same one if the event means nothing in it. */
enum job_state table_next(enum job_state, enum job_event);

/* Whether the event means anything: JOB_AGAIN leads to the same state. */
int table_takes(enum job_state, enum job_event);

/* Where a start of the manager takes up the state of build/APP/ID. */
enum job_state table_resume(const char *name);

#endif
