/*
 * The lines of an app's log that somebody asked for, as a stream.
 */
#ifndef PAAS_API_LOG_VIEW_H
#define PAAS_API_LOG_VIEW_H

#include <stdint.h>

#include "api/log/log_filter.h"

#define LOG_VIEW_LINES     100
#define LOG_VIEW_LINES_MAX 1000000

struct request;

struct log_ask {
	struct log_filter filter;
	uint32_t lines; /* the last ones, to begin with */
	int follow;
	int64_t until; /* follow till then: us since the epoch, or 0 */
	/*
	 * Only what comes behind the line of that time (0: of all of them)
	 * and behind so many of exactly that time.
	 */
	int64_t after;
	uint32_t after_lines;
};

/*
 * What Last-Event-ID says, into after, after_lines and lines: 0, or -1 after
 * an answer.
 */
int log_ask_resume(struct request *, struct log_ask *);

/* Answers with them.  number is the app's. */
void log_view_open(
    struct request *, const char *app, uint64_t number, const struct log_ask *);

#endif
