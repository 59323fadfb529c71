/*
 * What hosts people may claim, for apps and for addresses outside.
 */
#ifndef PAAS_API_HOST_H
#define PAAS_API_HOST_H

#include <jansson.h>

#include "api/model.h"
#include "paas_routedb.h"

struct request;
struct store_txn;

#define HOST_MAX (PAAS_ROUTEDB_HOST_MAX + 1)

/*
 * The canonical form of a host, "*.example.com" as ".example.com" and "*" as
 * ".".  0, or -1 after an answer.
 */
int host_parse(struct request *, const char *text, char host[HOST_MAX]);

/* And back, a new reference. */
json_t *host_show(const char *host);

/*
 * The same, and it must not be the platform's own domain, a host below it or
 * a wildcard over it, nor below .internal.
 */
int host_claim(struct request *, const char *text, char host[HOST_MAX]);

/*
 * To go with every deletion of a record that a host hangs on: routing has to
 * know that there was one.
 */
void host_gone(struct store_txn *);

/* The host that an app of that name has for being there. */
void host_of_app(const struct conf *, const char *name,
    char host[HOST_MAX + MODEL_NAME_MAX]);

/* That of the request's app. */
void host_own(struct request *, char host[HOST_MAX + MODEL_NAME_MAX]);

/* Does the host lead somewhere by paths of its own? */
int host_has_route(const struct request *, const char *host);

#endif
