/*
 * One sandbox from its start to its end: of a build, of a one-off process.
 * It is claimed from the node before it exists and until it is cleaned.
 */
#ifndef PAAS_RUN_H
#define PAAS_RUN_H

#include <stdint.h>

#include "launcher/protocol.h"
#include "node/node.h"
#include "node/proc.h"

struct launch_argv;
struct run;

/* RUN_STARTED says that it is there; any other one, once, that it is not. */
enum run_end {
	RUN_STARTED,
	RUN_EXITED,  /* exit tells how */
	RUN_LOST,    /* there is no trace of it */
	RUN_AGAIN,   /* it was never started: start it again */
	RUN_NO_SLUG, /* nor was it, for want of a tree or an archive */
	RUN_REFUSED, /* why says it */
};

typedef void (*run_cb)(
    enum run_end, const struct proc_exit *exit, const char *why, void *arg);

/* Takes an id, a slot and the claim.  NULL: none at hand, try again. */
struct run *run_take(struct node *, run_cb, void *arg);

/*
 * Finds one that was started before, or only was to be; slot is 0 where no
 * record has it.  NULL only if out of memory.
 */
struct run *run_adopt(
    struct node *, uint64_t id, uint32_t slot, run_cb, void *arg);

/* start's id and slot are filled in. */
void run_start(struct run *, struct launch_start *, const struct launch_argv *);
void run_kill(struct run *);
uint64_t run_id(const struct run *);
uint32_t run_slot(const struct run *); /* 0: not known */
int run_running(const struct run *);

/* Cleans up behind it, whatever it does, and frees it then; NULL is fine. */
void run_finish(struct run *);

/* Frees them and leaves all as it is. */
void run_free_all(struct node *);

#endif
