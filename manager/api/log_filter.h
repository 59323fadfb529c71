/*
 * Which lines a reader of logs asked for.
 */
#ifndef PAAS_API_LOG_FILTER_H
#define PAAS_API_LOG_FILTER_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "api/model.h"
#include "node/logfile.h"

struct request;

struct log_filter {
	char process[64]; /* "web.1", "web", or "" for all */
	int app;          /* what the app says */
	int paas;         /* what the platform says */
};

/* ?ps=, ?source=.  0, or -1 after an answer. */
int log_filter_read(struct request *, struct log_filter *);

int log_filter_takes_process(const struct log_filter *, const char *name);

/*
 * The text for one line of an instance's log or for an event, as by
 * log_line_make(); NULL if it was not asked for.
 */
char *log_filter_line(const struct log_filter *, const char *process,
    const struct logfile_line *, size_t *len);
char *log_filter_event(
    const struct log_filter *, json_t *event, int64_t *at, size_t *len);

#endif
