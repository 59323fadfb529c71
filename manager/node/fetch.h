/*
 * Small HTTP GETs from the loop: of health checks and of nginx's status.
 */
#ifndef PAAS_FETCH_H
#define PAAS_FETCH_H

#include <stddef.h>
#include <systemd/sd-event.h>

#include "common/conf.h"

struct fetch;
struct fetch_call;

struct fetch_what {
	const char *url;      /* http:// only */
	const char *socket;   /* unix socket to go through, or NULL */
	char *const *headers; /* "NAME: VALUE", up to a NULL; or NULL */
	long timeout_ms;
	size_t body_max; /* of more, only the beginning is kept */
};

/*
 * status is the HTTP status, or 0 with why telling what was wrong; refused
 * says that nobody listens there; error is that of a socket that could not be
 * had, as EMFILE, or 0.  body is borrowed and ends with a NUL.
 */
struct fetch_answer {
	long status;
	int refused;
	int error;
	const char *why;
	const char *body;
	size_t len;
};

typedef void (*fetch_cb)(const struct fetch_answer *, void *arg);

struct fetch *fetch_open(sd_event *, char err[PAAS_ERRLEN]);
void fetch_close(struct fetch *); /* calls nobody back */

/*
 * All of what is copied.  The callback comes once, never from within, unless
 * fetch_cancel comes before it; the call is of no use after either.  NULL
 * with errno.
 */
struct fetch_call *fetch_get(
    struct fetch *, const struct fetch_what *, fetch_cb, void *arg);
void fetch_cancel(struct fetch_call *);

#endif
