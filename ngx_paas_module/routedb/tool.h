/*
 * The parts of paas-routedb.  tool_grammar.c says what a line may be,
 * tool_parse.c, by tool_field.c, and tool_print.c are the two ways; tool_load.c
 * takes a whole file in, after tool_check.c has looked it over; tool_match.c
 * matches patterns, tool_cert.c has what is special about certificates,
 * tool_get.c answers one request; tool.c is the command.
 */
#ifndef PAAS_ROUTEDB_TOOL_H
#define PAAS_ROUTEDB_TOOL_H

#include <stdio.h>

#include "internal.h"

#define TOOL_ERRLEN 512

/* For "%.*s" in a message: enough of a word to know it by. */
#define SHOW(s) (s).len > 60 ? 60 : (int)(s).len, (const char *)(s).data

enum tool_kind {
	TOOL_NOTHING, /* empty, or a comment */
	TOOL_REVISION,
	TOOL_POOL,
	TOOL_INSTANCE,
	TOOL_HOST,
	TOOL_PATTERN,
	TOOL_KEYS,
	TOOL_CERT,
	TOOL_CERT_HOST
};

/* One line; only what its kind has is set.  Strings lie in the text. */
struct tool_line {
	enum tool_kind kind;
	uint64_t revision;
	paas_routedb_pool_t pool;
	uint64_t pool_id; /* of the instance */
	paas_routedb_instance_t instance;
	char host[PAAS_ROUTEDB_HOST_MAX + 1];
	size_t hostlen;
	uint32_t order; /* of the pattern, whose text is: */
	paas_routedb_str_t pattern;
	paas_routedb_path_t path;
	paas_routedb_key_t keys[PAAS_ROUTEDB_KEYS_MAX];
	uint32_t nkeys;
	paas_routedb_cert_t cert; /* chain and key: names of files */
	uint64_t certs[PAAS_ROUTEDB_CERTS_MAX]; /* of the certhost */
};

/* 0, or -1 and in err a sentence without file and line. */
int tool_parse(
    paas_routedb_str_t text, struct tool_line *line, char err[TOOL_ERRLEN]);

/* "host a.example.com", "pattern 10"; in name. */
const char *tool_called(const struct tool_line *line, char name[TOOL_ERRLEN]);

void tool_print_revision(FILE *out, uint64_t revision);
/* The pool and its instances. */
void tool_print_pool(FILE *out, const paas_routedb_pool_t *pool);
void tool_print_host(
    FILE *out, paas_routedb_str_t name, const paas_routedb_path_t *path);

void tool_print_pattern(FILE *out, uint32_t order, paas_routedb_str_t text,
    const paas_routedb_path_t *path);
void tool_print_cert(FILE *out, const paas_routedb_cert_t *cert);
void tool_print_cert_host(
    FILE *out, paas_routedb_str_t name, const uint64_t *ids);
void tool_print_keys(FILE *out, const paas_routedb_key_t *keys, uint32_t n);

/*
 * The lines of certificates, whose files are put into folder; where that is
 * NULL, there are comments in place of the certificates.  0, or -1 and errno.
 */
int tool_dump_cert(
    FILE *out, const paas_routedb_cert_t *cert, const char *folder);

/*
 * 1 if the pattern matches all of host, 0 if not; -1 if it is none, and in
 * err why.
 */
int tool_match(paas_routedb_str_t pattern, const char *host, size_t len,
    char err[TOOL_ERRLEN]);

/*
 * Writes the routes in text (name in messages: file) to the database in dir,
 * instead of all that are there, or in addition.  0, or -1 and in err a
 * sentence that begins with the file.  *w is its writer, or NULL: then it is
 * opened as soon as there is something to be written.  The caller closes it.
 */
int tool_load(paas_routedb_writer_t **w, const char *dir, const char *file,
    paas_routedb_str_t text, int add, char err[TOOL_ERRLEN]);

/*
 * Prints what a request for a canonical host and a path is routed by, and the
 * host's certificate.  ENOTFOUND where there is neither.
 */
int tool_get(paas_routedb_reader_t *reader, const char *host, size_t len,
    const char *path);

#endif
