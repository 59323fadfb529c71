/*
 * The life of a roll-out: how an app gets from one release to the next.
 * The record is rollout/APP; everything here is a function of its arguments.
 */
#ifndef PAAS_ROLLOUT_H
#define PAAS_ROLLOUT_H

#include <jansson.h>
#include <stdint.h>

#include "schedule/strategy.h"
#include "store/moment.h"

#define ROLLOUT_REASON_MAX 512

/* How far a target is that is neither live nor failed. */
enum rollout_phase {
	ROLLOUT_PHASE_MOVE,
	ROLLOUT_PHASE_RELEASE,
	ROLLOUT_PHASE_RAISE,
	ROLLOUT_PHASE_CANARY
};

/* rollout/APP.  A new app has all zeros. */
struct rollout {
	uint32_t live;       /* version that is routed; 0 for none */
	uint32_t target;     /* version being brought up, or live */
	uint32_t failed;     /* version that was given up; 0 for none */
	uint32_t next;       /* counter of the app's assignments */
	uint32_t run;        /* index of the last release process; 0: none */
	uint32_t runs;       /* the version that it is of */
	uint32_t released;   /* the last whose release process did well */
	int unreleased;      /* failed in its release process */
	int parked;          /* failed, and stopped after that */
	uint64_t generation; /* of the app when it failed: a restart retries */
	int64_t started;     /* microseconds since the epoch */
	struct moment progress; /* of the last step forward */
	enum rollout_phase phase;
	struct strategy how; /* as it was chosen when it began */
	char reason[ROLLOUT_REASON_MAX];
};

enum rollout_state {
	ROLLOUT_NONE,      /* no release has been asked for */
	ROLLOUT_RELEASING, /* target's release process runs; all else waits */
	ROLLOUT_RAISING,   /* a canary of target comes up */
	ROLLOUT_CANARY,    /* it gets its share, until somebody decides */
	ROLLOUT_MOVING,    /* target takes the place of live, if there is one */
	ROLLOUT_LIVE,
	ROLLOUT_FAILED, /* target was given up; live goes on */
	ROLLOUT_PARKED, /* the first release failed, and the app was stopped */
	ROLLOUT_STATES
};

/*
 * The first one that holds is what happens.  BROKE, RELEASED and READY are
 * told of a target on its way only.
 */
enum rollout_event {
	ROLLOUT_ASKED,    /* the app asks for another release than target */
	ROLLOUT_ABORT,    /* somebody does not want target any more */
	ROLLOUT_BROKE,    /* an instance of target gave up, or all take long */
	ROLLOUT_RELEASED, /* the release process of target did well */
	ROLLOUT_PROMOTE,  /* somebody likes the canary */
	ROLLOUT_READY,    /* all that target needs by now is ready */
	ROLLOUT_STOP,     /* the app is stopped */
	ROLLOUT_RETRY, /* it was restarted, or started again, since it failed */
	ROLLOUT_QUIET,
	ROLLOUT_EVENTS
};

/* What is known of the app at this moment. */
struct rollout_input {
	uint32_t version; /* asked for; 0 for none */
	struct strategy how;
	int releases; /* the version that begins has a release process */
	int canary;   /* it has web processes, some of which can be a canary */
	int stopped;
	uint64_t generation;
	uint32_t aborted, promoted; /* versions that somebody said so of */
	int broken;                 /* with the reason: */
	const char *reason;         /* why, for people */
	int released;
	int ready;
	int64_t now;          /* microseconds since the epoch */
	struct moment moment; /* the same */
};

/* What a step did, to be told in the timeline. */
enum rollout_did {
	ROLLOUT_DID_NOTHING,
	ROLLOUT_DID_BEGIN,
	ROLLOUT_DID_RELEASE, /* its release process did well */
	ROLLOUT_DID_CANARY,  /* the canary gets its share */
	ROLLOUT_DID_MOVE,    /* the canary is liked: on with it */
	ROLLOUT_DID_PROMOTE,
	ROLLOUT_DID_FAIL,
	ROLLOUT_DID_PARK
};

enum rollout_state rollout_state(const struct rollout *);
enum rollout_event rollout_event(
    const struct rollout *, const struct rollout_input *);

/* Is target on its way: neither live nor failed? */
int rollout_under_way(enum rollout_state);

/* "moving": as people and the API have it. */
const char *rollout_state_name(enum rollout_state);

/* Changes the record by at most one transition of the table. */
enum rollout_did rollout_step(struct rollout *, const struct rollout_input *);

/* value may be NULL: no record. */
void rollout_decode(struct rollout *, const json_t *value);
json_t *rollout_encode(const struct rollout *);

#endif
