/*
 * A document as a tree, each part with the place where it stands in its file.
 * YAML and JSON come to the same; aliases and merge keys are resolved.
 *
 * Documents come from strangers: their size, depth and what aliases blow them
 * up to are bounded.
 */
#ifndef PAAS_MANIFEST_NODE_H
#define PAAS_MANIFEST_NODE_H

#include <stddef.h>

#define NODE_FILE_MAX  (256 * 1024)  /* bytes of a file */
#define NODE_DEPTH_MAX 24            /* of lists and maps in each other */
#define NODE_COUNT_MAX 10000         /* of all nodes of a document */
#define NODE_BYTES_MAX (1024 * 1024) /* of all texts of a document */

struct notes;

enum node_kind { NODE_NULL, NODE_TEXT, NODE_LIST, NODE_MAP };

/* From 1; 0 is no place at all. */
struct node_place {
	unsigned int line;
	unsigned int column;
};

struct node_key {
	char *text;
	struct node_place at;
};

struct node {
	enum node_kind kind;
	struct node_place at;
	int anchored; /* an alias or a merge key refers to it */
	char *text;   /* of NODE_TEXT: as written, without its quotes */
	size_t n;
	struct node_key *keys; /* of a map */
	struct node **v;       /* items, or values */
};

/*
 * The tree of a text, which needs no NUL; NULL with a note of what is wrong.
 * A document with nothing in it is NODE_NULL.
 */
struct node *node_from_yaml(const char *text, size_t len, struct notes *);
struct node *node_from_json(const char *text, size_t len, struct notes *);

struct node *node_new(enum node_kind, struct node_place);
struct node *node_new_text(const char *text, struct node_place);
void node_free(struct node *); /* NULL is fine */
struct node *node_copy(const struct node *);

/* Both take the node, which may be NULL for a null. */
void node_add(struct node *list, struct node *item);
void node_set(struct node *map, const char *key, struct node_place at,
    struct node *value);

/* The value of a key, NULL if it is not there; index gets where it is. */
struct node *node_get(const struct node *map, const char *key);
int node_find(const struct node *map, const char *key, size_t *index);

/*
 * Sets what from has and into has not (copies); deep: also in maps that both
 * have.
 */
void node_merge(struct node *into, const struct node *from, int deep);

#endif
