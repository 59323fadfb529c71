/*
 * A log that somebody reads by a URL, without a token.
 */
#ifndef PAAS_API_LOG_SESSION_H
#define PAAS_API_LOG_SESSION_H

#include <stddef.h>

struct request;

/* By a text that we signed.  0, or -1: it is over. */
int log_session_open(struct request *, const char *text, size_t len);

#endif
