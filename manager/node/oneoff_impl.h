/* One-off processes from within: for oneoff*.c only. */
#ifndef PAAS_ONEOFF_IMPL_H
#define PAAS_ONEOFF_IMPL_H

#include <bsd/sys/queue.h>

#include "node/node_impl.h"
#include "store/keys.h"
#include "store/moment.h"

/* As committed in ran/APP/INDEX; NEW is without. */
enum oneoff_state {
	ONEOFF_NEW,
	ONEOFF_STARTING, /* it has an id, and may be there */
	ONEOFF_RUNNING,
	ONEOFF_OVER
};

struct oneoff {
	TAILQ_ENTRY(oneoff) entry;
	struct oneoffs *all;
	char app[KEY_NAME_MAX + 1];
	uint32_t index;

	/* Of run/APP/INDEX. */
	uint64_t want_rev; /* 0: it is deleted, and so shall the rest be */
	json_t *want;      /* as last seen */
	int stop;

	/* Of ran/APP/INDEX. */
	uint64_t rev;
	enum oneoff_state state;
	uint64_t id;
	uint32_t slot;
	char boot[40];        /* boot id of when it got its id */
	int64_t begun;        /* it got its id; microseconds since the epoch */
	struct moment moment; /* the same */

	struct run *run;
	int launched;  /* by this manager */
	int there;     /* it was seen to run */
	int over;      /* it ended, as follows */
	int signalled; /* SIGTERM was sent */
	int late;      /* it had its time */
	struct proc_exit exit;
	char why[256]; /* it did not run, "" if it did */

	int committing;
	int due;
	sd_event_source *retry;
	sd_event_source *deadline;
	sd_event_source *kill;
};

struct oneoffs {
	struct node *node;
	struct store_watch *watch;
	sd_event_source *defer;
	char boot[40];
	TAILQ_HEAD(oneoff_list, oneoff) list;
};

/* ---- oneoff_record.c: each the transaction of one step */

struct store_txn *oneoff_txn_begin(const struct oneoff *);
struct store_txn *oneoff_txn_running(const struct oneoff *);
struct store_txn *oneoff_txn_over(const struct oneoff *);
struct store_txn *oneoff_txn_forget(const struct oneoff *);

void oneoff_name(const struct oneoff *, char name[ONEOFF_NAME_MAX]);
uint64_t oneoff_memory(const struct oneoff *);
uint64_t oneoff_appnumber(const struct oneoff *);

/* Reads ran/APP/INDEX into it; nothing if there is none. */
void oneoff_read(struct oneoff *);

/* ---- oneoff_start.c */

/* Sends LAUNCH_START; or sets over and why. */
void oneoff_launch(struct oneoff *);

/* Has the tree of its slug made; the callback as that of tree_make. */
void oneoff_unpack(struct oneoff *, tree_cb);

#endif
