/*
 * Records of paths (route/HOST): one path of them, changed by a body.
 */
#ifndef PAAS_API_ROUTE_EDIT_H
#define PAAS_API_ROUTE_EDIT_H

#include <jansson.h>
#include <stdint.h>

#include "api/http/check.h"

struct request;
struct store_txn;

/*
 * Ids of addresses outside are of a space of their own: the highest bit, the
 * store's epoch, a counter in the store.
 */
struct route_ids {
	uint64_t next; /* without the bit and the epoch */
	uint64_t rev;
	int used;
};

void route_ids_read(struct request *, struct route_ids *);
void route_ids_put(const struct route_ids *, struct store_txn *);

/* The pool's "instances" as the body has them, or NULL after an answer. */
json_t *route_instances_make(
    struct request *, struct route_ids *, json_t *wanted, json_t *old);

/* The shares of apps as the body has them, or NULL after an answer. */
json_t *route_apps_make(struct request *, json_t *wanted);

/* What a path takes beside settings; for patterns, a pattern as well. */
extern const struct check_field route_fields[];
extern const struct check_field pattern_fields[];

/*
 * A copy of the record (NULL: a new one) with the body's path in place of the
 * one of that prefix; with patch, what the body does not name stays.  NULL
 * after an answer.
 */
json_t *route_edit(struct request *, const struct check_field *,
    struct route_ids *, json_t *record, int patch);

/* Of the body; "/" if it has none.  0, or -1 after an answer. */
int route_edit_prefix(struct request *, char *prefix);

/* The path of that prefix, borrowed, or NULL. */
json_t *route_find_path(json_t *record, const char *prefix);

/* Does a path of the record lead to the app? */
int route_names_app(json_t *record, const char *app);

/*
 * target/APP/HOST for what a host's record names, in place of what it named
 * before.  Either may be NULL.
 */
void route_targets_put(
    struct store_txn *, const char *host, json_t *old, json_t *record);

#endif
