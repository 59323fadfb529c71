/*
 * One-off processes: a command of a release, run once, beside its formation.
 *
 * Whoever wants one adds run/APP/INDEX to a transaction, with all else that
 * has to be in the same commit.  The node then starts it at most once: its
 * instance's id is written before the launcher is asked, and the launcher
 * starts no id twice.  What became of it is in ran/APP/INDEX, which stays
 * until ONEOFFS_KEPT others of the app have ended after it; a deleted
 * run/APP/INDEX ends it at once and leaves nothing.
 *
 * To learn of its end, look (oneoff_look) now and whenever a store_watch on
 * its ran/ key calls; that is as good after a restart of the manager.
 */
#ifndef PAAS_ONEOFF_H
#define PAAS_ONEOFF_H

#include <jansson.h>
#include <stdint.h>

#include "common/conf.h"
#include "store/store.h"

/* Ended ones of an app that are still known by name. */
#define ONEOFFS_KEPT 20

#define ONEOFF_NAME_MAX 48 /* "run.1234" */

struct node;
struct oneoffs;

struct oneoff_want {
	const char *app;
	uint64_t number; /* of the app */
	uint32_t version;
	const char *type; /* "run": it is called run.INDEX */
	const char *command;
	json_t *env;      /* {"NAME": "value"} beside the config, or NULL */
	uint32_t timeout; /* seconds it may run; 0: oneoff_timeout */
	int attach;       /* it waits for a client before it begins */
	int tty;          /* which is a terminal */
	const char *user;
};

/*
 * Adds the record and a line of the timeline.  The record, a new reference,
 * and its index; NULL if out of memory.  Another one that takes the same index
 * makes the commit a conflict.
 */
json_t *oneoff_add(struct store *, struct store_txn *,
    const struct oneoff_want *, uint32_t *index);

enum oneoff_fate { ONEOFF_NONE, ONEOFF_GOING, ONEOFF_ENDED };

struct oneoff_end {
	int code; /* as a shell has it: 128 + signal; -1: it never ran, or it
		     is not known how it ended */
	char reason[256];  /* "exited with status 1" */
	uint64_t instance; /* whose log is its output; 0: it never ran */
};

/* end is filled for ONEOFF_ENDED only; it may be NULL. */
enum oneoff_fate oneoff_look(
    struct store *, const char *app, uint32_t index, struct oneoff_end *end);

/*
 * Adds to a transaction that it has to stop: SIGTERM, and SIGKILL after
 * stop_timeout.  0, or -1 if there is none that runs.
 */
int oneoff_stop(struct store *, struct store_txn *, const char *app,
    uint32_t index, const char *user);

/* How many of an app have not ended. */
uint32_t oneoff_count(struct store *, const char *app);

/* ---- for the node itself */

struct oneoffs *oneoffs_open(struct node *, char err[PAAS_ERRLEN]);
void oneoffs_close(struct oneoffs *);

#endif
