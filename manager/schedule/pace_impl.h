/*
 * The pace from within.
 *
 *   pace.c      which apps are looked at, and when
 *   pace_app.c  what is decided about one, and its commits
 */
#ifndef PAAS_PACE_IMPL_H
#define PAAS_PACE_IMPL_H

#include <bsd/sys/tree.h>

#include "schedule/autoscale.h"
#include "schedule/idle.h"
#include "schedule/load.h"
#include "schedule/pace.h"
#include "store/keys.h"

/* An app that may sleep, sleeps, or is scaled by its load. */
struct pace_app {
	RB_ENTRY(pace_app) entry;
	struct pace *pace;
	struct load load; /* of the last page */
	struct load last; /* of the one before, if `counted` */
	int counted;
	struct idle idle;
	struct autoscale scale;
	uint64_t period; /* us between two looks at its load; 0: none */
	int busy;        /* a commit is under way */
	int woken;       /* while it was */
	char name[KEY_NAME_MAX + 1];
};
RB_HEAD(pace_apps, pace_app);
RB_PROTOTYPE(pace_apps, pace_app, entry, pace_compare)

#define PACE_WATCHES 4

struct pace {
	struct store *store;
	struct node *node;
	const struct conf *conf;
	struct pace_apps apps;
	sd_event_source *timer;
	uint64_t asked; /* us of CLOCK_BOOTTIME */
	int asking;
	struct store_watch *watches[PACE_WATCHES];
};

/* The records that decide about an app; each may be NULL. */
struct pace_records {
	json_t *app, *formation, *scale;
	uint64_t app_rev, scale_rev;
};

void pace_records_read(struct store *, const char *name, struct pace_records *);
void pace_records_free(struct pace_records *);

/* us between two looks at its load; 0: it need not be looked at. */
uint64_t pace_app_period(const struct pace_records *);

/*
 * Decides about an app, at `now` (us of CLOCK_BOOTTIME), by its load; or
 * without, where valid is 0.
 */
void pace_app_step(struct pace_app *, int valid, uint64_t now);

/* A request waits for it. */
void pace_app_wake(struct pace_app *);

/* What was written of it and holds no more is taken back. */
void pace_app_settle(struct pace_app *);

/* Its commit is done: it is looked at again, and may go. */
void pace_app_again(struct pace_app *);

#endif
