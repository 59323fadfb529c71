/*
 * The grammar of a text line as tables: tool_parse.c reads by them,
 * tool_print.c prints by them.
 */
#ifndef PAAS_ROUTEDB_TOOL_GRAMMAR_H
#define PAAS_ROUTEDB_TOOL_GRAMMAR_H

#include "tool.h"

enum tool_type { WORD, HOST, PREFIX, NUMBER, ENUM, FLAG, HASH, TARGETS };

struct tool_field {
	const char *name;
	enum tool_type type;
	size_t offset; /* in the struct of its line */
	size_t size;   /* of a NUMBER */
	uint64_t
	    extra; /* FLAG: bit; NUMBER: usual value; HOST: wildcards too */
	const char *const *names; /* of an ENUM */
	const char *want;
};

/* Each ends with a field without a name. */
extern const struct tool_field tool_pool_fields[];     /* paas_routedb_pool_t */
extern const struct tool_field tool_instance_fields[]; /* ..._instance_t */
extern const struct tool_field tool_path_fields[];     /* paas_routedb_path_t */

extern const char *const tool_hash_ons[];

#endif
