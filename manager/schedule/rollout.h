/*
 * The life of a roll-out: how an app gets from one release to the next.
 * The record is rollout/APP; everything here is a function of its arguments.
 */
#ifndef PAAS_ROLLOUT_H
#define PAAS_ROLLOUT_H

#include <jansson.h>
#include <stdint.h>

#define ROLLOUT_REASON_MAX 512

/* rollout/APP.  A new app has all zeros. */
struct rollout {
	uint32_t live;       /* version that is routed; 0 for none */
	uint32_t target;     /* version being brought up, or live */
	uint32_t failed;     /* version that was given up; 0 for none */
	uint32_t next;       /* counter of the app's assignments */
	int parked;          /* failed, and stopped after that */
	uint64_t generation; /* of the app when it failed: a restart retries */
	int64_t started;     /* microseconds since the epoch */
	char reason[ROLLOUT_REASON_MAX];
};

enum rollout_state {
	ROLLOUT_NONE,   /* no release has been asked for */
	ROLLOUT_MOVING, /* target comes up beside live, if there is one */
	ROLLOUT_LIVE,
	ROLLOUT_FAILED, /* target was given up; live goes on */
	ROLLOUT_PARKED, /* the first release failed, and the app was stopped */
	ROLLOUT_STATES
};

/*
 * The first one that holds is what happens.  BROKE and READY are told of a
 * target that moves only.
 */
enum rollout_event {
	ROLLOUT_ASKED, /* the app asks for another release than target */
	ROLLOUT_BROKE, /* an instance of target gave up */
	ROLLOUT_READY, /* all that target needs is ready */
	ROLLOUT_STOP,  /* the app is stopped */
	ROLLOUT_RETRY, /* it was restarted, or started again, since it failed */
	ROLLOUT_QUIET,
	ROLLOUT_EVENTS
};

/* What is known of the app at this moment. */
struct rollout_input {
	uint32_t version; /* asked for; 0 for none */
	int stopped;
	uint64_t generation;
	int broken;         /* with the reason: */
	const char *reason; /* why, for people */
	int ready;
	int64_t now; /* microseconds since the epoch */
};

/* What a step did, to be told in the timeline. */
enum rollout_did {
	ROLLOUT_DID_NOTHING,
	ROLLOUT_DID_BEGIN,
	ROLLOUT_DID_PROMOTE,
	ROLLOUT_DID_FAIL,
	ROLLOUT_DID_PARK
};

enum rollout_state rollout_state(const struct rollout *);
enum rollout_event rollout_event(
    const struct rollout *, const struct rollout_input *);

/* Changes the record by at most one transition of the table. */
enum rollout_did rollout_step(struct rollout *, const struct rollout_input *);

/* value may be NULL: no record. */
void rollout_decode(struct rollout *, const json_t *value);
json_t *rollout_encode(const struct rollout *);

#endif
