#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "git/serve.h"

#define PUMP_BLOCK (64 * 1024)

/*
 * A pack that is too large ends git in the middle of it.  So much more is
 * read, and thrown away, for the sender to come to the answer.
 */
#define PUMP_DRAIN (64 * 1024 * 1024)

/* From SIGTERM to SIGKILL. */
#define PUMP_PATIENCE_MS 5000

/* In a child that shares nothing with us but descriptors. */
static void
pump_exec(const char *const *argv, char *const *environment, int input)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)setpgid(0, 0);
	(void)signal(SIGPIPE, SIG_DFL);
	if (dup2(input, STDIN_FILENO) != -1)
		(void)execve(
		    argv[0], (char *const *)(uintptr_t)argv, environment);
	log_err("%s: %s", argv[0], strerror(errno));
	_exit(127);
}

void
serve_drain(void)
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
			serve_drain();
		else if (n == -1)
			log_err("input: %s", strerror(errno));
		return;
	}
}

/* Those that it has started take away what they have begun. */
static void
pump_end_group(pid_t group)
{
	static const struct timespec moment = {0, 20 * 1000000L};

	for (int i = 0; i < PUMP_PATIENCE_MS / 20; i++) {
		if (kill(-group, 0) == -1)
			return;
		(void)nanosleep(&moment, NULL);
	}
	(void)kill(-group, SIGKILL);
}

/*
 * Waits for its end, or for that of whoever reads what it says.  git does not
 * notice the latter while its hook runs, and neither does fcgiwrap end it.
 */
static int
pump_wait(pid_t pid)
{
	struct pollfd fds[2] = {
	    {.fd = -1, .events = POLLIN}, {.fd = STDOUT_FILENO}};
	int ending = 0, status = 0;

	fds[0].fd = (int)syscall(SYS_pidfd_open, pid, 0);
	while (fds[0].fd != -1) {
		if (poll(fds, 2, ending ? PUMP_PATIENCE_MS : -1) == 0)
			(void)kill(-pid, SIGKILL);
		if ((fds[0].revents & POLLIN) != 0)
			break;
		if ((fds[1].revents & (POLLERR | POLLHUP)) != 0) {
			(void)kill(-pid, SIGTERM);
			fds[1].fd = -1;
			ending = 1;
		}
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (ending)
		pump_end_group(pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/*
 * To who pushes a git that was killed looks like one that has more to say.
 * Band 3 of git's protocol is what ends it.
 */
static void
pump_last_word(void)
{
	static const char text[] = "\3git was ended on the platform: nothing "
				   "has changed, push again\n";
	char packet[sizeof(text) + 4];

	snprintf(packet, sizeof(packet), "%04zx%s", sizeof(text) - 1 + 4, text);
	(void)!write(STDOUT_FILENO, packet, sizeof(packet) - 1);
}

/*
 * By HTTP the input has an end, which nobody else may wait for.  Over SSH it
 * is open as long as the other end is: it is git's alone, and ends with it.
 */
int
serve_pump(
    const struct serve *s, const char *const *argv, char *const *environment)
{
	int fd[2], status;
	pid_t pid;

	(void)signal(SIGPIPE, SIG_IGN);
	if (pipe2(fd, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		log_err("%s: %s", argv[0], strerror(errno));
		return 126;
	}
	if (pid == 0)
		pump_exec(argv, environment, s->ssh ? STDIN_FILENO : fd[0]);
	(void)close(fd[0]);
	if (s->ssh)
		(void)close(STDIN_FILENO);
	else
		pump_input(fd[1]);
	(void)close(fd[1]);
	status = pump_wait(pid);
	if (s->push && s->method[0] != 'G' && status != 0)
		pump_last_word();
	return status;
}
