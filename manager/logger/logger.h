/*
 * paas-logger: each line of the router's access log goes to the app that was
 * asked, to state/log/APP/ffffffffffffffff.log, as a shim would have written
 * it: the same bounds on disk and in rate, whole lines only.
 *
 * nginx writes to a file and waits for nobody.  How far it has been read is in
 * state/log/.router; killed between a line and that, some lines come twice.
 *
 *   logger.c        the loop
 *   logger_tail.c   access.log, across rotations
 *   logger_line.c   one line of it, and what becomes of that
 *   logger_apps.c   which app has which number, and their logs
 */
#ifndef PAAS_LOGGER_H
#define PAAS_LOGGER_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/conf.h"

/* The longest line that nginx writes: 32 KiB of request, escaped. */
#define LOGGER_LINE_MAX (256 * 1024)

/* ---- logger_tail.c ----------------------------------------------------- */

struct logger_tail;

typedef void (*logger_line_cb)(const char *line, size_t len, void *arg);

/*
 * path is the access log; where is a descriptor of the file that remembers
 * the position, or -1.  Both are borrowed.  NULL: no memory.
 */
struct logger_tail *logger_tail_open(
    const char *path, int where, logger_line_cb, void *arg);
void logger_tail_close(struct logger_tail *);

/*
 * Tells all whole lines that there are, but at most a few megabytes: 1 if
 * there is more, else 0.
 */
int logger_tail_read(struct logger_tail *);

/* Remembers how far it got: once the lines are in their files. */
void logger_tail_save(struct logger_tail *);

/* Is a file that was rotated away still being watched? */
int logger_tail_lingers(const struct logger_tail *);

/* ---- logger_line.c ----------------------------------------------------- */

struct logger_request {
	const char *app; /* of the line, not ended by a NUL */
	size_t app_len;
	struct timespec at;
	size_t len;
	char text[12 * 1024]; /* as Heroku's router writes it */
};

/* 0, or -1 for what is no line of format paas or of no app. */
int logger_line_parse(
    const char *line, size_t len, struct logger_request *request);

/* ---- logger_apps.c ----------------------------------------------------- */

struct logger_apps;

/* logs: directory state/log.  The rest is borrowed.  NULL: no memory. */
struct logger_apps *logger_apps_open(const struct conf *, int logs);
void logger_apps_close(struct logger_apps *);

/* Reads run/apps if it has changed; -1 with errno if there is none. */
int logger_apps_load(struct logger_apps *);

/* To the app's log, if there is such an app. */
void logger_apps_write(struct logger_apps *, const struct logger_request *);

/*
 * To the files.  What was dropped is told where a second has passed since;
 * 1 while there is something left to tell.
 */
int logger_apps_flush(struct logger_apps *, int report);

#endif
