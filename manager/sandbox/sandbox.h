/*
 * What paas-build and paas-inspect share.  Both run inside the sandbox with
 * the uid of one instance, and neither trusts what it reads: the first one
 * reads an upload, the second one a tree that strangers' code has built.
 */
#ifndef PAAS_SANDBOX_H
#define PAAS_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#define SANDBOX_ERRLEN       512
#define SANDBOX_TYPES_MAX    32    /* process types of one app */
#define SANDBOX_TYPE_MAX     30    /* bytes of a type's name */
#define SANDBOX_COMMAND_MAX  4096  /* bytes of a command */
#define SANDBOX_COMMANDS_MAX 16384 /* of all: a log line holds them */
#define SANDBOX_PACK_MAX     64    /* bytes of a buildpack's name */
#define SANDBOX_PROCFILE_MAX (64 * 1024)
#define SANDBOX_VARS_MAX     64 /* config vars that a pack proposes */
#define SANDBOX_VAR_NAME     128
#define SANDBOX_VAR_VALUE    4096
#define SANDBOX_VARS_BYTES   32768 /* of all, as JSON */

/* What is said of a name that breaks the rule of types_name_valid. */
#define SANDBOX_TYPE_RULE                                              \
	"a name is a lower-case letter, then letters, digits or '-', " \
	"30 in all"

/* Process types in the order in which they were declared. */
struct types {
	size_t n;
	struct {
		char name[SANDBOX_TYPE_MAX + 1];
		char *command;
		int line; /* of the Procfile, or 0 */
	} v[SANDBOX_TYPES_MAX];
};

enum types_result {
	TYPES_OK,
	TYPES_NAME,
	TYPES_COMMAND,
	TYPES_MANY,
	TYPES_TWICE
};

int types_name_valid(const char *name, size_t len);

/* Printable, or a tab; not empty; valid UTF-8; not too long. */
int types_command_valid(const char *command, size_t len);

/*
 * Copies both.  TYPES_TWICE leaves the one that is there; TYPES_MANY also
 * stands for too many bytes of commands.
 */
enum types_result types_add(struct types *, const char *name, size_t namelen,
    const char *command, size_t len, int line);

const char *types_find(const struct types *, const char *name);
void types_free(struct types *);

/*
 * Copies text for a terminal: control bytes (of Unicode too), quotes,
 * backslashes and what is not UTF-8 become \xNN.  Too long a text ends in
 * "...".  Returns out.
 */
char *text_escape(char *out, size_t outlen, const char *text);

/* Bytes of the UTF-8 character at s, of at most len bytes; 0 if it is none. */
size_t text_utf8(const char *s, size_t len);

#endif
