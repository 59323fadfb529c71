/*
 * What a push has spent its time on.  Microseconds of CLOCK_REALTIME, as
 * records have them.
 */
#ifndef PAAS_API_PUSH_TIMES_H
#define PAAS_API_PUSH_TIMES_H

#include <stddef.h>
#include <stdint.h>

enum push_mark {
	PUSH_BEGUN,
	PUSH_RECEIVED, /* its files are on the disk */
	PUSH_COMPILED, /* the buildpacks have ended */
	PUSH_RELEASED, /* its slug is stored */
	PUSH_STARTED,  /* the first instance is being started */
	PUSH_LIVE,     /* instances answer, and requests go there */
	PUSH_MARKS
};

struct push_times {
	int64_t at[PUSH_MARKS];
};

/* Now; what is marked already stays as it is. */
void push_times_mark(struct push_times *, enum push_mark);

/* A line for people; a mark that is missing took no time. */
void push_times_text(const struct push_times *, char *buf, size_t len);

#endif
