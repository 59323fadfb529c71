/*
 * The agent of one node: what is assigned here against what runs here.  It
 * closes the difference, through the launcher, and writes what became of it
 * to actual/NODE/.
 *
 * The rooms before this one also get their instance ids, their address slots
 * and the launcher from here, since all three are the node's.
 */
#ifndef PAAS_NODE_H
#define PAAS_NODE_H

#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/conf.h"
#include "launcher/protocol.h"
#include "store/store.h"

struct node;
struct launch;
struct loghub;

/*
 * Store, settings and loop are borrowed and must outlive the node.  The
 * launcher need not be there: what needs it waits.  NULL with a sentence in
 * err.  node_close leaves every instance running.
 */
struct node *node_open(
    struct store *, const struct conf *, sd_event *, char err[PAAS_ERRLEN]);
void node_close(struct node *);

/* The node's connection to the launcher (node/launch.h). */
struct launch *node_launch(struct node *);

/* Follows log files (node/logfile.h). */
struct loghub *node_logs(struct node *);

/* What became of log drains (node/logdrain.h). */
struct logdrains;
struct logdrains *node_drains(struct node *);

/*
 * Asks nginx for its status page and calls back once, not from within: with
 * the page's "routes", "workers" and "held", borrowed, or with NULL if nobody
 * answers within half a second.  -1 with errno if it can't be asked.
 */
typedef void (*node_router_cb)(json_t *page, void *arg);
int node_ask_router(struct node *, node_router_cb, void *arg);

/* The same with "instances", "held" by pool and all else of every app. */
int node_ask_load(struct node *, node_router_cb, void *arg);

/*
 * Requests wait for the app, and are told of again each second.  One callback
 * for all; NULL takes it away.
 */
typedef void (*node_wake_cb)(const char *app, void *arg);
void node_on_wake(struct node *, node_wake_cb, void *arg);

/*
 * An instance id, never given out before: store epoch << 40 | counter.  0 if
 * none is at hand this moment; try again in a second.
 */
uint64_t node_next_id(struct node *);

/*
 * A slot for the instance id: address and uid are derived from it.  0, or
 * -EAGAIN while all are used or were used in the last ten minutes, or the
 * launcher has not said yet which are.  Free it once LAUNCH_CLEAN has
 * answered, not before.
 */
int node_take_slot(struct node *, uint64_t id, uint32_t *slot);
void node_free_slot(struct node *, uint32_t slot);

/*
 * The agent ends what runs here without belonging to anything.  A room that
 * starts instances of its own therefore claims each id before LAUNCH_START
 * (and on its opening, those of its records), until LAUNCH_CLEAN answered.
 *
 * The callback, which may be NULL, comes after the launcher has been asked
 * anew what there is: at the start and after each lost connection.  record
 * is borrowed, NULL if there is no such instance; one that has exited is in
 * state LAUNCH_EXITED.  It is not called for a claim younger than that
 * question.  A start that failed with ECONNRESET may or may not have been
 * done: this callback tells.  It says nothing about a start that has not
 * called back yet: that one still waits for its turn.
 */
typedef void (*node_claim_cb)(const struct launch_record *, void *arg);
int node_claim(struct node *, uint64_t id, node_claim_cb, void *arg);
void node_unclaim(struct node *, uint64_t id);

#endif
