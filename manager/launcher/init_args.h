/* The sealed memfd of a start, as in protocol.h, read inside the sandbox. */
#ifndef PAAS_INIT_ARGS_H
#define PAAS_INIT_ARGS_H

#include <stddef.h>
#include <stdint.h>

struct init_args {
	const char *cwd;
	char **argv; /* ends with NULL */
	char **envp;
	uint32_t flags;
	char *text; /* what they point into */
};

/*
 * Returns NULL, or what is wrong with it, and then there is nothing to free.
 */
const char *init_args_read(struct init_args *, int fd);
void init_args_free(struct init_args *);
const char *init_args_parse(struct init_args *, char *bytes, size_t len);

#endif
