/*
 * The log of one instance, as in `2026-11-22T12:00:00.123456Z o text`: o is
 * standard output, e standard error, p what the platform has to say.  Two
 * files of at most max/2 bytes.  Lines go in whole or not at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "launcher/shim.h"

/* Bytes of time, kind and newline round a text. */
#define FRAME 31

static uint64_t
monotonic_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* How often it may be removed while it is opened. */
#define OPEN_TRIES 8

/* The lock says that it is written to: see shim_bounds.c. */
static int
file_open(struct shim_log *log)
{
	struct stat st;
	int tries;

	for (tries = 0; tries < OPEN_TRIES; tries++) {
		log->fd = openat(log->dir, log->name,
		    O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
		    0640);
		if (log->fd == -1)
			return -1;
		if (flock(log->fd, LOCK_SH) == 0 && fstat(log->fd, &st) == 0 &&
		    st.st_nlink > 0) {
			log->size = (uint64_t)st.st_size;
			return 0;
		}
		close(log->fd);
		log->fd = -1;
	}
	return -1;
}

static void
bounds_lock(const struct shim_log *log, int how)
{
	if (log->bounds != NULL)
		shim_bounds_lock(log->lock, how);
}

int
shim_log_open(
    struct shim_log *log, int dir, const char *id, uint64_t max, uint64_t rate)
{
	int rc;

	log->dir = dir;
	log->max = max / 2;
	log->rate = rate;
	log->tokens = rate;
	log->refilled = monotonic_us();
	log->second = -1;
	snprintf(log->name, sizeof(log->name), "%.16s.log", id);
	log->bounds = shim_bounds_open(dir, &log->lock);
	bounds_lock(log, LOCK_EX);
	if (log->bounds != NULL)
		shim_bounds_count(log->bounds, dir);
	rc = file_open(log);
	bounds_lock(log, LOCK_UN);
	return rc;
}

void
shim_log_close(struct shim_log *log)
{
	if (log->fd != -1)
		close(log->fd);
	log->fd = -1;
	if (log->bounds != NULL)
		close(log->lock);
	shim_bounds_close(log->bounds);
	log->bounds = NULL;
}

static void
bytes_give(struct shim_log *log, uint64_t bytes)
{
	if (log->bounds != NULL)
		shim_bounds_give(log->bounds, bytes);
}

/* A file of ours is to go: its lines are counted. */
static void
file_forget(struct shim_log *log, const char *name, enum shim_drop why)
{
	struct stat st;
	int fd;

	fd = openat(
	    log->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return;
	if (fstat(fd, &st) == 0) {
		log->dropped[why] += shim_bounds_lines(fd);
		bytes_give(log, (uint64_t)st.st_size);
	}
	close(fd);
}

static void
file_rotate(struct shim_log *log)
{
	char old[40];

	snprintf(old, sizeof(old), "%s.1", log->name);
	bounds_lock(log, LOCK_SH);
	file_forget(log, old, SHIM_DROP_OLDER);
	if (log->fd != -1)
		close(log->fd);
	(void)renameat(log->dir, log->name, log->dir, old);
	(void)file_open(log);
	bounds_lock(log, LOCK_UN);
}

static uint64_t
lines_count(const char *text, size_t len)
{
	const char *end = text + len;
	uint64_t n = 0;

	while ((text = memchr(text, '\n', (size_t)(end - text))) != NULL) {
		n++;
		text++;
	}
	return n;
}

static void
lines_lose(struct shim_log *log, enum shim_drop why, uint64_t n)
{
	log->dropped[why] += n;
	log->lost += n;
}

/*
 * What the buffer has from at on is not written.  Its reports, which are no
 * lines of the app's, are to be made again.
 */
static void
buffer_lose(struct shim_log *log, enum shim_drop why, size_t at)
{
	uint64_t lines = lines_count(log->buf + at, log->used - at);
	size_t i;

	for (i = 0; i < log->ntold; i++) {
		if (log->told[i].end <= at)
			continue;
		log->dropped[log->told[i].why] += log->told[i].lines;
		lines--;
	}
	lines_lose(log, why, lines);
}

/*
 * Room on disk for what the buffer has, beside what the app's other logs have.
 * What is oldest goes first, our own file if there is nothing else.
 */
static int
room_take(struct shim_log *log)
{
	size_t len = log->used;

	if (log->bounds == NULL || shim_bounds_take(log->bounds, len))
		return 0;
	if (!shim_bounds_again(&log->look))
		return -1;
	bounds_lock(log, LOCK_EX);
	log->dropped[SHIM_DROP_APP_OLDER] +=
	    shim_bounds_free(log->bounds, log->dir, len);
	if (!shim_bounds_take(log->bounds, len)) {
		if (log->size < len)
			return -1;
		file_forget(log, log->name, SHIM_DROP_APP_OLDER);
		(void)unlinkat(log->dir, log->name, 0);
		if (log->fd != -1)
			close(log->fd);
		(void)file_open(log);
		if (!shim_bounds_take(log->bounds, len))
			return -1;
	}
	log->look = 0;
	return 0;
}

/* With the disk full no half of a line stays in the file. */
static void
buffer_write(struct shim_log *log)
{
	const char *last;
	size_t whole;
	ssize_t n;

	if (log->fd == -1)
		(void)file_open(log);
	do
		n = write(log->fd, log->buf, log->used);
	while (n == -1 && errno == EINTR);
	whole = n > 0 ? (size_t)n : 0;
	if (whole < log->used) {
		last = memrchr(log->buf, '\n', whole);
		whole = last == NULL ? 0 : (size_t)(last - log->buf) + 1;
		buffer_lose(log, SHIM_DROP_RATE, whole);
		bytes_give(log, log->used - whole);
		if (n > 0)
			(void)!ftruncate(log->fd, (off_t)(log->size + whole));
	}
	log->size += whole;
}

void
shim_log_flush(struct shim_log *log)
{
	if (log->used == 0)
		return;
	bounds_lock(log, LOCK_SH);
	if (room_take(log) == 0)
		buffer_write(log);
	else
		buffer_lose(log, SHIM_DROP_APP_DISK, 0);
	bounds_lock(log, LOCK_UN);
	log->used = 0;
	log->ntold = 0;
}

static void
stamp_make(struct shim_log *log, const struct timespec *now)
{
	struct tm tm;

	if (log->second == now->tv_sec)
		return;
	log->second = now->tv_sec;
	gmtime_r(&now->tv_sec, &tm);
	strftime(log->stamp, sizeof(log->stamp), "%Y-%m-%dT%H:%M:%S", &tm);
}

/* Bytes that are held back to be written at once: few of a small bound. */
static size_t
buffer_most(const struct shim_log *log)
{
	uint64_t max = log->bounds == NULL ? 0 : atomic_load(&log->bounds->max);

	if (max != 0 && max / 16 < sizeof(log->buf))
		return (size_t)(max / 16);
	return sizeof(log->buf);
}

static void
line_put(struct shim_log *log, char kind, const char *text, size_t len)
{
	struct timespec now;
	int n;

	if (log->used + len + FRAME > buffer_most(log))
		shim_log_flush(log);
	if (log->size + log->used + len + FRAME > log->max &&
	    log->size + log->used > 0) {
		shim_log_flush(log);
		file_rotate(log);
	}
	now = log->at;
	if (now.tv_sec == 0)
		clock_gettime(CLOCK_REALTIME, &now);
	stamp_make(log, &now);
	n = snprintf(log->buf + log->used, FRAME, "%s.%06ldZ %c ", log->stamp,
	    now.tv_nsec / 1000, kind);
	log->used += (size_t)n;
	memcpy(log->buf + log->used, text, len);
	log->used += len;
	log->buf[log->used++] = '\n';
}

static void
tokens_refill(struct shim_log *log)
{
	uint64_t now = monotonic_us(), most, more;

	/* A second's worth, and never less than two of the longest lines. */
	most = log->rate > 2 * SHIM_LINE ? log->rate : 2 * SHIM_LINE;
	more = now - log->refilled;
	more = more > 1000000 ? most : more * log->rate / 1000000;
	if (more == 0)
		return;
	log->refilled = now;
	log->tokens = log->tokens + more > most ? most : log->tokens + more;
}

int
shim_log_owes(const struct shim_log *log)
{
	int why;

	for (why = 0; why < SHIM_DROPS; why++) {
		if (log->dropped[why] > 0)
			return 1;
	}
	return 0;
}

/* What was the bound. */
static uint64_t
drop_bound(const struct shim_log *log, enum shim_drop why)
{
	if (why == SHIM_DROP_RATE)
		return log->rate;
	if (why == SHIM_DROP_OLDER || log->bounds == NULL)
		return 2 * log->max;
	return atomic_load(
	    why == SHIM_DROP_APP_RATE ? &log->bounds->rate : &log->bounds->max);
}

void
shim_log_report(struct shim_log *log)
{
	static const struct {
		const char *before, *after;
	} words[SHIM_DROPS] = {
	    [SHIM_DROP_RATE] = {"lines dropped: more than",
		"bytes a second, or no space left on disk"},
	    [SHIM_DROP_APP_RATE] = {"lines dropped: more than",
		"bytes a second of all processes of the app"},
	    [SHIM_DROP_APP_DISK] = {"lines dropped: the logs of the app have",
		"bytes, and may have no more"},
	    [SHIM_DROP_OLDER] = {"older lines dropped: the log of a process "
				 "may have",
		"bytes"},
	    [SHIM_DROP_APP_OLDER] = {"older lines dropped: the logs of the app "
				     "may have",
		"bytes"},
	};
	uint64_t dropped;
	char text[160];
	int n, why;

	for (why = 0; why < SHIM_DROPS; why++) {
		if ((dropped = log->dropped[why]) == 0)
			continue;
		n = snprintf(text, sizeof(text),
		    "%" PRIu64 " %s %" PRIu64 " %s", dropped, words[why].before,
		    drop_bound(log, why), words[why].after);
		if (log->ntold == SHIM_TOLD)
			shim_log_flush(log);
		/* It may be that this drops some, too. */
		log->dropped[why] -= dropped;
		line_put(log, 'p', text, (size_t)n);
		log->told[log->ntold].why = (enum shim_drop)why;
		log->told[log->ntold].lines = dropped;
		log->told[log->ntold++].end = log->used;
	}
}

void
shim_log_line(struct shim_log *log, char kind, const char *text, size_t len)
{
	if (log->tokens < len + FRAME)
		tokens_refill(log);
	if (log->tokens < len + FRAME) {
		lines_lose(log, SHIM_DROP_RATE, 1);
		return;
	}
	if (log->bounds != NULL &&
	    !shim_bounds_pass(log->bounds, len + FRAME, 2 * SHIM_LINE)) {
		lines_lose(log, SHIM_DROP_APP_RATE, 1);
		return;
	}
	/* The gap is told where it was. */
	shim_log_report(log);
	line_put(log, kind, text, len);
	log->tokens -= len + FRAME;
}

void
shim_log_bytes(struct shim_log *log, struct shim_stream *stream,
    const char *bytes, size_t len)
{
	const char *end;
	size_t part, room;

	while (len > 0) {
		end = memchr(bytes, '\n', len);
		part = end == NULL ? len : (size_t)(end - bytes);
		room = SHIM_LINE - stream->used;
		if (part > room) {
			/* Too long: goes out in pieces. */
			memcpy(stream->line + stream->used, bytes, room);
			shim_log_line(
			    log, stream->kind, stream->line, SHIM_LINE);
			stream->used = 0;
			bytes += room;
			len -= room;
			continue;
		}
		memcpy(stream->line + stream->used, bytes, part);
		stream->used += part;
		bytes += part;
		len -= part;
		if (end == NULL)
			return;
		shim_log_line(log, stream->kind, stream->line, stream->used);
		stream->used = 0;
		bytes++;
		len--;
	}
}

void
shim_log_finish(struct shim_log *log, struct shim_stream *stream)
{
	if (stream->used > 0)
		shim_log_line(log, stream->kind, stream->line, stream->used);
	stream->used = 0;
}
