/*
 * A stream of events, as a browser gets it: fields a line, and an empty line
 * behind each event.  Comments and fields of others' are left out.
 */
#ifndef PAAS_CLI_EVENTS_H
#define PAAS_CLI_EVENTS_H

#include <stddef.h>

#include "cli/lines.h"

#define EVENTS_TYPE "text/event-stream"

struct events {
	/* name is "" for a message; its text is one line, which may have CR */
	int (*event)(const char *name, const char *text, size_t len, void *arg);
	void *arg;
	char last[64]; /* the id of the last one, "" before */
	struct lines lines;
	char next[64]; /* of the one that is coming: */
	char name[32];
	char *text; /* LINES_MAX bytes, made at the first use */
	size_t len;
	int some; /* it has text, if only "" */
};

/* Calls event() for each that is whole.  0, or its result. */
int events_feed(struct events *, const char *data, size_t len);

/* The connection is gone, and what was not whole; last stays. */
void events_end(struct events *);

#endif
