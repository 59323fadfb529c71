#include <bsd/err.h>
#include <stdlib.h>
#include <string.h>

#include "cli/lines.h"

static int
lines_flush(struct lines *lines)
{
	size_t len = lines->len;

	lines->len = 0;
	return lines->line(lines->buf, len, lines->arg);
}

int
lines_feed(struct lines *lines, const char *data, size_t len)
{
	const char *end;
	size_t n;
	int rc;

	if (lines->buf == NULL && (lines->buf = malloc(LINES_MAX)) == NULL)
		err(1, NULL);
	while (len > 0) {
		end = memchr(data, '\n', len);
		n = end != NULL ? (size_t)(end - data) : len;
		if (n > LINES_MAX - lines->len) {
			n = LINES_MAX - lines->len;
			end = NULL;
		}
		memcpy(lines->buf + lines->len, data, n);
		lines->len += n;
		n += end != NULL;
		data += n;
		len -= n;
		if ((end != NULL || lines->len == LINES_MAX) &&
		    (rc = lines_flush(lines)) != 0)
			return rc;
	}
	return 0;
}

int
lines_end(struct lines *lines)
{
	int rc = lines->len > 0 ? lines_flush(lines) : 0;

	free(lines->buf);
	lines->buf = NULL;
	return rc;
}
