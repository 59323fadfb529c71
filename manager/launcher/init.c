/*
 * paas-init ARGS CONTROL null|stdin
 *
 * pid 1 of a sandbox.  It starts the app, and commands beside it for clients
 * that the shim hands in; it reaps what they leave behind, passes signals on
 * to all processes and tells the shim exactly how the app ended.  ARGS is the
 * sealed memfd, CONTROL the socket to the shim.
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
#include "launcher/init_session.h"
#include "launcher/shim.h"

#define SESSIONS_MAX 16
#define WAIT_MS      60000 /* for a client, where there has to be one */

struct init {
	struct init_args args;
	int control;
	int signals;
	pid_t app;   /* or the session that it runs in; 0: not yet */
	int waiting; /* for its client */
	pid_t sessions[SESSIONS_MAX]; /* of ps:exec; 0 is a free place */
};

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

static _Noreturn void
init_end(int control, int code, int status)
{
	struct shim_message m = {SHIM_EXIT, code, status};

	(void)send(control, &m, sizeof(m), MSG_NOSIGNAL);
	_exit(code == CLD_EXITED ? status : 128 + status);
}

/* Of an app that has to have a client, the first one. */
static void
init_attach(struct init *in, int stream)
{
	if (!in->waiting) {
		session_refuse(stream, "somebody else is attached");
		return;
	}
	if ((in->app = session_start(stream, &in->args, 0)) == -1)
		init_end(in->control, CLD_EXITED, 126);
	in->waiting = 0;
}

static void
init_exec(struct init *in, int stream, int memfd)
{
	struct init_args args;
	size_t i;

	for (i = 0; i < SESSIONS_MAX && in->sessions[i] != 0; i++)
		;
	if (i == SESSIONS_MAX) {
		session_refuse(stream, "too many are attached already");
		return;
	}
	if (init_args_read(&args, memfd) != NULL) {
		session_refuse(stream, "the arguments are damaged");
		return;
	}
	in->sessions[i] = session_start(stream, &args, 1);
	if (in->sessions[i] == -1) {
		in->sessions[i] = 0;
		session_refuse(stream, "the limit of processes is reached");
	}
	init_args_free(&args);
}

/* Signals go to everybody but us: pid 1 is not among those of kill(-1). */
static void
message_take(
    struct init *in, const struct shim_message *m, const int *fds, size_t n)
{
	switch (m->type) {
	case SHIM_SIGNAL:
		if (m->value <= 0 || m->value >= NSIG)
			break;
		(void)kill(-1, m->value);
		if (in->waiting && (m->value == SIGTERM || m->value == SIGINT))
			init_end(in->control, CLD_KILLED, m->value);
		break;
	case SHIM_ATTACH:
		if (n == 1)
			init_attach(in, fds[0]);
		break;
	case SHIM_EXEC:
		if (n == 2)
			init_exec(in, fds[0], fds[1]);
		break;
	default:
		break;
	}
}

/*
 * The end of the stream is the shim's, and the sandbox ends with us.  bwrap's
 * --die-with-parent does not do that: the kernel asks whether the dying
 * parent may signal its child, and the shim is of another uid.
 */
static void
control_read(struct init *in)
{
	struct shim_message m;
	int fds[SHIM_FDS_MAX];
	ssize_t got;
	size_t n;

	while ((got = shim_message_read(in->control, &m, fds, &n)) > 0) {
		message_take(in, &m, fds, n);
		shim_fds_close(fds, n);
	}
	if (got == 0 || (errno != EAGAIN && errno != EINTR))
		_exit(128 + SIGKILL);
}

static void
children_reap(struct init *in)
{
	siginfo_t si;
	size_t i;

	for (;;) {
		si.si_pid = 0;
		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG) == -1 ||
		    si.si_pid == 0)
			return;
		if (si.si_pid == in->app)
			init_end(in->control, si.si_code, si.si_status);
		for (i = 0; i < SESSIONS_MAX; i++)
			if (in->sessions[i] == si.si_pid)
				in->sessions[i] = 0;
	}
}

static void
init_loop(struct init *in)
{
	struct signalfd_siginfo si;
	struct pollfd p[] = {{.fd = in->control, .events = POLLIN},
	    {.fd = in->signals, .events = POLLIN}};
	int r;

	for (;;) {
		r = poll(p, 2, in->waiting ? WAIT_MS : -1);
		if (r == 0 && in->waiting) {
			dprintf(STDERR_FILENO,
			    "paas: nobody attached within %d s\n",
			    WAIT_MS / 1000);
			init_end(in->control, CLD_EXITED, 126);
		}
		if (r == -1)
			continue;
		if (p[0].revents != 0)
			control_read(in);
		if (p[1].revents != 0)
			while (read(in->signals, &si, sizeof(si)) > 0)
				;
		children_reap(in);
	}
}

static void
app_start(struct init *in, int null_stdin)
{
	in->waiting = (in->args.flags & LAUNCH_ARGS_ATTACH) != 0;
	if (in->waiting)
		return;
	if ((in->app = fork()) == -1)
		init_fail("cannot start", strerror(errno), 2);
	if (in->app == 0)
		app_run(&in->args, null_stdin);
}

int
main(int argc, char **argv)
{
	static struct init in;
	const char *wrong;
	sigset_t set;
	int fd;

	/* The app has our uid: it must not read or trace us. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (argc != 4 || getpid() != 1)
		init_fail("paas-init is pid 1 of a sandbox", "", 2);
	fd = atoi(argv[1]);
	in.control = atoi(argv[2]);
	(void)syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
	if ((wrong = init_args_read(&in.args, fd)) != NULL)
		init_fail(wrong, "", 2);
	close(fd);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	in.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (in.signals == -1)
		init_fail("cannot start", strerror(errno), 2);
	app_start(&in, strcmp(argv[3], "null") == 0);
	init_loop(&in);
	return 0;
}
