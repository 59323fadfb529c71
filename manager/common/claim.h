/*
 * What hosts people may not claim: those that are the platform's own.
 */
#ifndef PAAS_CLAIM_H
#define PAAS_CLAIM_H

#include "common/conf.h"

/*
 * Why a canonical host (".example.com" for a wildcard) can't be had: the rest
 * of a sentence that begins with it, in err.  0 if it can, else -1.
 */
int claim_check(const struct conf *, const char *host, char err[PAAS_ERRLEN]);

/*
 * Is it one label, or an address: what people call a machine, and none of its
 * apps?
 */
int claim_is_machine(const char *host);

/*
 * The last two labels of a host, or its only one: a wildcard and the hosts
 * below it have the same, which every claim of one changes (zone/ZONE).
 */
const char *claim_zone(const char *host);

#endif
