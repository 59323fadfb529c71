#include "launcher/launcher_child.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/launcher_net.h"
#include "launcher/shim.h"

#define BWRAP "/usr/bin/bwrap"

static _Noreturn void
fail(const struct start *s, enum launch_step step, int error)
{
	struct start_report report = {step, -error};

	(void)send(s->report[1], &report, sizeof(report), MSG_NOSIGNAL);
	_exit(1);
}

/*
 * Descriptors 0.. as listed, closed in what is executed where -1; all others
 * go with close-on-exec.
 */
static int
fds_place(const int *from, int n)
{
	int high[16], i;

	for (i = 0; i < n; i++) {
		/* Out of the way of the low numbers first. */
		high[i] =
		    from[i] == -1 ? -1 : fcntl(from[i], F_DUPFD_CLOEXEC, 64);
		if (from[i] != -1 && high[i] == -1)
			return -errno;
	}
	if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) == -1)
		return -errno;
	for (i = 0; i < n; i++) {
		if (high[i] == -1)
			close(i);
		else if (dup2(high[i], i) == -1)
			return -errno;
	}
	return 0;
}

static int
user_drop(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1)
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -errno;
	return 0;
}

static void
signals_reset(void)
{
	sigset_t none;

	/* The one that the launcher does not leave as it is. */
	(void)signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* As much as asked for, where we may raise it so far. */
static void
limit_set(__rlimit_resource_t what, rlim_t value)
{
	struct rlimit limit = {value, value}, now;

	if (setrlimit(what, &limit) == 0 || getrlimit(what, &now) == -1)
		return;
	limit.rlim_cur = limit.rlim_max =
	    value < now.rlim_max ? value : now.rlim_max;
	(void)setrlimit(what, &limit);
}

static void
limits_set(const struct start *s)
{
	static const char adjust[] = "300";
	int fd;

	limit_set(RLIMIT_NOFILE, s->req->files);
	limit_set(RLIMIT_CORE, 0);
	/* When the whole machine is short, apps go before the platform. */
	if ((fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)) !=
	    -1) {
		(void)!write(fd, adjust, sizeof(adjust) - 1);
		close(fd);
	}
}

/* The launcher has written the record; without it nothing runs. */
static void
go_wait(const struct start *s)
{
	struct start_report ready = {LAUNCH_STEP_NONE, 0};
	char go;

	if (send(s->report[1], &ready, sizeof(ready), MSG_NOSIGNAL) == -1 ||
	    recv(s->report[1], &go, 1, 0) != 1)
		_exit(1);
}

static _Noreturn void
sandbox_run(struct start *s, char **argv, pid_t shim)
{
	const int fds[] = {s->stdin_fd, s->stdout_pipe[1], s->stderr_pipe[1],
	    s->args, s->control[1], s->filter, s->report[1]};
	char *const nothing[] = {NULL};
	int error;

	signals_reset();
	/* Before the limit on descriptors is that of the instance. */
	if ((error = fds_place(fds, 7)) != 0)
		fail(s, LAUNCH_STEP_EXEC, error);
	s->report[1] = 6;
	(void)fcntl(6, F_SETFD, FD_CLOEXEC);
	limits_set(s);
	if ((error = user_drop(s->uid, s->uid)) != 0)
		fail(s, LAUNCH_STEP_EXEC, error);
	go_wait(s);
	if (getppid() != shim)
		_exit(1);
	/*
	 * An empty environment: LD_PRELOAD with a file of the app's would run
	 * its code in bwrap, outside of the sandbox.
	 */
	execve(BWRAP, argv, nothing);
	fail(s, LAUNCH_STEP_EXEC, -errno);
}

/* bwrap to be. */
static _Noreturn void
child_sandbox(struct start *s, pid_t shim)
{
	const struct conf *conf = &s->l->conf;
	char sub[32], **argv;
	int error;

	snprintf(sub, sizeof(sub), "inst/%016" PRIx64, s->req->id);
	if ((error = cgroup_enter(&s->l->cgroups, sub)) != 0)
		fail(s, LAUNCH_STEP_CGROUP, error);
	error =
	    net_enter(conf, kind_networked(s->req->kind) ? s->req->slot : 0);
	if (error == 0 && s->req->root_uid != 0)
		error = net_ports_open();
	if (error != 0)
		fail(s, LAUNCH_STEP_NETWORK, error);
	if ((error = root_enter(s)) != 0)
		fail(s, LAUNCH_STEP_ROOT, error);
	if ((argv = sandbox_argv(s)) == NULL)
		fail(s, LAUNCH_STEP_ROOT, -ENOMEM);
	sandbox_run(s, argv, shim);
}

static _Noreturn void
shim_run(const struct start *s, pid_t sandbox)
{
	char id[ID_TEXT], max[24], rate[24], pid[16], path[300];
	char *const argv[] = {
	    "paas-shim", id, (char *)s->l->boot_id, max, rate, pid, NULL};
	char *const nothing[] = {NULL};
	int fds[] = {-1, -1, -1, s->logs, s->l->at[AT_EXIT], s->stdout_pipe[0],
	    s->stderr_pipe[0], s->control[0], s->oom, s->attach};
	int error;

	id_format(id, s->req->id);
	snprintf(max, sizeof(max), "%" PRIu64, s->req->log_max);
	snprintf(rate, sizeof(rate), "%" PRIu32, s->req->log_rate);
	snprintf(pid, sizeof(pid), "%d", (int)sandbox);
	snprintf(path, sizeof(path), "%s/paas-shim", s->l->conf.libexec_dir);
	signals_reset();
	/* It outlives whoever reads our standard error. */
	if ((fds[0] = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		fail(s, LAUNCH_STEP_EXEC, -errno);
	fds[1] = fds[2] = fds[0];
	if (chdir("/") == -1)
		fail(s, LAUNCH_STEP_EXEC, -errno);
	if ((error = user_drop(s->l->log.uid, s->l->log.gid)) != 0 ||
	    (error = fds_place(fds, 10)) != 0)
		fail(s, LAUNCH_STEP_EXEC, error);
	execve(path, argv, nothing);
	fail(s, LAUNCH_STEP_EXEC, -errno);
}

void
child_shim(struct start *s)
{
	struct clone_args args = {
	    .flags = s->cgroup == -1 ? 0 : CLONE_INTO_CGROUP,
	    .exit_signal = SIGCHLD,
	    .cgroup = (uint64_t)s->cgroup,
	};
	pid_t self = getpid(), sandbox;
	int error;

	close(s->report[0]);
	s->report[0] = -1;
	(void)setsid();
	if ((error = cgroup_enter(&s->l->cgroups, "shims")) != 0)
		fail(s, LAUNCH_STEP_CGROUP, error);
	if (s->cgroup == -1)
		args.cgroup = 0;
	sandbox = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (sandbox == -1)
		fail(s, LAUNCH_STEP_EXEC, -errno);
	if (sandbox == 0)
		child_sandbox(s, self);
	shim_run(s, sandbox);
}
