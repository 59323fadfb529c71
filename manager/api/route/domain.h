/*
 * What the verbs on an app's domains share.
 */
#ifndef PAAS_API_DOMAIN_H
#define PAAS_API_DOMAIN_H

#include <jansson.h>
#include <stdint.h>

#include "api/app/host.h"
#include "api/model.h"

/* The host in the path, or that of the id there; text has room for that. */
#define DOMAIN_TEXT (HOST_MAX + MODEL_NAME_MAX)
const char *domain_asked(struct request *, char text[DOMAIN_TEXT]);

/*
 * The record of the domain that the path names by its host or id, its host and
 * its revision.  NULL after an answer.
 */
json_t *domain_find(struct request *, char host[HOST_MAX], uint64_t *rev);

/*
 * Whether the one who asks may have a host that nobody has, beside the
 * wildcards above it and the hosts below it: 0 after an answer.  And in the
 * commit: nobody has claimed another one of its zone meanwhile.
 */
int domain_may_claim(struct request *, const char *host, uint64_t *zone_rev);
void domain_claim(struct store_txn *, const char *host, uint64_t zone_rev);

/*
 * Puts what the body has for "sni_endpoint" into a domain's record, or takes
 * it out for null and nothing: 0, or -1 after an answer.
 */
int domain_choose_cert(struct request *, const char *host, json_t *domain);

#endif
