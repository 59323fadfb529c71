#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "node/logfile_read.h"

#define STAMP_LEN 27 /* 2026-11-22T12:00:00.123456Z */
#define CHUNK     (16 * 1024)

int
logfile_open(const char *log_dir, uint64_t app, uint64_t id, int previous)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%016" PRIx64 "/%016" PRIx64 ".log%s",
	    log_dir, app, id, previous ? ".1" : "");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return fd == -1 ? -errno : fd;
}

static int
digits(const char *text, size_t at, size_t n, int *value)
{
	size_t i;

	*value = 0;
	for (i = at; i < at + n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		*value = *value * 10 + (text[i] - '0');
	}
	return 0;
}

int
logfile_parse(const char *text, size_t len, struct logfile_line *line)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd.ddddddZ ";
	struct tm tm = {0};
	int us;
	size_t i;

	if (len < STAMP_LEN + 2)
		return -1;
	for (i = 0; i < STAMP_LEN + 1; i++) {
		if (shape[i] != 'd' && text[i] != shape[i])
			return -1;
	}
	if (digits(text, 0, 4, &tm.tm_year) == -1 ||
	    digits(text, 5, 2, &tm.tm_mon) == -1 ||
	    digits(text, 8, 2, &tm.tm_mday) == -1 ||
	    digits(text, 11, 2, &tm.tm_hour) == -1 ||
	    digits(text, 14, 2, &tm.tm_min) == -1 ||
	    digits(text, 17, 2, &tm.tm_sec) == -1 ||
	    digits(text, 20, 6, &us) == -1)
		return -1;
	line->stream = text[STAMP_LEN + 1];
	if (strchr("oep", line->stream) == NULL || line->stream == '\0')
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	line->time = (int64_t)timegm(&tm) * 1000000 + us;
	i = STAMP_LEN + 2;
	if (i < len && text[i] == ' ')
		i++;
	line->text = text + i;
	line->len = len - i;
	return 0;
}

/* Lines of buf[0..n); returns the bytes that are done with. */
static size_t
lines_tell(const char *buf, size_t n, int64_t offset, logfile_cb cb, void *arg,
    int *stopped)
{
	struct logfile_line line;
	const char *newline;
	size_t at = 0, len;

	*stopped = 0;
	while (at < n && *stopped == 0) {
		newline = memchr(buf + at, '\n', n - at);
		if (newline == NULL && (at > 0 || n < LOGFILE_LINE_MAX))
			break;
		len = newline != NULL ? (size_t)(newline - buf) - at : n;

		line.end = offset + (int64_t)(at + len) + (newline != NULL);

		/* What is no line of the shim's is the rest of a long one. */
		if (logfile_parse(buf + at, len, &line) == 0)
			*stopped = cb(&line, arg);
		at += newline != NULL ? len + 1 : len;
	}
	return at;
}

int
logfile_lines(int fd, int64_t *offset, int64_t end, size_t budget,
    logfile_cb cb, void *arg, int *stopped)
{
	size_t done, want, used = 0;
	char *buf;
	ssize_t n;
	int rc = 0;

	*stopped = 0;
	if ((buf = malloc(LOGFILE_LINE_MAX)) == NULL)
		return -ENOMEM;
	for (;;) {
		want = LOGFILE_LINE_MAX;
		if (end != -1 && end - *offset < (int64_t)want)
			want = end > *offset ? (size_t)(end - *offset) : 0;
		n = pread(fd, buf, want, *offset);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			rc = n == -1 ? -errno : 0;
			break;
		}
		done = lines_tell(buf, (size_t)n, *offset, cb, arg, stopped);
		*offset += (int64_t)done;
		used += done;
		if (*stopped != 0) {
			rc = 2;
			break;
		}
		if (done == 0)
			break;
		if (used >= budget) {
			rc = 1;
			break;
		}
	}
	free(buf);
	return rc;
}

/* ---- the last lines ---------------------------------------------------- */

struct range {
	int fd;
	int64_t start;
	int64_t end;
	unsigned lines;
};

/*
 * The last lines of the file: start and end behind a newline.  Fewer if the
 * file has fewer, or more than max bytes were needed.
 */
static int
range_find(struct range *range, unsigned lines, size_t max)
{
	char buf[CHUNK];
	struct stat st;
	int64_t pos, from;
	ssize_t n, i;
	int ended = 0;

	if (fstat(range->fd, &st) == -1)
		return -errno;
	range->start = range->end = 0;
	range->lines = 0;
	for (pos = st.st_size; pos > 0; pos = from) {
		from = pos > CHUNK ? pos - CHUNK : 0;
		n = pread(range->fd, buf, (size_t)(pos - from), from);
		if (n != (ssize_t)(pos - from))
			return n == -1 ? -errno : -EAGAIN;
		for (i = n - 1; i >= 0; i--) {
			if (buf[i] != '\n')
				continue;
			if (!ended) {
				ended = 1;
				range->end = range->start = from + i + 1;
				continue;
			}
			if (range->end - (from + i + 1) > (int64_t)max)
				return 0;
			range->start = from + i + 1;
			if (++range->lines == lines)
				return 0;
		}
	}

	/* The beginning of the file is that of a line as well. */
	if (ended && range->end <= (int64_t)max) {
		range->start = 0;
		range->lines++;
	}
	return 0;
}

static void
pos_set(struct logfile_pos *pos, const struct range *range)
{
	struct stat st;

	if (pos == NULL || fstat(range->fd, &st) == -1)
		return;
	pos->dev = st.st_dev;
	pos->ino = st.st_ino;
	pos->offset = range->end;
}

static int
range_tell(const struct range *range, logfile_cb cb, void *arg)
{
	int64_t offset = range->start;
	int rc, stopped;

	rc = logfile_lines(
	    range->fd, &offset, range->end, SIZE_MAX, cb, arg, &stopped);
	return rc == 2 ? stopped : rc;
}

int
logfile_tail(const char *log_dir, uint64_t app, uint64_t id, unsigned lines,
    size_t max, struct logfile_pos *pos, logfile_cb cb, void *arg)
{
	struct range now = {.fd = -1}, before = {.fd = -1};
	int rc = 0;

	if (pos != NULL)
		memset(pos, 0, sizeof(*pos));

	/* Newest first: a rotation in between loses nothing, shows twice. */
	now.fd = logfile_open(log_dir, app, id, 0);
	if (now.fd >= 0 && lines > 0)
		rc = range_find(&now, lines, max);
	else if (now.fd >= 0)
		rc = range_find(&now, 1, SIZE_MAX / 2);
	if (rc == 0 && now.lines < lines && now.end - now.start < (int64_t)max)
		before.fd = logfile_open(log_dir, app, id, 1);
	if (before.fd >= 0)
		rc = range_find(&before, lines - now.lines,
		    max - (size_t)(now.end - now.start));
	if (rc == 0 && now.fd >= 0)
		pos_set(pos, &now);
	else if (rc == 0 && before.fd >= 0)
		pos_set(pos, &before);
	if (rc == 0 && before.fd >= 0 && lines > 0)
		rc = range_tell(&before, cb, arg);
	if (rc == 0 && now.fd >= 0 && lines > 0)
		rc = range_tell(&now, cb, arg);
	if (now.fd >= 0)
		close(now.fd);
	if (before.fd >= 0)
		close(before.fd);
	return rc;
}
