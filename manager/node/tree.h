/*
 * Trees of slugs on this node.  A slug is kept as an archive; the tree that
 * instances run on is there after a build, and made again of the archive where
 * it is missing: who gets ENOENT at LAUNCH_STEP_SLUG asks for it here.
 *
 * tree/NODE/HASH says that there may be a tree, and outlives it by no crash: it
 * comes before and goes after.  "damaged" in it says why no tree could be made.
 */
#ifndef PAAS_TREE_H
#define PAAS_TREE_H

#include <stdint.h>

#include "launcher/protocol.h"
#include "node/node.h"
#include "store/keys.h"

/* The build of a node's own, under which it makes trees, one at a time. */
#define TREE_BUILD UINT64_MAX

struct trees;
struct tree_owner {
	const char *app;
	uint64_t number;
};

/* why is NULL once it is there, or a sentence. */
typedef void (*tree_cb)(const char *why, void *arg);

struct trees *trees_open(struct node *, char err[PAAS_ERRLEN]);
void trees_close(struct trees *); /* calls nobody back */

/* On behalf of an app of whose releases the slug is one; later, or -1. */
int tree_make(struct node *, const struct tree_owner *,
    const uint8_t hash[LAUNCH_HASH], tree_cb, void *arg);
void tree_forget(struct node *, const void *arg);

/* The name of its record; a build writes it with its slug's. */
#define TREE_PREFIX "tree/" KEY_NODE_LOCAL "/"
char *tree_key(char key[STORE_KEY_MAX + 1], const char *hash);
json_t *tree_record(void);

/* Its archive was found to be no good: one has to be made anew. */
int tree_damaged(struct store *, const char *hash);

#endif
