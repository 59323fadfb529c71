/*
 * What the verbs on imported routes share.
 */
#ifndef PAAS_API_IMPORT_H
#define PAAS_API_IMPORT_H

#include <jansson.h>

struct request;

/*
 * The record, a new reference, also where nothing was ever imported; rev is
 * what store_if takes.
 */
json_t *import_get(struct request *, uint64_t *rev);

/* Its shape for clients; null where nothing is imported. */
json_t *import_shape(json_t *record);

/* "before": files whose routes may still be in the route database. */
json_t *import_before(json_t *record);

/*
 * Commits the record, in place of the one of that revision; answers status
 * once the routes are obeyed, at once with ?detach=1.  On a conflict the verb
 * runs again.
 */
void import_commit(
    struct request *, json_t *record, uint64_t rev, unsigned int status);

#endif
