/*
 * Followers of log files, on one inotify.
 */
#include <sys/inotify.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <bsd/string.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "node/logfile_read.h"
#include "store/keys.h"

#define BUDGET    (256 * 1024) /* bytes of one file in one turn */
#define ABSENT_US (200 * 1000ULL)
#define DIR_EVENTS                                                             \
	(IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | \
	    IN_ONLYDIR)

struct logdir {
	LIST_ENTRY(logdir) entry;
	LIST_HEAD(logfiles, logfile) files;
	uint64_t app;
	int wd; /* -1: not there yet */
};

struct logfile {
	LIST_ENTRY(logfile) entry;
	TAILQ_ENTRY(logfile) due;
	struct loghub *hub;
	struct logdir *dir;
	uint64_t id;
	struct logfile_pos pos;
	int fd;
	int queued;
	int paused;
	int running;
	int closed;
	logfile_cb cb;
	void *arg;
};

struct loghub {
	sd_event *event;
	sd_event_source *io;
	sd_event_source *defer;
	sd_event_source *absent;
	char log_dir[PATH_MAX];
	int fd;
	LIST_HEAD(logdirs, logdir) dirs;
	TAILQ_HEAD(logdue, logfile) due;
};

/* ---- which file is next ------------------------------------------------ */

static int
file_is(int fd, const struct logfile_pos *pos)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == pos->dev &&
	       st.st_ino == pos->ino;
}

static void
file_take(struct logfile *f, int fd)
{
	struct stat st;

	if (f->fd >= 0)
		close(f->fd);
	f->fd = fd;
	if (fstat(fd, &st) == -1)
		return;
	if (!file_is(fd, &f->pos))
		f->pos.offset = 0;
	f->pos.dev = st.st_dev;
	f->pos.ino = st.st_ino;
}

/* Is the file at hand not the one that is written any more? */
static int
file_replaced(const struct logfile *f)
{
	int now, same;

	now = logfile_open(f->hub->log_dir, f->dir->app, f->id, 0);
	if (now < 0)
		return 0; /* just being rotated: its creation tells */
	same = file_is(now, &f->pos);
	close(now);
	return !same;
}

/* Opens the one to be read next; 0 if there is none. */
static int
file_next(struct logfile *f)
{
	const char *dir = f->hub->log_dir;
	int now, before, next;

	now = logfile_open(dir, f->dir->app, f->id, 0);
	before = logfile_open(dir, f->dir->app, f->id, 1);

	/* The older one is next if it is our first, or we were overtaken. */
	next = now;
	if (before >= 0 && !(f->fd < 0 && file_is(now, &f->pos)) &&
	    !(f->fd >= 0 && file_is(before, &f->pos)))
		next = before;
	if (next >= 0)
		file_take(f, next);
	if (now >= 0 && now != next)
		close(now);
	if (before >= 0 && before != next)
		close(before);
	return next >= 0;
}

/* ---- reading ----------------------------------------------------------- */

static void
file_due(struct logfile *f)
{
	if (f->queued || f->paused || f->closed)
		return;
	f->queued = 1;
	TAILQ_INSERT_TAIL(&f->hub->due, f, due);
	sd_event_source_set_enabled(f->hub->defer, SD_EVENT_ONESHOT);
}

static void
file_free(struct logfile *f)
{
	if (f->queued)
		TAILQ_REMOVE(&f->hub->due, f, due);
	if (f->fd >= 0)
		close(f->fd);
	free(f);
}

/* Says 1 if all there is has been read. */
static int
file_read(struct logfile *f)
{
	int rc, stopped;

	rc = logfile_lines(
	    f->fd, &f->pos.offset, -1, BUDGET, f->cb, f->arg, &stopped);
	if (rc == 2)
		f->paused = 1;
	else if (rc == 1 && !f->closed)
		file_due(f);
	else if (rc < 0)
		log_warn("log of %016" PRIx64 ": %s", f->id, strerror(-rc));
	return rc == 0 && !f->closed;
}

static void
file_run(struct logfile *f)
{
	int more = f->fd >= 0 || file_next(f);

	f->running = 1;
	while (more && file_read(f) && file_replaced(f)) {
		/* What was written between our look and the rotation. */
		more = file_read(f) && file_next(f);
	}
	f->running = 0;
	if (f->closed)
		file_free(f);
}

static int
hub_run(sd_event_source *source, void *arg)
{
	struct loghub *hub = arg;
	struct logfile *f;
	unsigned n = 0;

	/* Each once: who has more to read is behind the last by now. */
	(void)source;
	TAILQ_FOREACH (f, &hub->due, due)
		n++;
	while (n-- > 0 && (f = TAILQ_FIRST(&hub->due)) != NULL) {
		TAILQ_REMOVE(&hub->due, f, due);
		f->queued = 0;
		file_run(f);
	}
	if (!TAILQ_EMPTY(&hub->due))
		sd_event_source_set_enabled(hub->defer, SD_EVENT_ONESHOT);
	return 0;
}

/* ---- directories ------------------------------------------------------- */

static void
dir_due(struct logdir *dir, uint64_t id)
{
	struct logfile *f;

	LIST_FOREACH(f, &dir->files, entry)
	{
		if (id == 0 || f->id == id)
			file_due(f);
	}
}

static void
absent_later(struct loghub *hub)
{
	sd_event_source_set_time_relative(hub->absent, ABSENT_US);
	sd_event_source_set_enabled(hub->absent, SD_EVENT_ONESHOT);
}

static void
dir_watch(struct loghub *hub, struct logdir *dir)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%016" PRIx64, hub->log_dir, dir->app);
	dir->wd = inotify_add_watch(hub->fd, path, DIR_EVENTS);
	if (dir->wd == -1)
		absent_later(hub);
	else
		dir_due(dir, 0);
}

/* Directories that come with an app's first instance. */
static int
hub_absent(sd_event_source *source, uint64_t now, void *arg)
{
	struct loghub *hub = arg;
	struct logdir *dir;

	(void)source;
	(void)now;
	LIST_FOREACH(dir, &hub->dirs, entry)
	{
		if (dir->wd == -1)
			dir_watch(hub, dir);
	}
	return 0;
}

static void
hub_event(struct loghub *hub, const struct inotify_event *event)
{
	struct logdir *dir;
	char name[17];
	uint64_t id = 0;

	if (event->len > 0) {
		strlcpy(name, event->name, sizeof(name));
		if (key_parse_id(name, &id) == -1)
			return;
	}
	LIST_FOREACH(dir, &hub->dirs, entry)
	{
		if ((event->mask & IN_Q_OVERFLOW) == 0 && dir->wd != event->wd)
			continue;
		if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF)) {
			(void)inotify_rm_watch(hub->fd, dir->wd);
			dir->wd = -1;
			absent_later(hub);
		}
		dir_due(dir, id);
	}
}

static int
hub_io(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	union {
		char bytes[8192];
		struct inotify_event align;
	} buf;
	const struct inotify_event *event;
	ssize_t n, at;

	(void)source;
	(void)events;
	if ((n = read(fd, buf.bytes, sizeof(buf.bytes))) <= 0)
		return 0;
	for (at = 0; at < n; at += (ssize_t)(sizeof(*event) + event->len)) {
		event = (const struct inotify_event *)(const void *)(buf.bytes +
								     at);
		hub_event(arg, event);
	}
	return 0;
}

static struct logdir *
dir_get(struct loghub *hub, uint64_t app)
{
	struct logdir *dir;

	LIST_FOREACH(dir, &hub->dirs, entry)
	{
		if (dir->app == app)
			return dir;
	}
	if ((dir = calloc(1, sizeof(*dir))) == NULL)
		return NULL;
	dir->app = app;
	LIST_INIT(&dir->files);
	LIST_INSERT_HEAD(&hub->dirs, dir, entry);
	dir_watch(hub, dir);
	return dir;
}

static void
dir_release(struct loghub *hub, struct logdir *dir)
{
	if (!LIST_EMPTY(&dir->files))
		return;
	if (dir->wd != -1)
		(void)inotify_rm_watch(hub->fd, dir->wd);
	LIST_REMOVE(dir, entry);
	free(dir);
}

/* ---- for others -------------------------------------------------------- */

struct loghub *
loghub_open(sd_event *event, const char *log_dir, char err[PAAS_ERRLEN])
{
	struct loghub *hub;

	if ((hub = calloc(1, sizeof(*hub))) == NULL) {
		snprintf(err, PAAS_ERRLEN, "out of memory");
		return NULL;
	}
	LIST_INIT(&hub->dirs);
	TAILQ_INIT(&hub->due);
	hub->event = event;
	strlcpy(hub->log_dir, log_dir, sizeof(hub->log_dir));
	hub->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (hub->fd == -1) {
		snprintf(err, PAAS_ERRLEN,
		    "inotify: %s (fs.inotify.max_user_instances may be too "
		    "low)",
		    strerror(errno));
		loghub_close(hub);
		return NULL;
	}
	if (sd_event_add_io(event, &hub->io, hub->fd, EPOLLIN, hub_io, hub) <
		0 ||
	    sd_event_add_defer(event, &hub->defer, hub_run, hub) < 0 ||
	    sd_event_add_time_relative(event, &hub->absent, CLOCK_MONOTONIC, 0,
		1000, hub_absent, hub) < 0) {
		snprintf(err, PAAS_ERRLEN, "event loop: out of memory");
		loghub_close(hub);
		return NULL;
	}
	sd_event_source_set_enabled(hub->defer, SD_EVENT_OFF);
	sd_event_source_set_enabled(hub->absent, SD_EVENT_OFF);
	return hub;
}

void
loghub_close(struct loghub *hub)
{
	struct logdir *dir;
	struct logfile *f;

	if (hub == NULL)
		return;
	while ((dir = LIST_FIRST(&hub->dirs)) != NULL) {
		while ((f = LIST_FIRST(&dir->files)) != NULL) {
			LIST_REMOVE(f, entry);
			file_free(f);
		}
		dir_release(hub, dir);
	}
	sd_event_source_disable_unref(hub->io);
	sd_event_source_disable_unref(hub->defer);
	sd_event_source_disable_unref(hub->absent);
	if (hub->fd != -1)
		close(hub->fd);
	free(hub);
}

struct logfile *
logfile_follow(struct loghub *hub, uint64_t app, uint64_t id,
    const struct logfile_pos *pos, logfile_cb cb, void *arg)
{
	struct logfile *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return NULL;
	f->hub = hub;
	f->id = id;
	f->fd = -1;
	f->cb = cb;
	f->arg = arg;
	if (pos != NULL)
		f->pos = *pos;
	if ((f->dir = dir_get(hub, app)) == NULL) {
		free(f);
		return NULL;
	}
	LIST_INSERT_HEAD(&f->dir->files, f, entry);
	file_due(f);
	return f;
}

void
logfile_resume(struct logfile *f)
{
	f->paused = 0;
	file_due(f);
}

void
logfile_where(const struct logfile *f, const struct logfile_line *line,
    struct logfile_pos *pos)
{
	*pos = f->pos;
	pos->offset = line->end;
}

void
logfile_close(struct logfile *f)
{
	if (f == NULL || f->closed)
		return;
	LIST_REMOVE(f, entry);
	dir_release(f->hub, f->dir);
	f->dir = NULL;
	f->closed = 1;
	if (!f->running)
		file_free(f);
}
