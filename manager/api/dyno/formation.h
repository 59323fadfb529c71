/*
 * What the verbs on an app's formation share.
 */
#ifndef PAAS_API_FORMATION_H
#define PAAS_API_FORMATION_H

#include <jansson.h>
#include <stdint.h>

struct request;
struct store_txn;

/* {"web": "command", ...} of the release asked for; never NULL. */
json_t *formation_types(struct request *);

/*
 * Its command, of a type of those; "" of one that names one-off processes,
 * which have limits only; else NULL, after an answer.
 */
const char *formation_command(
    struct request *, json_t *types, const char *type);

/* One type as clients know it. */
json_t *formation_shape(
    struct request *, const char *type, const char *command);

/* Answers that there is no such type, and names those that there are. */
void formation_unknown(
    struct request *, unsigned int status, const char *where, const char *type);

/*
 * Puts what a type is to be, read at rev, into the commit and frees it; its
 * shape as clients know it.
 */
json_t *formation_put(struct request *, struct store_txn *, const char *type,
    const char *command, json_t *formation, uint64_t rev);

/* Does the body have one of a type's times, and the verb that sets them. */
int formation_has_times(json_t *);
void formation_times(struct request *);

#endif
