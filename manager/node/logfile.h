/*
 * Reads what the shim writes: state/log/APP/ID.log and ID.log.1, the one
 * before it.  One line of either:
 *
 *   2026-11-22T12:00:00.123456Z o text...
 *
 * with o for stdout, e for stderr, p for the shim's own words.
 */
#ifndef PAAS_LOGFILE_H
#define PAAS_LOGFILE_H

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/conf.h"

#define LOGFILE_LINE_MAX (64 * 1024) /* of longer ones, the beginning */

/* The log of an app's requests stands beside those of its instances. */
#define LOGFILE_ROUTER UINT64_MAX

struct loghub;
struct logfile;

struct logfile_line {
	int64_t time;     /* microseconds since the epoch */
	char stream;      /* 'o', 'e', 'p' */
	const char *text; /* borrowed, no newline, raw bytes of the app's */
	size_t len;
	int64_t end; /* offset behind it in its file */
};

/*
 * Non-zero stops: logfile_tail returns it; a follower pauses behind this
 * line until logfile_resume.
 */
typedef int (*logfile_cb)(const struct logfile_line *, void *arg);

/* Where reading stands. */
struct logfile_pos {
	uint64_t dev;
	uint64_t ino; /* 0: before the first byte */
	int64_t offset;
};

/*
 * The last lines of both files, oldest first, at most `lines` and at most
 * max bytes of them.  *pos (may be NULL) is set behind the last whole line,
 * for logfile_follow.  A missing file is an empty one.  0, the callback's
 * value, or a negative errno.
 */
int logfile_tail(const char *log_dir, uint64_t app, uint64_t id, unsigned lines,
    size_t max, struct logfile_pos *pos, logfile_cb, void *arg);

/*
 * One inotify for all followers: there are few to a user.  log_dir is
 * state_dir/log, copied.  NULL with a sentence in err.
 */
struct loghub *loghub_open(
    sd_event *, const char *log_dir, char err[PAAS_ERRLEN]);
void loghub_close(struct loghub *);

/*
 * Whole lines behind pos (NULL: from the first), as they come, across
 * rotations, never from within this call.  The file need not exist yet.
 * Lines rotated away while the follower was paused are lost.  NULL with
 * errno.  logfile_close may be called from within the callback.
 */
struct logfile *logfile_follow(struct loghub *, uint64_t app, uint64_t id,
    const struct logfile_pos *pos, logfile_cb, void *arg);
void logfile_resume(struct logfile *);

/* From within the callback: where following goes on behind this line. */
void logfile_where(
    const struct logfile *, const struct logfile_line *, struct logfile_pos *);
void logfile_close(struct logfile *);

/*
 * A line of the router's, with the process's name, as `name` tells it for the
 * id of the instance (NULL: unknown), in place of that: allocated, NULL if out
 * of memory.  process gets the name, or "".
 */
#define LOGFILE_NAME_MAX 64
typedef const char *(*logfile_name_cb)(uint64_t id, void *arg);
char *logfile_request(const struct logfile_line *, logfile_name_cb name,
    void *arg, char process[LOGFILE_NAME_MAX], size_t *len);

/*
 * The process that an event is about, "web.1", which its text begins with; or
 * "".
 */
void logfile_event_process(const char *text, char process[LOGFILE_NAME_MAX]);

#endif
