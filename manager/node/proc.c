#include <sys/syscall.h>
#include <sys/wait.h>

#include <bsd/stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/places.h"
#include "node/proc.h"

struct proc {
	sd_event_source *io;
	int fd;
	uint64_t id;
	const char *run_dir;
	proc_cb cb;
	void *arg;
};

/* All of a small file, as text.  Length, or a negative errno. */
static ssize_t
file_slurp(const char *path, char *buf, size_t size)
{
	ssize_t n;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) == -1)
		return -errno;
	n = read(fd, buf, size - 1);
	if (n == -1)
		n = -errno;
	close(fd);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

int
proc_starttime(pid_t pid, uint64_t *starttime)
{
	char path[64], buf[1024], *at, *end;
	ssize_t n;
	int field;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((n = file_slurp(path, buf, sizeof(buf))) < 0)
		return n == -ENOENT ? -ESRCH : (int)n;

	/* The name in field 2 may hold spaces and parentheses: the last. */
	if ((at = strrchr(buf, ')')) == NULL)
		return -EBADMSG;
	for (field = 2; field < 22; field++) {
		if ((at = strchr(at, ' ')) == NULL)
			return -EBADMSG;
		at++;
	}
	errno = 0;
	*starttime = strtoull(at, &end, 10);
	if (end == at || errno != 0)
		return -EBADMSG;
	return 0;
}

static int
proc_ended(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct proc *p = arg;
	struct proc_exit exit_record;

	(void)source;
	(void)fd;
	(void)events;
	/* There may be no other descriptor left to read its last word by. */
	p->io = sd_event_source_disable_unref(p->io);
	close(p->fd);
	p->fd = -1;
	(void)proc_exit_read(p->run_dir, p->id, &exit_record);
	p->cb(&exit_record, p->arg);
	return 0;
}

static int
pidfd_of(pid_t pid, uint64_t starttime)
{
	uint64_t now;
	int error, fd;

	if (pid <= 0)
		return -ESRCH;
	if ((fd = (int)syscall(SYS_pidfd_open, pid, 0)) == -1)
		return -errno;

	/* Only now: the pid cannot change hands behind an open pidfd. */
	if ((error = proc_starttime(pid, &now)) == 0 && now != starttime)
		error = -ESRCH;
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

int
proc_watch(struct proc **out, sd_event *event, const char *run_dir, uint64_t id,
    pid_t pid, uint64_t starttime, proc_cb cb, void *arg)
{
	struct proc *p;
	int fd, r;

	if ((fd = pidfd_of(pid, starttime)) < 0)
		return fd;
	if ((p = calloc(1, sizeof(*p))) == NULL) {
		close(fd);
		return -ENOMEM;
	}
	p->fd = fd;
	p->id = id;
	p->run_dir = run_dir;
	p->cb = cb;
	p->arg = arg;

	/* Not sd_event_add_child_pidfd: waitid fails for a stranger. */
	r = sd_event_add_io(event, &p->io, fd, EPOLLIN, proc_ended, p);
	if (r >= 0)
		r = sd_event_source_set_priority(
		    p->io, SD_EVENT_PRIORITY_IMPORTANT);
	if (r < 0) {
		proc_unwatch(p);
		return r;
	}
	*out = p;
	return 0;
}

void
proc_unwatch(struct proc *p)
{
	if (p == NULL)
		return;
	sd_event_source_disable_unref(p->io);
	if (p->fd != -1)
		close(p->fd);
	free(p);
}

static const char *
after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* The value of " name=", moving *at behind it; -1 if it is no number. */
static int
number_take(const char **at, const char *name, uint64_t max, uint64_t *value)
{
	const char *text;
	char *end;

	if ((text = after(*at, name)) == NULL || *text < '0' || *text > '9')
		return -1;
	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno != 0 || *value > max)
		return -1;
	*at = end;
	return 0;
}

static int
exit_parse(const char *text, struct proc_exit *out)
{
	static const struct {
		const char *name;
		int how;
	} hows[] = {
	    {" how=exited", CLD_EXITED},
	    {" how=killed", CLD_KILLED},
	    {" how=dumped", CLD_DUMPED},
	};
	const char *at = NULL;
	uint64_t status, oom, time;
	size_t i;

	for (i = 0; i < sizeof(hows) / sizeof(hows[0]) && at == NULL; i++) {
		if ((at = after(text, hows[i].name)) != NULL)
			out->how = hows[i].how;
	}
	if (at == NULL || number_take(&at, " status=", 255, &status) == -1 ||
	    number_take(&at, " oom=", 1, &oom) == -1 ||
	    number_take(&at, " dropped=", UINT64_MAX, &out->dropped) == -1 ||
	    number_take(&at, " time=", INT64_MAX, &time) == -1 ||
	    strcmp(at, "\n") != 0)
		return -EBADMSG;
	out->status = (int)status;
	out->oom = (int)oom;
	out->time = (int64_t)time;
	return 0;
}

int
proc_exit_read(const char *run_dir, uint64_t id, struct proc_exit *out)
{
	char path[PATH_MAX], boot[64], buf[256];
	const char *rest;
	ssize_t n;
	int error;

	memset(out, 0, sizeof(*out));
	snprintf(
	    path, sizeof(path), "%s/" PLACE_EXIT "/%016" PRIx64, run_dir, id);
	if ((n = file_slurp(path, buf, sizeof(buf))) < 0)
		return (int)n;
	if (strlen(buf) != (size_t)n)
		return -EBADMSG;
	n = file_slurp("/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
	if (n < 0)
		return (int)n;
	boot[strcspn(boot, "\n")] = '\0';
	if ((rest = after(buf, boot)) == NULL)
		return -ENOENT;
	if ((error = exit_parse(rest, out)) != 0)
		memset(out, 0, sizeof(*out));
	return error;
}

void
proc_exit_text(
    const struct proc_exit *e, uint64_t memory, char *buf, size_t len)
{
	const char *name;

	if (e->how == 0) {
		snprintf(buf, len, "its supervisor was killed");
	} else if (e->oom) {
		snprintf(buf, len, "out of memory (%" PRIu64 " MiB)",
		    memory / (1024 * 1024));
	} else if (e->how == CLD_EXITED) {
		snprintf(buf, len, "exited with status %d", e->status);
	} else {
		name = sigabbrev_np(e->status);
		snprintf(buf, len, "killed by signal %d%s%s%s%s", e->status,
		    name != NULL ? " (SIG" : "", name != NULL ? name : "",
		    name != NULL ? ")" : "",
		    e->how == CLD_DUMPED ? ", core dumped" : "");
	}
}
