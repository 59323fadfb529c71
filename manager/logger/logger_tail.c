/*
 * nginx appends to FILE; paas-rotate makes it FILE.1 and tells nginx, whose
 * workers go on writing to that for a moment.
 */
#include <sys/stat.h>

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "logger/logger.h"

#define BUDGET    (4 * 1024 * 1024) /* bytes in one turn */
#define LINGER_S  5                 /* that old files are read for */
#define FILES_MAX 20

struct input {
	int fd; /* -1: none */
	dev_t dev;
	ino_t ino;
	off_t offset;
};

struct logger_tail {
	char path[PATH_MAX];
	int where;
	logger_line_cb line;
	void *arg;
	struct input now;
	struct input old; /* rotated away */
	time_t old_until; /* CLOCK_MONOTONIC */
	int behind;       /* now is FILE.behind: what was written without us */
	char buf[LOGGER_LINE_MAX];
};

static time_t
monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* ---- files ------------------------------------------------------------- */

static void
path_of(const struct logger_tail *t, int n, char path[PATH_MAX])
{
	if (n == 0)
		strlcpy(path, t->path, PATH_MAX);
	else
		snprintf(path, PATH_MAX, "%.4000s.%d", t->path, n);
}

static int
input_open(const struct logger_tail *t, int n, struct input *in)
{
	char path[PATH_MAX];
	struct stat st;

	path_of(t, n, path);
	in->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (in->fd == -1)
		return -1;
	if (fstat(in->fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		close(in->fd);
		in->fd = -1;
		return -1;
	}
	in->dev = st.st_dev;
	in->ino = st.st_ino;
	in->offset = 0;
	return 0;
}

static void
input_close(struct input *in)
{
	if (in->fd != -1)
		close(in->fd);
	in->fd = -1;
}

static int
input_same(const struct input *a, const struct input *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

/* ---- where it was ------------------------------------------------------ */

void
logger_tail_save(struct logger_tail *t)
{
	char text[80];
	int n;

	if (t->where == -1 || t->now.fd == -1)
		return;
	n = snprintf(text, sizeof(text),
	    "%020" PRIu64 " %020" PRIu64 " %020" PRIu64 "\n",
	    (uint64_t)t->now.dev, (uint64_t)t->now.ino,
	    (uint64_t)t->now.offset);
	if (pwrite(t->where, text, (size_t)n, 0) != n)
		log_warn("the position is not written: %s", strerror(errno));
}

static int
where_read(const struct logger_tail *t, struct input *in)
{
	uint64_t dev, ino, offset;
	char text[80];
	ssize_t n;

	n = t->where == -1 ? -1 : pread(t->where, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	if (sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &dev, &ino,
		&offset) != 3)
		return -1;
	in->dev = (dev_t)dev;
	in->ino = (ino_t)ino;
	in->offset = (off_t)offset;
	return 0;
}

/*
 * Goes on in the file that it was in, whatever that is called by now, or in
 * the oldest that there is if that one is gone.
 */
static void
tail_find(struct logger_tail *t)
{
	struct input was, in = {.fd = -1};
	int n, oldest = 0;

	if (where_read(t, &was) == -1) {
		(void)input_open(t, 0, &t->now);
		return;
	}
	for (n = 0; n < FILES_MAX; n++) {
		if (input_open(t, n, &in) == -1)
			continue;
		oldest = n;
		if (input_same(&in, &was)) {
			in.offset = was.offset;
			t->now = in;
			t->behind = n;
			return;
		}
		input_close(&in);
	}
	t->behind = oldest;
	(void)input_open(t, oldest, &t->now);
}

/* ---- reading ----------------------------------------------------------- */

/* The whole lines of buf; returns the bytes that are done with. */
static size_t
lines_tell(struct logger_tail *t, size_t n)
{
	const char *newline;
	size_t at = 0;

	while ((newline = memchr(t->buf + at, '\n', n - at)) != NULL) {
		t->line(t->buf + at, (size_t)(newline - t->buf) - at, t->arg);
		at = (size_t)(newline - t->buf) + 1;
	}
	/* Longer than any line of nginx's: it is none. */
	return at == 0 && n == sizeof(t->buf) ? n : at;
}

/* 1 if the budget is used up. */
static int
input_read(struct logger_tail *t, struct input *in)
{
	size_t used = 0, done;
	struct stat st;
	ssize_t n;

	if (fstat(in->fd, &st) == 0 && st.st_size < in->offset)
		in->offset = 0; /* somebody truncated it */
	while (used < BUDGET) {
		n = pread(in->fd, t->buf, sizeof(t->buf), in->offset);
		if (n <= 0 || (done = lines_tell(t, (size_t)n)) == 0)
			return 0;
		in->offset += (off_t)done;
		used += done;
	}
	return 1;
}

/* To the file that came after this one: 1 if there is one. */
static int
tail_next(struct logger_tail *t)
{
	struct input in = {.fd = -1};

	if (t->behind > 0) {
		input_close(&t->now);
		t->behind--;
		(void)input_open(t, t->behind, &t->now);
		return 1;
	}
	if (input_open(t, 0, &in) == -1)
		return 0;
	if (t->now.fd != -1 && input_same(&in, &t->now)) {
		input_close(&in);
		return 0;
	}
	input_close(&t->old);
	t->old = t->now;
	t->old_until = monotonic() + LINGER_S;
	t->now = in;
	return 1;
}

int
logger_tail_read(struct logger_tail *t)
{
	if (t->old.fd != -1) {
		(void)input_read(t, &t->old);
		if (monotonic() > t->old_until)
			input_close(&t->old);
	}
	if (t->now.fd != -1 && input_read(t, &t->now))
		return 1;
	return tail_next(t);
}

int
logger_tail_lingers(const struct logger_tail *t)
{
	return t->old.fd != -1;
}

struct logger_tail *
logger_tail_open(const char *path, int where, logger_line_cb line, void *arg)
{
	struct logger_tail *t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return NULL;
	strlcpy(t->path, path, sizeof(t->path));
	t->where = where;
	t->line = line;
	t->arg = arg;
	t->now.fd = t->old.fd = -1;
	tail_find(t);
	return t;
}

void
logger_tail_close(struct logger_tail *t)
{
	if (t == NULL)
		return;
	input_close(&t->now);
	input_close(&t->old);
	free(t);
}
