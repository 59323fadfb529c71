#include <bsd/sys/tree.h>

#include <errno.h>
#include <stdlib.h>

#include "node/claim.h"

struct claim {
	RB_ENTRY(claim) entry;
	uint64_t id;
	uint64_t lists;
	node_claim_cb cb;
	void *arg;
};

RB_HEAD(claim_tree, claim);

struct claims {
	struct claim_tree tree;
};

static int
claim_cmp(const struct claim *a, const struct claim *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE_INTERNAL(
    claim_tree, claim, entry, claim_cmp, static __attribute__((unused)))

static struct claim *
claim_find(const struct claims *claims, uint64_t id)
{
	struct claim key = {.id = id};

	return RB_FIND(claim_tree, (struct claim_tree *)&claims->tree, &key);
}

struct claims *
claims_new(void)
{
	struct claims *claims;

	if ((claims = calloc(1, sizeof(*claims))) != NULL)
		RB_INIT(&claims->tree);
	return claims;
}

void
claims_delete(struct claims *claims)
{
	struct claim *claim;

	if (claims == NULL)
		return;
	while ((claim = RB_MIN(claim_tree, &claims->tree)) != NULL) {
		RB_REMOVE(claim_tree, &claims->tree, claim);
		free(claim);
	}
	free(claims);
}

int
claims_add(struct claims *claims, uint64_t id, uint64_t lists, node_claim_cb cb,
    void *arg)
{
	struct claim *claim;

	if ((claim = calloc(1, sizeof(*claim))) == NULL)
		return -ENOMEM;
	claim->id = id;
	claim->lists = lists;
	claim->cb = cb;
	claim->arg = arg;
	if (RB_INSERT(claim_tree, &claims->tree, claim) != NULL) {
		free(claim);
		return -EEXIST;
	}
	return 0;
}

void
claims_remove(struct claims *claims, uint64_t id)
{
	struct claim *claim;

	if ((claim = claim_find(claims, id)) == NULL)
		return;
	RB_REMOVE(claim_tree, &claims->tree, claim);
	free(claim);
}

int
claims_has(const struct claims *claims, uint64_t id)
{
	return claim_find(claims, id) != NULL;
}

void
claims_tell(struct claims *claims, uint64_t list,
    const struct launch_record *records, size_t count)
{
	const struct launch_record *record;
	struct claim *claim, next = {.id = 0};
	size_t i;

	/* By id, not by pointer: a callback may add and remove. */
	while ((claim = RB_NFIND(claim_tree, &claims->tree, &next)) != NULL) {
		next.id = claim->id + 1;
		if (claim->lists >= list || claim->cb == NULL)
			continue;
		record = NULL;
		for (i = 0; i < count && record == NULL; i++) {
			if (records[i].id == claim->id)
				record = &records[i];
		}
		claim->cb(record, claim->arg);
	}
}
