/*
 * A text file of routes in memory: tool_load.c fills and writes it,
 * tool_check.c sorts and checks it in between.
 */
#ifndef PAAS_ROUTEDB_TOOL_LOAD_H
#define PAAS_ROUTEDB_TOOL_LOAD_H

#include "tool.h"

struct tool_load_pool {
	paas_routedb_pool_t pool;
	uint32_t line;
	size_t first; /* in load.instances */
};

struct tool_load_instance {
	paas_routedb_instance_t instance;
	uint32_t pool; /* its index, while lines are read */
};

/*
 * A host's or a pattern's line is short to read again and long to keep: 16
 * targets.  A pattern's name is the number in its key.
 */
struct tool_load_host {
	paas_routedb_str_t name, text;
	uint64_t only; /* the one pool of the line */
	uint32_t ntargets;
	int plain; /* the line says nothing but this pool */
	uint32_t line;
};

struct tool_load_hosts {
	struct tool_load_host *list;
	size_t n, room;
};

/* chain and key are what was read of the files: one piece of memory. */
struct tool_load_cert {
	paas_routedb_cert_t cert;
	uint32_t line;
};

struct tool_load_cert_host {
	paas_routedb_str_t name;
	uint64_t ids[PAAS_ROUTEDB_CERTS_MAX];
	uint32_t line;
};

struct tool_load {
	const char *file;
	char *err;
	int add, has_revision;
	uint64_t revision;
	paas_routedb_key_t keys[PAAS_ROUTEDB_KEYS_MAX];
	uint32_t nkeys;
	struct tool_load_pool *pools;
	struct tool_load_instance *instances;
	struct tool_load_hosts hosts, patterns;
	size_t npools, ninstances;
	size_t roompools, roominstances;
	int scattered;   /* instances are not in the order of their pools */
	uint32_t *table; /* open hash of pool ids: index + 1, or 0 */
	size_t tablesize, tabled;
	struct tool_load_cert *certs;
	struct tool_load_cert_host *certhosts;
	size_t ncerts, ncerthosts, roomcerts, roomcerthosts;
	char **names; /* that the text has in another spelling */
	size_t nnames, roomnames;
	paas_routedb_instance_t together[PAAS_ROUTEDB_INSTS_MAX];
	struct tool_line paths[PAAS_ROUTEDB_PATHS_MAX];
};

/* A sentence for l->err, after the file and the line (0 for none); -1. */
int tool_load_fail(struct tool_load *l, uint32_t line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Room for one more of size bytes; NULL, and it has failed, without memory. */
void *tool_load_room(
    struct tool_load *l, void *array, size_t n, size_t *room, size_t size);

/* Bytes of the text itself where they are there, else a copy; 0 or -1. */
int tool_load_keep(struct tool_load *l, const void *data, size_t len,
    paas_routedb_str_t text, paas_routedb_str_t *name);

/* Takes a line in; 0 or -1. */
int tool_load_cert(
    struct tool_load *l, const struct tool_line *line, uint32_t number);
int tool_load_cert_host(struct tool_load *l, const struct tool_line *line,
    paas_routedb_str_t text, uint32_t number);

/* As tool_load_sort and tool_load_check do, for certificates alone. */
int tool_load_check_certs(struct tool_load *l, paas_routedb_reader_t *reader);

/* Puts them; an error of the writer's. */
int tool_load_put_certs(struct tool_load *l, paas_routedb_writer_t *w);
void tool_load_free_certs(struct tool_load *l);

/* Sorts what is not sorted already, as most files are, being dumps. */
void tool_load_sort_array(
    void *array, size_t n, size_t size, int (*cmp)(const void *, const void *));

/* Lets tool_load_find know the pools that have come since it last ran. */
int tool_load_index(struct tool_load *l);

/* The index of pool id, or npools. */
size_t tool_load_find(const struct tool_load *l, uint64_t id);

/* Sorts pools and hosts, and checks the pools; 0 or -1. */
int tool_load_sort(struct tool_load *l);

/*
 * Checks what hosts name, against the database of reader too unless that is
 * NULL, and chooses homes; 0 or -1.
 */
int tool_load_check(struct tool_load *l, paas_routedb_reader_t *reader);

/* The sorted lines from i on that have one name: how many. */
size_t tool_load_group(const struct tool_load_hosts *hosts, size_t i);

/* These lines parsed into l->paths; a pool's instances into l->together. */
void tool_load_read_again(
    struct tool_load *l, const struct tool_load_host *h, size_t n);
void tool_load_together(struct tool_load *l, const struct tool_load_pool *p);

#endif
