/*
 * Does an instance answer?  First often, until it does: that is readiness.
 * Then each ten seconds: that is liveness.
 */
#ifndef PAAS_HEALTH_H
#define PAAS_HEALTH_H

#include <netinet/in.h>
#include <systemd/sd-event.h>

#include "node/fetch.h"

struct health;

struct health_what {
	struct in_addr address; /* network byte order */
	uint16_t port;
	const char *path;  /* GET it, 2xx and 3xx are good; NULL: connect */
	const char *host;  /* for the GET */
	int process;       /* nothing is asked: it is well while it runs */
	uint32_t timeout;  /* seconds that an answer may take; 0: 5 */
	uint32_t interval; /* from check to check, once it is ready; 0: 10 */
	int live;          /* it has been ready before */
	int good;          /* if live: what it was at the last check */
};

/* Called when what was found changes.  health_close is fine within. */
typedef void (*health_cb)(void *arg);

/* The first check is made at once.  what is copied.  NULL with errno. */
struct health *health_open(
    sd_event *, struct fetch *, const struct health_what *, health_cb, void *);
void health_close(struct health *); /* NULL is fine */

/* What was found; not good as long as nothing was. */
int health_good(const struct health *);

/*
 * The end of a sentence, as in "web.1 does not answer: connection refused",
 * of the last check that failed.  Never NULL.
 */
const char *health_why(const struct health *);

/* Is this a path that may stand in a request line? */
int health_path_valid(const char *path);

#endif
