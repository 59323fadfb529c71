/*
 * paas-init ARGS CONTROL null|stdin
 *
 * pid 1 of a sandbox.  It starts the app, reaps what the app leaves behind,
 * passes signals on to all processes and tells the shim exactly how the app
 * ended.  ARGS is the sealed memfd, CONTROL the socket to the shim.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/init_args.h"
#include "launcher/shim.h"

static _Noreturn void
init_fail(const char *what, const char *why, int status)
{
	dprintf(STDERR_FILENO, "paas: %s%s%s\n", what, *why ? ": " : "", why);
	_exit(status);
}

static void
signals_unblock(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void
app_run(const struct init_args *args, int null_stdin)
{
	int fd;

	(void)setsid();
	if (null_stdin) {
		/* The sandbox's own; the machine's is never let in. */
		fd = open("/dev/null", O_RDONLY);
		if (fd == -1 || dup2(fd, STDIN_FILENO) == -1)
			init_fail("/dev/null", strerror(errno), 126);
		close(fd);
	}
	if (chdir(args->cwd) == -1)
		init_fail(args->cwd, strerror(errno), 126);
	signals_unblock();
	environ = args->envp;
	execvpe(args->argv[0], args->argv, args->envp);
	init_fail(args->argv[0], strerror(errno), errno == ENOENT ? 127 : 126);
}

/*
 * Signals go to everybody but us: pid 1 is not among those that kill(-1)
 * means.  The end of the stream is the shim's, and the sandbox ends with us.
 * bwrap's --die-with-parent does not do that: the kernel asks whether the
 * dying parent may signal its child, and the shim is of another uid.
 */
static void
control_read(int control)
{
	struct shim_message m;
	ssize_t n;

	while ((n = recv(control, &m, sizeof(m), MSG_DONTWAIT)) > 0) {
		if (n == (ssize_t)sizeof(m) && m.type == SHIM_SIGNAL &&
		    m.value > 0 && m.value < NSIG)
			(void)kill(-1, m.value);
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		_exit(128 + SIGKILL);
}

static _Noreturn void
init_end(int control, const siginfo_t *si)
{
	struct shim_message m = {SHIM_EXIT, si->si_code, si->si_status};

	(void)send(control, &m, sizeof(m), MSG_NOSIGNAL);
	_exit(si->si_code == CLD_EXITED ? si->si_status : 128 + si->si_status);
}

static void
children_reap(int control, pid_t app)
{
	siginfo_t si;

	for (;;) {
		si.si_pid = 0;
		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG) == -1 ||
		    si.si_pid == 0)
			return;
		if (si.si_pid == app)
			init_end(control, &si);
	}
}

static void
init_loop(int control, int signals, pid_t app)
{
	struct signalfd_siginfo si;
	struct pollfd p[] = {{.fd = control, .events = POLLIN},
	    {.fd = signals, .events = POLLIN}};

	for (;;) {
		if (poll(p, 2, -1) == -1)
			continue;
		if (p[0].revents != 0)
			control_read(control);
		if (p[1].revents != 0)
			while (read(signals, &si, sizeof(si)) > 0)
				;
		children_reap(control, app);
	}
}

int
main(int argc, char **argv)
{
	struct init_args args;
	const char *wrong;
	int control, fd, signals;
	sigset_t set;
	pid_t app;

	/* The app has our uid: it must not read or trace us. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (argc != 4 || getpid() != 1)
		init_fail("paas-init is pid 1 of a sandbox", "", 2);
	fd = atoi(argv[1]);
	control = atoi(argv[2]);
	(void)syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
	if ((wrong = init_args_read(&args, fd)) != NULL)
		init_fail(wrong, "", 2);
	close(fd);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals == -1 || (app = fork()) == -1)
		init_fail("cannot start", strerror(errno), 2);
	if (app == 0)
		app_run(&args, strcmp(argv[3], "null") == 0);
	init_loop(control, signals, app);
	return 0;
}
