/*
 * What the verbs on certificates share.  They are an app's (sni-endpoints, as
 * Heroku calls them) or the platform's own (certificates): the same verbs,
 * by whether the path names an app.
 */
#ifndef PAAS_API_CERT_H
#define PAAS_API_CERT_H

#include <jansson.h>
#include <stdint.h>

#include "api/model.h"

struct cert_pair;
struct request;
struct store_txn;

/* The app's name, or KEY_PLATFORM. */
const char *cert_owner(const struct request *);

/* The record of a certificate by its name or its id; name gets the former. */
json_t *cert_lookup(struct request *, const char *which,
    char name[MODEL_NAME_MAX], uint64_t *rev);

/* That of the one that the path names.  NULL after an answer. */
json_t *cert_find(struct request *, char name[MODEL_NAME_MAX], uint64_t *rev);

/*
 * Adds to txn the record of a pair and that of its key, in the place of old;
 * with NULL and 0 for a name that has to be new.  The new record.
 */
json_t *cert_put(struct request *, struct store_txn *, const char *name,
    const struct cert_pair *, int is_default, json_t *old, uint64_t rev);

/* In the same commit no other one of the platform is the default any more. */
void cert_drop_default(struct request *, struct store_txn *, const char *name);

/* A transaction on the owner, and its timeline event; see app_change.h. */
struct store_txn *cert_begin(struct request *);
void cert_event(struct request *, struct store_txn *, const char *what,
    const char *name, json_t *record);

/* The hosts that the app answers at; NULL for the platform. */
json_t *cert_hosts(struct request *);

/* {"id", "name", "ssl_cert", ...}; hosts as above, borrowed. */
json_t *model_cert(
    struct request *, const char *name, json_t *record, json_t *hosts);

#endif
