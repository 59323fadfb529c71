/*
 * The Request-Id that a request came with: what its client calls it, and what
 * it was told of others before, as Heroku's CLI sends them: UUIDs, the newest
 * first.  An answer has an id of its own all the same, or one that was sent
 * twice would stand for two requests.
 */
#ifndef PAAS_API_CLIENT_IDS_H
#define PAAS_API_CLIENT_IDS_H

#include <jansson.h>

struct request;

#define CLIENT_IDS_MAX 8 /* that are kept */

/* The first of them, without what is no UUID; NULL: none. */
json_t *client_ids(const struct request *);

#endif
