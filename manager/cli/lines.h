/*
 * A stream of bytes cut into lines.  A line that is longer than the bound is
 * handed on in pieces, so that memory stays bounded whatever an app prints.
 */
#ifndef PAAS_CLI_LINES_H
#define PAAS_CLI_LINES_H

#include <stddef.h>

#define LINES_MAX (64 * 1024)

struct lines {
	char *buf; /* LINES_MAX bytes, made at the first use */
	size_t len;
	int (*line)(const char *text, size_t len, void *arg);
	void *arg;
};

/* Calls line() for each whole line, without its newline.  0, or its result. */
int lines_feed(struct lines *, const char *data, size_t len);

/* What stands after the last newline; frees the buffer. */
int lines_end(struct lines *);

#endif
