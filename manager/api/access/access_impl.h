/*
 * What access*.c and signed_url.c share, and nobody else.
 */
#ifndef PAAS_API_ACCESS_IMPL_H
#define PAAS_API_ACCESS_IMPL_H

#include <stdint.h>
#include <sys/types.h>

#include "api/access/access.h"
#include "api/access/limit.h"
#include "api/access/push_token.h"
#include "api/api_table.h"

struct request;

struct access {
	struct api *api;
	uid_t router; /* of nginx' workers */
	uid_t git;
	struct limit *limit;
	uint8_t key[PUSH_TOKEN_KEY];
};

/* access_route.c: whether r->who may do that to the app, NULL for none. */
int access_may(const struct request *, enum api_need, const char *app);

/* access_still.c: until when a record is good; 0: for ever. */
int64_t access_until(json_t *record);

#endif
