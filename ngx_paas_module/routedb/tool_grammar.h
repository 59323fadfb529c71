/*
 * The grammar of a text line as tables: tool_parse.c reads by them,
 * tool_print.c prints by them.
 */
#ifndef PAAS_ROUTEDB_TOOL_GRAMMAR_H
#define PAAS_ROUTEDB_TOOL_GRAMMAR_H

#include "tool.h"

enum tool_type {
	WORD,
	HOST,
	PREFIX,
	NUMBER,
	ENUM,
	FLAG,
	HASH,
	TARGETS,
	FILE_NAME
};

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

extern const struct tool_field tool_cert_fields[]; /* paas_routedb_cert_t */

extern const char *const tool_hash_ons[];

/* -1, and the sentence in err. */
int tool_refuse(char err[TOOL_ERRLEN], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Taken from the front of *rest; empty after the last. */
paas_routedb_str_t tool_next_word(paas_routedb_str_t *rest);
/* Up to the first sep, which is taken away. */
paas_routedb_str_t tool_next_part(paas_routedb_str_t *rest, char sep);

int tool_is_word(paas_routedb_str_t s, const char *word);

/* Decimal, or 0x and hexadecimal; 0 or -1. */
int tool_parse_number(paas_routedb_str_t s, uint64_t max, uint64_t *out);

/*
 * The fields that follow on a line; base is the struct that they fill.  0, or
 * -1 and in err why.
 */
int tool_parse_fields(const struct tool_field *fields, void *base,
    paas_routedb_str_t rest, char err[TOOL_ERRLEN]);

#endif
