/*
 * What the grammars share: a key is a line of a table, which says what it
 * takes, within which bounds, and what comes of it.
 */
#ifndef PAAS_MANIFEST_READING_H
#define PAAS_MANIFEST_READING_H

#include <stdint.h>

#include "manifest/manifest.h"

struct reading {
	struct notes *notes;
	json_t *app;         /* the settings that come of it */
	const char *process; /* whose keys these are */
};

enum takes {
	TAKES_TEXT,
	TAKES_NUMBER, /* whole */
	TAKES_SIZE,   /* with a unit; in bytes */
	TAKES_FLAG,
	TAKES_LIST,
	TAKES_MAP,
	TAKES_ANY,
	TAKES_NOTHING /* known, and of no effect here */
};

/* A value as the table's `takes` has it. */
struct value {
	const char *key;
	const struct node *node;
	int64_t number; /* also of a size and a flag */
};

struct key {
	const char *name; /* NULL ends a table */
	enum takes takes;
	int64_t min; /* of numbers and sizes */
	int64_t max;
	void (*effect)(
	    struct reading *, const struct key *, const struct value *);
	const char *hint; /* of TAKES_NOTHING: a warning, NULL for none */
	const char *field;
};

#define KIB         1024LL
#define MIB         (1024 * KIB)
#define GIB         (1024 * MIB)
#define MEMORY_MIN  (16 * MIB)
#define MEMORY_MAX  (1024 * GIB)
#define SECONDS_MAX 3600

/* Reads all keys of a map; those that no table has are named in a warning. */
void read_map(struct reading *, const struct key *, const struct node *);

/* One of them: 0 if the table has no such key. */
int read_key(struct reading *, const struct key *, const char *name,
    struct node_place, const struct node *);

/* An error at a value's place. */
void refuse(struct reading *, const struct node *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The text of a node, or NULL after a note; what names it there. */
const char *text_of(struct reading *, const char *what, const struct node *);

/* "512M", "1 GB" in bytes: 0, or -1. */
int size_parse(const char *, int64_t *);

/* Numbers and sizes to field of the process; notes where it stood. */
void put_number(struct reading *, const struct key *, const struct value *);

/* The process's settings, made if need be. */
json_t *process_settings(struct reading *);

/* Where path is set: at.PATH = "line:column". */
void put_place(struct reading *, const char *path, struct node_place);

/* What env has for a name: checked, and set. */
void put_env(struct reading *, const char *name, struct node_place name_at,
    const struct node *value);
int env_name_fits(struct reading *, const char *name, struct node_place);

void put_pack(struct reading *, const struct node *);
void put_host(struct reading *, const char *host, struct node_place);

#endif
