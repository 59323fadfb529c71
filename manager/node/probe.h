/*
 * One look at an instance: does its port, a path or a command of it do well?
 * When to look, and what comes of it, is health.h's.
 */
#ifndef PAAS_PROBE_H
#define PAAS_PROBE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/health_rule.h"
#include "node/fetch.h"

struct probe;

struct probe_what {
	enum health_type type;  /* PROCESS: it is well while it runs */
	struct in_addr address; /* network byte order */
	uint16_t port;
	const char *path;          /* HTTP */
	const char *host;          /* for it */
	const char *status;        /* which are good; NULL: 200 to 399 */
	json_t *headers;           /* {"NAME": "VALUE"}, or NULL */
	uint32_t timeout;          /* seconds that it may take; 0: 5 */
	int (*command)(void *arg); /* COMMAND: begins it, and returns a stream
				      (common/session.h), or -errno */
	void *command_arg;
};

enum probe_result {
	PROBE_WELL,
	PROBE_ILL,
	PROBE_UNABLE /* nothing was found out: something is short here */
};

/*
 * why is NULL if it did well, else the end of a sentence, as in "web.1 does
 * not answer: connection refused".  Comes once a start, also from within it;
 * probe_close is fine within.
 */
typedef void (*probe_cb)(enum probe_result, const char *why, void *arg);

/* Is it we who have no room for a look, of descriptors or of memory? */
int probe_short_of(int error);

/* what is copied.  NULL with errno. */
struct probe *probe_open(
    sd_event *, struct fetch *, const struct probe_what *, probe_cb, void *arg);
void probe_close(struct probe *); /* NULL is fine */

/* Only when none is under way. */
void probe_start(struct probe *);

/* ---- between its files ---- */

#define PROBE_QUOTE 80 /* bytes of an answer that are told */
#define PROBE_WHY   160

/* The beginning of what it said: one line of plain text. */
void probe_quote(const char *body, size_t len, char text[PROBE_QUOTE + 1]);

/* A command on its way (probe_command.c). */
struct probe_run;
typedef void (*probe_run_cb)(const char *why, void *arg); /* NULL: well */
struct probe_run *probe_run_open(
    sd_event *, int stream, probe_run_cb, void *arg);
void probe_run_close(struct probe_run *); /* NULL is fine; ends it */

#endif
