#include "api/log/log_lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Sorted and cut once it has grown to this many times what is kept. */
#define LOG_LINES_SLACK 4
#define LOG_LINES_FIRST 256

char *
log_line_make(int64_t us, const char *source, const char *process,
    const char *text, size_t text_len, size_t *len)
{
	time_t seconds = (time_t)(us / 1000000);
	char at[32] = "", head[160], *line;
	struct tm tm;
	int n;

	if (gmtime_r(&seconds, &tm) != NULL)
		(void)strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%S", &tm);
	n = snprintf(head, sizeof(head), "%s.%06d+00:00 %s[%s]: ", at,
	    (int)(us % 1000000), source, process);
	if (n < 0 || (size_t)n >= sizeof(head) ||
	    (line = malloc((size_t)n + text_len + 1)) == NULL)
		return NULL;
	memcpy(line, head, (size_t)n);
	memcpy(line + n, text, text_len);
	*len = (size_t)n + text_len;
	line[*len] = '\0';
	return line;
}

void
log_lines_init(struct log_lines *lines, size_t keep)
{
	memset(lines, 0, sizeof(*lines));
	lines->keep = keep;
}

static int
log_lines_compare(const void *one, const void *two)
{
	const struct log_line *a = one, *b = two;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* Forgets the first `drop` lines. */
static void
log_lines_drop(struct log_lines *lines, size_t drop)
{
	if (drop == 0)
		return;
	for (size_t i = 0; i < drop; i++)
		free(lines->lines[i].text);
	lines->count -= drop;
	memmove(lines->lines, lines->lines + drop,
	    lines->count * sizeof(*lines->lines));
}

void
log_lines_sort(struct log_lines *lines, size_t max)
{
	size_t i, bytes = 0;

	if (lines->count == 0)
		return;
	qsort(lines->lines, lines->count, sizeof(*lines->lines),
	    log_lines_compare);
	for (i = lines->count; i > 0; i--) {
		if (lines->count - i == lines->keep ||
		    bytes + lines->lines[i - 1].len > max)
			break;
		bytes += lines->lines[i - 1].len;
	}
	log_lines_drop(lines, i);
}

void
log_lines_add(struct log_lines *lines, int64_t time, char *text, size_t len)
{
	struct log_line *grown;
	size_t size = lines->size == 0 ? LOG_LINES_FIRST : lines->size * 2;

	if (text == NULL)
		return;
	if (lines->count == lines->size &&
	    lines->count / LOG_LINES_SLACK >= lines->keep)
		log_lines_sort(lines, SIZE_MAX);
	if (lines->count == lines->size) {
		grown = reallocarray(lines->lines, size, sizeof(*lines->lines));
		if (grown == NULL) {
			free(text);
			return;
		}
		lines->lines = grown;
		lines->size = size;
	}
	lines->lines[lines->count++] =
	    (struct log_line){time, lines->order++, text, len};
}

void
log_lines_free(struct log_lines *lines)
{
	log_lines_drop(lines, lines->count);
	free(lines->lines);
	memset(lines, 0, sizeof(*lines));
}
