/*
 * What access.c, access_token.c and access_route.c share, and nobody else.
 */
#ifndef PAAS_API_ACCESS_IMPL_H
#define PAAS_API_ACCESS_IMPL_H

#include <stdint.h>
#include <sys/types.h>

#include "api/access.h"
#include "api/limit.h"
#include "api/push_token.h"

struct access {
	struct api *api;
	uid_t router; /* of nginx' workers */
	uid_t git;
	struct limit *limit;
	uint8_t key[PUSH_TOKEN_KEY];
};

#endif
