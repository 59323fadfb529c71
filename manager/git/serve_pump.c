#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "git/serve.h"

#define PUMP_BLOCK (64 * 1024)

/*
 * A pack that is too large ends git in the middle of it.  So much more is
 * read, and thrown away, for the sender to come to the answer.
 */
#define PUMP_DRAIN (64 * 1024 * 1024)

/* In a child that shares nothing with us but descriptors. */
static void
pump_exec(const char *program, char *const *environment, int input)
{
	char *const argv[] = {(char *)(uintptr_t)program, NULL};

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)signal(SIGPIPE, SIG_DFL);
	if (dup2(input, STDIN_FILENO) != -1)
		(void)execve(program, argv, environment);
	log_err("%s: %s", program, strerror(errno));
	_exit(127);
}

static void
pump_drain(void)
{
	char buf[PUMP_BLOCK];
	size_t left = PUMP_DRAIN;
	ssize_t n;

	while (left > 0) {
		n = read(
		    STDIN_FILENO, buf, left < sizeof(buf) ? left : sizeof(buf));
		if (n == 0 || (n == -1 && errno != EINTR))
			return;
		left -= n > 0 ? (size_t)n : 0;
	}
}

/* Pipe to pipe: the kernel moves pages, nothing is copied. */
static void
pump_input(int to)
{
	ssize_t n;

	for (;;) {
		n = splice(STDIN_FILENO, NULL, to, NULL, PUMP_BLOCK,
		    SPLICE_F_MOVE | SPLICE_F_MORE);
		if (n > 0 || (n == -1 && errno == EINTR))
			continue;
		if (n == -1 && errno == EPIPE)
			pump_drain();
		else if (n == -1)
			log_err("input: %s", strerror(errno));
		return;
	}
}

int
serve_pump(const char *program, char *const *environment)
{
	int fd[2], status = 0;
	pid_t pid;

	(void)signal(SIGPIPE, SIG_IGN);
	if (pipe2(fd, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		log_err("%s: %s", program, strerror(errno));
		return 126;
	}
	if (pid == 0)
		pump_exec(program, environment, fd[0]);
	(void)close(fd[0]);
	pump_input(fd[1]);
	(void)close(fd[1]);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
