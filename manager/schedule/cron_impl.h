/*
 * Cron from within.
 *
 *   cron.c      which entries there are, and which of them are due
 *   cron_run.c  what becomes of one that is, as one commit
 */
#ifndef PAAS_CRON_IMPL_H
#define PAAS_CRON_IMPL_H

#include <bsd/sys/tree.h>

#include "schedule/cron.h"
#include "schedule/crontab.h"
#include "schedule/crontick.h"
#include "store/keys.h"

struct cron_entry {
	RB_ENTRY(cron_entry) entry;
	struct cron *cron;
	struct crontab tab;
	int64_t created; /* us since the epoch */
	int64_t due;     /* minutes: what is seen to now */
	int busy;        /* a commit is under way */
	int gone;        /* its record is, and it only waits for that */
	char app[KEY_NAME_MAX + 1];
	char id[12];
};
RB_HEAD(cron_entries, cron_entry);
RB_PROTOTYPE(cron_entries, cron_entry, entry, cron_compare)

struct cron {
	struct store *store;
	const struct conf *conf;
	struct cron_entries entries;
	struct crontick tick;
	sd_event_source *timer;
	struct store_watch *watch;
};

/* Starts it, or says why not, if entry->due was not seen to before. */
void cron_run(struct cron_entry *);

/* Its commit is done, whatever came of it. */
void cron_entry_done(struct cron_entry *);

#endif
