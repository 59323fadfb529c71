/*
 * Runs the programs of a buildpack: an argument list, a chosen environment
 * and an empty input, never a shell of our own making.
 */
#include "sandbox/build.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void __attribute__((noreturn))
run_child(char *const *argv, char *const *envp, const char *cwd, int out)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null == -1 || dup2(null, STDIN_FILENO) == -1)
		_exit(126);
	if (out != -1 && dup2(out, STDOUT_FILENO) == -1)
		_exit(126);
	if (chdir(cwd) == -1)
		_exit(126);
	execve(argv[0], argv, envp);
	dprintf(STDERR_FILENO, " !     %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Reads all, keeps max bytes: a child must not block on a full pipe. */
static void
run_collect(int fd, struct run_output *output, size_t max)
{
	char block[4096];
	size_t keep;
	ssize_t n;

	output->text = malloc(max + 1);
	if (output->text == NULL)
		abort();
	output->len = 0;
	while ((n = read(fd, block, sizeof(block))) != 0) {
		if (n == -1) {
			if (errno == EINTR)
				continue;
			break;
		}
		keep = (size_t)n;
		if (keep > max - output->len)
			keep = max - output->len;
		memcpy(output->text + output->len, block, keep);
		output->len += keep;
	}
	output->text[output->len] = '\0';
}

int
run_program(char *const *argv, char *const *envp, const char *cwd,
    struct run_output *output, size_t max, char err[SANDBOX_ERRLEN])
{
	int ends[2] = {-1, -1}, status;
	pid_t pid;

	if (output != NULL && pipe2(ends, O_CLOEXEC) == -1) {
		snprintf(err, SANDBOX_ERRLEN, "No pipe for %s: %s.", argv[0],
		    strerror(errno));
		return -1;
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		run_child(argv, envp, cwd, ends[1]);
	if (output != NULL) {
		close(ends[1]);
		if (pid != -1)
			run_collect(ends[0], output, max);
		close(ends[0]);
	}
	if (pid == -1) {
		snprintf(err, SANDBOX_ERRLEN,
		    "%s can't be started: %s. The build may be out of memory "
		    "or processes.",
		    argv[0], strerror(errno));
		return -1;
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR) {
			snprintf(err, SANDBOX_ERRLEN, "%s got lost: %s.",
			    argv[0], strerror(errno));
			return -1;
		}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
