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

#define LOG_FILTER_TEXT 256

struct log_filter {
	char process[64];           /* "web.1", "web", or "" for all */
	char text[LOG_FILTER_TEXT]; /* only lines with that in them, or "" */
	int64_t since;              /* microseconds since the epoch, or 0 */
	int app;                    /* what the app says */
	int router;                 /* requests */
	int paas;                   /* what the platform says */
	int api;                    /* what was done to the app as a whole */
	char only;                  /* 'r', 'a': the router's, api; or 0 */
	int logplex;                /* sources are named as Heroku names them */
};

/* ?ps=, ?source=, ?since=, ?filter=.  0, or -1 after an answer. */
int log_filter_read(struct request *, struct log_filter *);

/*
 * By words as those of a query; NULL or "" for none.  NULL, or a sentence
 * that says what is wrong.
 */
const char *log_filter_set_process(struct log_filter *, const char *);
/*
 * The same; also "router" and "api", as Heroku's clients ask for these.  It
 * goes before the source.
 */
const char *log_filter_set_dyno(struct log_filter *, const char *);
const char *log_filter_set_source(struct log_filter *, const char *);
/* RFC 3339 time, or seconds back from now. */
const char *log_filter_set_since(struct log_filter *, const char *);

/* Is there a line that some other file than the last lines may have? */
int log_filter_searches(const struct log_filter *);

int log_filter_takes_process(const struct log_filter *, const char *name);

int log_filter_takes_builds(const struct log_filter *);

/*
 * The text for one line of an instance's log, of a build's, of the router's or
 * for an event, as by log_line_make(); NULL if it was not asked for.
 */
char *log_filter_line(const struct log_filter *, const char *process,
    const struct logfile_line *, size_t *len);
char *log_filter_build(
    const struct log_filter *, const struct logfile_line *, size_t *len);
char *log_filter_event(
    const struct log_filter *, json_t *event, int64_t *at, size_t *len);

/* The same for a line of the router's; see logfile_request(). */
char *log_filter_request(const struct log_filter *, const struct logfile_line *,
    logfile_name_cb name, void *arg, size_t *len);

#endif
