/*
 * Runs the programs of a buildpack: an argument list, a chosen environment
 * and an empty input, never a shell of our own making.  What they say goes
 * through here, so that it can be counted.
 */
#include "sandbox/build.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES  16384
#define DRAIN_READS 64 /* as much as a pipe may be made to hold */

enum run_pipe {
	RUN_SAID, /* stderr, and stdout unless it is kept */
	RUN_KEPT,
	RUN_EXIT, /* the pidfd */
	RUN_FDS
};

struct running {
	struct guard *guard;
	const struct run *run;
	pid_t pid;
	struct pollfd fds[RUN_FDS];
	time_t end; /* 0: none */
};

static void __attribute__((noreturn))
run_child(const struct run *run, int said, int kept)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct rlimit limit = {run->file_max, run->file_max};

	/* So that what it leaves behind can be ended with it. */
	(void)setpgid(0, 0);
	if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(kept != -1 ? kept : said, STDOUT_FILENO) == -1 ||
	    dup2(said, STDERR_FILENO) == -1 || chdir(run->cwd) == -1)
		_exit(126);
	if (run->file_max != 0)
		(void)setrlimit(RLIMIT_FSIZE, &limit);
	execve(run->argv[0], run->argv, run->envp);
	dprintf(
	    STDERR_FILENO, " !     %s: %s\n", run->argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void
output_keep(struct run_output *output, size_t max, const char *text, size_t len)
{
	if (len > max - output->len)
		len = max - output->len;
	memcpy(output->text + output->len, text, len);
	output->len += len;
	output->text[output->len] = '\0';
}

/* What there is, once.  1: it may have more; 0: not now; -1 with err. */
static int
pipe_read(struct running *r, enum run_pipe which, char err[SANDBOX_ERRLEN])
{
	char block[READ_BYTES];
	ssize_t n;

	if (r->fds[which].fd == -1)
		return 0;
	n = read(r->fds[which].fd, block, sizeof(block));
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0) {
		close(r->fds[which].fd);
		r->fds[which].fd = -1;
		return 0;
	}
	if (which == RUN_KEPT)
		output_keep(r->run->output, r->run->max, block, (size_t)n);
	else if (guard_say(r->guard, block, (size_t)n, err) == -1)
		return -1;
	return 1;
}

/* What it said before it ended; a process it left there may go on for ever. */
static int
pipe_drain(struct running *r, char err[SANDBOX_ERRLEN])
{
	int i, result = 1;

	for (i = 0; i < DRAIN_READS && result == 1; i++)
		result = pipe_read(r, RUN_SAID, err);
	if (result == -1)
		return -1;
	for (i = 0; i < DRAIN_READS && pipe_read(r, RUN_KEPT, err) == 1; i++)
		;
	return 0;
}

static time_t
now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* 0: it has ended; 1: its time is over; -1 with err. */
static int
run_watch(struct running *r, char err[SANDBOX_ERRLEN])
{
	int n, wait;

	for (;;) {
		wait = guard_wait(r->guard);
		n = poll(r->fds, RUN_FDS, wait);
		if (n == -1 && errno != EINTR) {
			snprintf(
			    err, SANDBOX_ERRLEN, "poll: %s.", strerror(errno));
			return -1;
		}
		if (guard_wait(r->guard) == 0 &&
		    guard_look(r->guard, err) == -1)
			return -1;
		if (r->end != 0 && now_seconds() >= r->end)
			return 1;
		if (n <= 0)
			continue;
		if (r->fds[RUN_EXIT].revents != 0)
			return pipe_drain(r, err);
		if ((r->fds[RUN_SAID].revents != 0 &&
			pipe_read(r, RUN_SAID, err) == -1) ||
		    (r->fds[RUN_KEPT].revents != 0 &&
			pipe_read(r, RUN_KEPT, err) == -1))
			return -1;
	}
}

static int
run_wait(struct running *r, char err[SANDBOX_ERRLEN])
{
	int result, status;

	result = run_watch(r, err);
	if (result != 0)
		(void)kill(-r->pid, SIGKILL);
	while (waitpid(r->pid, &status, 0) == -1)
		if (errno != EINTR) {
			snprintf(err, SANDBOX_ERRLEN, "%s got lost: %s.",
			    r->run->argv[0], strerror(errno));
			return -1;
		}
	if (result == -1)
		return -1;
	if (result == 1)
		return RUN_TIMEOUT;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Both ends are closed on exec; ours does not block. */
static int
pipe_make(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) == -1)
		return -1;
	return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

static void
fd_close(int fd)
{
	if (fd != -1)
		close(fd);
}

static int
run_start(struct running *r, char err[SANDBOX_ERRLEN])
{
	int said[2] = {-1, -1}, kept[2] = {-1, -1};

	r->pid = -1;
	fflush(stdout);
	if (pipe_make(said) == 0 &&
	    (r->run->output == NULL || pipe_make(kept) == 0))
		r->pid = fork();
	if (r->pid == 0)
		run_child(r->run, said[1], kept[1]);
	fd_close(said[1]);
	fd_close(kept[1]);
	r->fds[RUN_SAID] = (struct pollfd){said[0], POLLIN, 0};
	r->fds[RUN_KEPT] = (struct pollfd){kept[0], POLLIN, 0};
	if (r->pid != -1) {
		(void)setpgid(r->pid, r->pid);
		r->fds[RUN_EXIT].fd = (int)syscall(SYS_pidfd_open, r->pid, 0);
		r->fds[RUN_EXIT].events = POLLIN;
		if (r->fds[RUN_EXIT].fd != -1)
			return 0;
		(void)kill(r->pid, SIGKILL);
		(void)waitpid(r->pid, NULL, 0);
	}
	snprintf(err, SANDBOX_ERRLEN,
	    "%s can't be started: %s. The build may be out of memory or "
	    "processes.",
	    r->run->argv[0], strerror(errno));
	return -1;
}

int
run_program(
    struct guard *guard, const struct run *run, char err[SANDBOX_ERRLEN])
{
	struct running r = {.guard = guard, .run = run};
	int i, status = -1;

	for (i = 0; i < RUN_FDS; i++)
		r.fds[i].fd = -1;
	if (run->output != NULL) {
		run->output->len = 0;
		if ((run->output->text = calloc(1, run->max + 1)) == NULL)
			abort();
	}
	if (run->seconds != 0)
		r.end = now_seconds() + (time_t)run->seconds;
	if (run_start(&r, err) == 0)
		status = run_wait(&r, err);
	for (i = 0; i < RUN_FDS; i++)
		fd_close(r.fds[i].fd);
	if (status == -1 && run->output != NULL) {
		free(run->output->text);
		run->output->text = NULL;
	}
	return status;
}
