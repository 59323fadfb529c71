/*
 * The lines of imported routes (paas-routes(5)): a pool of addresses,
 *
 *     @NAME ADDRESS:PORT[=WEIGHT]... [SETTING=VALUE]...
 *
 * or a path of a host, which leads to pools,
 *
 *     HOST [/PATH] @NAME[=WEIGHT]... [SETTING[=VALUE]]...
 */
#ifndef PAAS_ROUTING_IMPORT_LINE_H
#define PAAS_ROUTING_IMPORT_LINE_H

#include <jansson.h>

#include "common/conf.h"
#include "paas_routedb.h"

#define IMPORT_LINE_MAX 8192 /* bytes */
#define IMPORT_NAME_MAX 64   /* bytes of a pool's name */

struct import_target {
	paas_routedb_str_t name; /* of the pool, within the line */
	uint32_t weight;
};

/* A path of a host; what is no array of its own lies within the line. */
struct import_path {
	char host[PAAS_ROUTEDB_HOST_MAX + 1]; /* canonical */
	size_t hostlen;
	paas_routedb_str_t prefix;
	uint16_t flags;
	char to_host[PAAS_ROUTEDB_HOST_MAX + 1];
	paas_routedb_str_t to_host_word; /* the same where it was canonical */
	uint32_t ntargets;
	struct import_target targets[PAAS_ROUTEDB_POOLS_MAX];
};

/* 0, or -1 with a sentence in err; err may be NULL. */
int import_line_path(
    const char *line, size_t len, struct import_path *, char err[PAAS_ERRLEN]);

/*
 * The pool as the store has those of a route: its settings and "instances".
 * name points into the line.  NULL with a sentence in err.
 */
json_t *import_line_pool(const struct conf *, const char *line, size_t len,
    paas_routedb_str_t *name, char err[PAAS_ERRLEN]);

/* The same line in its canonical form, into out.  Its length; 0: too long. */
size_t import_line_write_path(
    const struct import_path *, char out[IMPORT_LINE_MAX]);
size_t import_line_write_pool(
    paas_routedb_str_t name, const json_t *pool, char out[IMPORT_LINE_MAX]);

#endif
