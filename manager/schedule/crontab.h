/*
 * When a cron entry is due: the five fields of crontab(5), in UTC.  The
 * grammar is that of Debian's cron: lists, ranges, steps, names of months and
 * days, @hourly and the like (not @reboot); where both days are restricted,
 * either is enough.
 */
#ifndef PAAS_CRONTAB_H
#define PAAS_CRONTAB_H

#include <stdint.h>

#include "common/conf.h"

/* A bit for each value. */
struct crontab {
	uint64_t minutes;
	uint32_t hours, days, months; /* days and months from 1 on */
	uint32_t weekdays;            /* 0 is Sunday */
	int any_day, any_weekday;     /* the field began with '*' */
};

/* -1 with a sentence in err, which names the field. */
int crontab_parse(struct crontab *, const char *text, char err[PAAS_ERRLEN]);

/* Minutes since the epoch: due then? */
int crontab_due(const struct crontab *, int64_t minute);

/*
 * The first minute after `minute` that it is due at; -1 if there is none in
 * the following eight years (there is no 30th of February).
 */
int64_t crontab_next(const struct crontab *, int64_t minute);

#endif
