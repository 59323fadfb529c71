/* Instances of other rooms: node_claim in node.h. */
#ifndef PAAS_CLAIM_H
#define PAAS_CLAIM_H

#include <stddef.h>
#include <stdint.h>

#include "node/node.h"

struct claims;

struct claims *claims_new(void); /* NULL: no memory */
void claims_delete(struct claims *);

/* lists: how many times the launcher has been asked so far. */
int claims_add(
    struct claims *, uint64_t id, uint64_t lists, node_claim_cb, void *arg);
void claims_remove(struct claims *, uint64_t id);
int claims_has(const struct claims *, uint64_t id);

/* What the launcher said when it was asked for the list-th time. */
void claims_tell(struct claims *, uint64_t list,
    const struct launch_record *records, size_t count);

#endif
