#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launcher/shim.h"

void
shim_exit_guess(struct shim_exit *e, int status)
{
	int code;

	if (WIFSIGNALED(status)) {
		e->code = CLD_KILLED;
		e->status = WTERMSIG(status);
		return;
	}
	/*
	 * bwrap tells a signal as 128 + N.  paas-init never ends so without
	 * having told us before.
	 */
	code = WEXITSTATUS(status);
	e->code = code > 128 ? CLD_KILLED : CLD_EXITED;
	e->status = code > 128 ? code - 128 : code;
}

uint64_t
shim_exit_oom(int fd)
{
	char text[512], *at;
	ssize_t n;

	if ((n = pread(fd, text, sizeof(text) - 1, 0)) <= 0)
		return 0;
	text[n] = '\0';
	/* "oom_kill_disable" stands before it in v1. */
	at = strstr(text, "oom_kill ");
	return at != NULL ? strtoull(at + 9, NULL, 10) : 0;
}

static const char *
how_name(int code)
{
	switch (code) {
	case CLD_KILLED:
		return "killed";
	case CLD_DUMPED:
		return "dumped";
	default:
		return "exited";
	}
}

int
shim_exit_write(
    int dir, const char *id, const char *boot, const struct shim_exit *e)
{
	char text[256], tmp[40];
	struct timespec now;
	int fd, n, ok;

	clock_gettime(CLOCK_BOOTTIME, &now);
	n = snprintf(text, sizeof(text),
	    "%s how=%s status=%d oom=%d dropped=%" PRIu64 " time=%" PRId64 "\n",
	    boot, how_name(e->code), e->status, e->oom, e->dropped,
	    (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	snprintf(tmp, sizeof(tmp), ".%s.tmp", id);
	fd = openat(dir, tmp,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd == -1)
		return -1;
	ok = write(fd, text, (size_t)n) == n;
	close(fd);
	if (ok && renameat(dir, tmp, dir, id) == 0)
		return 0;
	(void)unlinkat(dir, tmp, 0);
	return -1;
}
