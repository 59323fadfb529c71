/*
 * The newest lines of many logs, in order of time.
 */
#ifndef PAAS_API_LOG_LINES_H
#define PAAS_API_LOG_LINES_H

#include <stddef.h>
#include <stdint.h>

/*
 * "2026-11-22T12:00:00.123456+00:00 app[web.1]: text", allocated; NULL if out
 * of memory.  text is raw bytes, and so is the line.
 */
char *log_line_make(int64_t time, const char *source, const char *process,
    const char *text, size_t text_len, size_t *len);

struct log_line {
	int64_t time;
	uint64_t order; /* of those of one time */
	char *text;
	size_t len;
};

struct log_lines {
	struct log_line *lines;
	size_t count, size;
	size_t keep; /* at most so many, the newest */
	uint64_t order;
};

void log_lines_init(struct log_lines *, size_t keep);

/* Takes text, which may be NULL: nothing is added then. */
void log_lines_add(struct log_lines *, int64_t time, char *text, size_t len);

/* Sorts, and leaves at most `keep` lines and max bytes. */
void log_lines_sort(struct log_lines *, size_t max);
void log_lines_free(struct log_lines *);

#endif
