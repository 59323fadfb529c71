/*
 * The decision of the placer: what is wanted and what is, in; a bounded list
 * of changes, out.  It reads no store and no clock, so that it can be tested
 * as a table.
 */
#ifndef PAAS_PLACE_H
#define PAAS_PLACE_H

#include <stddef.h>
#include <stdint.h>

#include "schedule/rollout.h"
#include "store/keys.h"

/* actual/NODE/ASSIGNMENT's state */
enum place_actual {
	PLACE_NONE, /* the agent has not taken it up */
	PLACE_STARTING,
	PLACE_READY,
	PLACE_UNHEALTHY,
	PLACE_DRAINING,
	PLACE_STOPPING,
	PLACE_CRASHED,
	PLACE_BACKOFF,
	PLACE_FAILED,
	PLACE_GONE
};

/* A process type of a release, and how many of it there should be. */
struct place_process {
	char type[KEY_NAME_MAX + 1];
	uint32_t quantity;
	uint64_t memory;       /* bytes; 0: as it is, or the default */
	json_t *limits;        /* what it has beside; NULL: as it is */
	uint64_t *generations; /* one for each, index 1 first */
};

struct place_release {
	uint32_t version;
	size_t nprocesses;
	struct place_process *processes; /* without that of the release */
	int releases;                    /* it has one that runs before it */
	char *slug;                      /* hex, NULL for none */
};

struct place_assignment {
	uint64_t id;
	uint64_t rev, actual_rev; /* of its records, 0 for none */
	char type[KEY_NAME_MAX + 1];
	uint32_t index;
	uint32_t version;
	uint64_t generation;
	uint64_t memory;
	json_t *limits; /* NULL: of a time before there were any */
	int stop;       /* goal */
	int routed;     /* gets requests beside another release */
	enum place_actual state;
	uint32_t restarts;
	char *reason; /* of the state, NULL for none */
	json_t *log;  /* its last lines, when that began; or NULL */
};

#define PLACE_RELEASES_MAX 3

/* The process that a release runs before anything else of it. */
enum place_run {
	PLACE_RUN_NONE, /* there is none, or no trace of it any more */
	PLACE_RUN_GOING,
	PLACE_RUN_ENDED
};

struct place_input {
	int exists; /* else the app is deleted: everything has to go */
	uint32_t version;
	int stopped;
	int asleep; /* some of its types, or all, have come to none */
	uint64_t generation;
	int64_t now;                /* microseconds since the epoch */
	struct moment moment;       /* the same */
	struct strategy how;        /* of roll-outs that begin */
	uint32_t promoted, aborted; /* versions that somebody said so of */
	char aborter[64];           /* who */
	struct rollout rollout;
	enum place_run run; /* rollout.run */
	int run_code;       /* 0: it did well */
	char run_reason[256];
	uint64_t run_instance; /* whose log is its output */
	/* Those of rollout and version; one that is missing was not found. */
	size_t nreleases;
	struct place_release releases[PLACE_RELEASES_MAX];
	size_t nassignments;
	struct place_assignment *assignments;
};

enum place_kind {
	PLACE_CREATE,
	PLACE_ROUTE, /* it takes its share of the requests from now on */
	PLACE_STOP,  /* goal becomes stop */
	PLACE_REMOVE /* the record goes: nothing of it is left */
};

/* Why an instance is stopped, for the timeline. */
enum place_why {
	PLACE_WHY_SCALE,
	PLACE_WHY_RELEASE,
	PLACE_WHY_FAILED,
	PLACE_WHY_RESTART,
	PLACE_WHY_STOPPED,
	PLACE_WHY_ASLEEP,
	PLACE_WHY_DELETED
};

struct place_change {
	enum place_kind kind;
	enum place_why why;                 /* STOP */
	const struct place_assignment *old; /* all but CREATE; borrowed */
	/* CREATE; borrowed */
	const struct place_release *release;
	const struct place_process *process;
	uint32_t index;
};

/*
 * One commit: with a comparison for each ROUTE and STOP and two for each
 * REMOVE, and room for the roll-out and the events.
 */
#define PLACE_CHANGES_MAX 40
#define PLACE_CHECKS_MAX  60

struct place_plan {
	struct rollout rollout;
	enum rollout_did did;
	int more;      /* there was no room for all: decide again after it */
	int64_t again; /* look again in so many us, if nothing changes; 0: no */
	/* What broke the roll-out, if it is new, and whose log says more. */
	char why[ROLLOUT_REASON_MAX];
	const struct place_assignment *blamed;
	int start_run; /* the release process of the target */
	int stop_run;  /* one of a release that is not wanted any more */
	size_t nchanges, nchecks;
	struct place_change changes[PLACE_CHANGES_MAX];
};

/* -1 only if there is no memory. */
int place_decide(const struct place_input *, struct place_plan *);

#endif
