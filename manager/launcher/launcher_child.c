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

static int
sandbox_cgroup(void *arg)
{
	const struct start *s = arg;
	char sub[32];

	snprintf(sub, sizeof(sub), "inst/%016" PRIx64, s->req->id);
	return cgroup_enter(&s->l->cgroups, sub);
}

static int
sandbox_network(void *arg)
{
	const struct start *s = arg;

	return net_enter(
	    &s->l->conf, kind_networked(s->req->kind) ? s->req->slot : 0);
}

static int
sandbox_ports(void *arg)
{
	const struct start *s = arg;

	return s->req->root_uid != 0 ? net_ports_open() : 0;
}

static int
sandbox_root(void *arg)
{
	return root_enter(arg);
}

static int
sandbox_arguments(void *arg)
{
	struct start *s = arg;

	return (s->argv = sandbox_argv(s)) == NULL ? -ENOMEM : 0;
}

/* Before the limit on descriptors is that of the instance. */
static int
sandbox_descriptors(void *arg)
{
	struct start *s = arg;
	const int fds[] = {s->stdin_fd, s->stdout_pipe[1], s->stderr_pipe[1],
	    s->args, s->control[1], s->filter, s->report[1]};
	int error;

	signals_reset();
	if ((error = fds_place(fds, 7)) != 0)
		return error;
	s->report[1] = 6;
	(void)fcntl(6, F_SETFD, FD_CLOEXEC);
	return 0;
}

static int
sandbox_limits(void *arg)
{
	limits_set(arg);
	return 0;
}

static int
sandbox_user(void *arg)
{
	const struct start *s = arg;

	return user_drop(s->uid, s->uid);
}

static int
sandbox_go(void *arg)
{
	const struct start *s = arg;

	go_wait(s);
	if (getppid() != s->shim)
		_exit(1);
	return 0;
}

/*
 * An empty environment: LD_PRELOAD with a file of the app's would run its code
 * in bwrap, outside of the sandbox.
 */
static int
sandbox_execute(void *arg)
{
	const struct start *s = arg;
	char *const nothing[] = {NULL};

	execve(BWRAP, s->argv, nothing);
	return -errno;
}

static const struct step sandbox_rows[] = {
    {"cgroup", sandbox_cgroup, NULL, LAUNCH_STEP_CGROUP},
    {"network", sandbox_network, NULL, LAUNCH_STEP_NETWORK},
    {"ports", sandbox_ports, NULL, LAUNCH_STEP_NETWORK},
    {"root", sandbox_root, NULL, LAUNCH_STEP_ROOT},
    {"arguments", sandbox_arguments, NULL, LAUNCH_STEP_ROOT},
    {"descriptors", sandbox_descriptors, NULL, LAUNCH_STEP_EXEC},
    {"limits", sandbox_limits, NULL, LAUNCH_STEP_EXEC},
    {"user", sandbox_user, NULL, LAUNCH_STEP_EXEC},
    {"go", sandbox_go, NULL, LAUNCH_STEP_EXEC},
    {"execute", sandbox_execute, NULL, LAUNCH_STEP_EXEC},
};
STEPS(sandbox);

/* The steps of a child, of which the last one is to execute. */
static _Noreturn void
child_run(struct start *s, const struct steps *steps)
{
	size_t done;
	int error;

	error = steps_run(steps, s, &done);
	fail(s, done < steps->n ? steps->at[done].said : LAUNCH_STEP_EXEC,
	    error);
}

static int
shim_cgroup(void *arg)
{
	const struct start *s = arg;

	return cgroup_enter(&s->l->cgroups, "shims");
}

static int
shim_fork(void *arg)
{
	struct start *s = arg;
	struct clone_args args = {
	    .flags = s->cgroup == -1 ? 0 : CLONE_INTO_CGROUP,
	    .exit_signal = SIGCHLD,
	    .cgroup = s->cgroup == -1 ? 0 : (uint64_t)s->cgroup,
	};

	s->shim = getpid();
	s->sandbox = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (s->sandbox == 0)
		child_run(s, &sandbox_steps);
	return s->sandbox == -1 ? -errno : 0;
}

/* It outlives whoever reads our standard error. */
static int
shim_null(void *arg)
{
	struct start *s = arg;

	signals_reset();
	s->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	return s->null == -1 || chdir("/") == -1 ? -errno : 0;
}

static int
shim_user(void *arg)
{
	const struct start *s = arg;

	return user_drop(s->l->log.uid, s->l->log.gid);
}

static int
shim_descriptors(void *arg)
{
	const struct start *s = arg;
	const int fds[] = {s->null, s->null, s->null, s->logs,
	    s->l->at[AT_EXIT], s->stdout_pipe[0], s->stderr_pipe[0],
	    s->control[0], s->oom, s->attach, s->oom_event};

	return fds_place(fds, 11);
}

static int
shim_execute(void *arg)
{
	const struct start *s = arg;
	char id[ID_TEXT], max[24], rate[24], pid[16], path[300];
	char *const argv[] = {
	    "paas-shim", id, (char *)s->l->boot_id, max, rate, pid, NULL};
	char *const nothing[] = {NULL};

	id_format(id, s->req->id);
	snprintf(max, sizeof(max), "%" PRIu64, s->req->log_max);
	snprintf(rate, sizeof(rate), "%" PRIu32, s->req->log_rate);
	snprintf(pid, sizeof(pid), "%d", (int)s->sandbox);
	snprintf(path, sizeof(path), "%s/paas-shim", s->l->conf.libexec_dir);
	execve(path, argv, nothing);
	return -errno;
}

static const struct step shim_rows[] = {
    {"cgroup", shim_cgroup, NULL, LAUNCH_STEP_CGROUP},
    {"fork", shim_fork, NULL, LAUNCH_STEP_EXEC},
    {"null", shim_null, NULL, LAUNCH_STEP_EXEC},
    {"user", shim_user, NULL, LAUNCH_STEP_EXEC},
    {"descriptors", shim_descriptors, NULL, LAUNCH_STEP_EXEC},
    {"execute", shim_execute, NULL, LAUNCH_STEP_EXEC},
};
STEPS(shim);

void
child_shim(struct start *s)
{
	close(s->report[0]);
	s->report[0] = -1;
	(void)setsid();
	child_run(s, &shim_steps);
}
