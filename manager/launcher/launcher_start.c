/*
 * A start: its steps in order, each undone when a later one fails.  The
 * children work beside us from the fork on; the instance's first instruction
 * waits for its record.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "launcher/launcher_child.h"
#include "launcher/launcher_net.h"

/*
 * All others wait while the children of a start set up their part: after so
 * long in all it is given up, and so much later its end is not waited for.
 */
#define READY_MS 5000
#define END_MS   1000

struct starting {
	struct start s;
	struct record *record;
	pid_t shim;
	int64_t until; /* when it is given up, CLOCK_MONOTONIC in ms */
	enum launch_step failed; /* as told by a child */
};

static int64_t
monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Has anybody this uid?  The kernel need not look where it has no such user. */
static int
uid_used(uid_t uid)
{
	errno = 0;
	return getpriority(PRIO_USER, uid) != -1 || errno != ESRCH;
}

static int
step_slot(void *arg)
{
	struct starting *st = arg;
	struct launcher *l = st->s.l;

	if (record_find(&l->records, st->s.req->id) != NULL)
		return -EEXIST;
	if (record_of_slot(&l->records, st->s.req->slot) != NULL)
		return -EBUSY;
	return uid_used(st->s.uid) ? -EBUSY : 0;
}

/* Made first: whatever happens from here on, a next start finds it. */
static int
step_cgroup(void *arg)
{
	struct starting *st = arg;
	struct start *s = &st->s;
	char sub[32];
	int error;

	if ((error = cgroup_make(&s->l->cgroups, s->req)) != 0) {
		/* In some of the trees it may be there. */
		(void)instance_uproot(s->l, s->req->id);
		return error;
	}
	snprintf(sub, sizeof(sub), "inst/%016" PRIx64, s->req->id);
	s->cgroup = cgroup_clone_fd(&s->l->cgroups, sub);
	s->oom = cgroup_oom_fd(&s->l->cgroups, s->req->id);
	s->oom_event = cgroup_oom_event(&s->l->cgroups, s->req->id, s->oom);
	return 0;
}

static void
undo_cgroup(void *arg)
{
	struct starting *st = arg;

	(void)instance_uproot(st->s.l, st->s.req->id);
}

/* builds/ID/app, and builds/ID/out unless it is NULL. */
static int
open_made(struct start *s, const char *out)
{
	static const struct owner root;
	struct launcher *l = s->l;
	char name[ID_TEXT];
	int build, error = 0;

	id_format(name, s->req->build);
	build = place_make(l->at[AT_BUILDS], name, root, 0755);
	if (build < 0)
		return build;
	if ((s->app = place_make(build, "app", l->slug, 0755)) < 0)
		error = s->app;
	else if (out != NULL &&
		 (s->out = place_make(build, out, l->slug, 0755)) < 0)
		error = s->out;
	close(build);
	return error;
}

static int
open_build(struct start *s)
{
	struct launcher *l = s->l;
	char name[ID_TEXT];
	int error;

	if ((error = open_made(s, "out")) != 0)
		return error;
	id_format(name, s->req->app);
	s->cache = place_make(l->at[AT_CACHES], name, l->slug, 0755);
	return s->cache < 0 ? s->cache : 0;
}

/* All that the build left, and a place for its archive. */
static int
open_inspect(struct start *s)
{
	struct launcher *l = s->l;
	char name[ID_TEXT];

	id_format(name, s->req->build);
	s->app = place_beneath(l->at[AT_BUILDS], name, O_RDONLY | O_DIRECTORY);
	if (s->app < 0)
		return s->app;
	s->out = place_make(s->app, PACK_DIR, l->slug, 0755);
	return s->out < 0 ? s->out : 0;
}

static int
step_trees(void *arg)
{
	struct starting *st = arg;
	struct start *s = &st->s;
	struct launcher *l = s->l;
	char name[2 * LAUNCH_HASH + 1];

	switch (s->req->kind) {
	case LAUNCH_APP:
		hash_format(name, s->req->slug);
		s->app = place_beneath(
		    l->at[AT_SLUGS], name, O_RDONLY | O_DIRECTORY);
		if (s->app == -ENOENT)
			st->failed = LAUNCH_STEP_SLUG;
		return s->app < 0 ? s->app : 0;
	case LAUNCH_BUILD:
		return open_build(s);
	case LAUNCH_INSPECT:
		return open_inspect(s);
	default:
		return open_made(s, NULL);
	}
}

/* Pipes of the instance's own, so that it can open /dev/stdout. */
static int
pipe_make(int fds[2], uid_t uid)
{
	if (pipe2(fds, O_CLOEXEC) == -1)
		return -errno;
	return fchown(fds[0], uid, uid) == -1 ? -errno : 0;
}

static int
stdin_make(struct starting *st)
{
	struct start *s = &st->s;
	int fds[2];

	if (s->req->kind == LAUNCH_BUILD) {
		s->stdin_fd = place_upload(s->l, s->req->build);
		return s->stdin_fd < 0 ? s->stdin_fd : 0;
	}
	if (s->req->kind == LAUNCH_UNPACK) {
		s->stdin_fd = place_archive(s->l, s->req->slug);
		if (s->stdin_fd == -ENOENT)
			st->failed = LAUNCH_STEP_SLUG;
		return s->stdin_fd < 0 ? s->stdin_fd : 0;
	}
	/* Nobody writes to it: bwrap reads an end of file. */
	if (pipe2(fds, O_CLOEXEC) == -1)
		return -errno;
	close(fds[1]);
	s->stdin_fd = fds[0];
	return 0;
}

static int
step_pipes(void *arg)
{
	struct starting *st = arg;
	struct start *s = &st->s;
	struct owner owner = {s->l->log.uid, s->l->manager.gid};
	char app[ID_TEXT], path[32];
	int error;

	id_format(app, s->req->app);
	s->logs = place_make(s->l->at[AT_LOG], app, owner, 02750);
	if (s->logs < 0)
		return s->logs;
	if (s->req->kind == LAUNCH_APP &&
	    (s->attach = place_listen(s->l, s->req->id)) < 0)
		return s->attach;
	if ((error = stdin_make(st)) != 0 ||
	    (error = pipe_make(s->stdout_pipe, s->uid)) != 0 ||
	    (error = pipe_make(s->stderr_pipe, s->uid)) != 0)
		return error;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s->control) ==
		-1 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s->report) ==
		-1)
		return -errno;
	/* A description of its own: the position is not shared. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", s->l->filter);
	s->filter = open(path, O_RDONLY | O_CLOEXEC);
	return s->filter == -1 ? -errno : 0;
}

static int
step_fork(void *arg)
{
	struct starting *st = arg;
	struct start *s = &st->s;
	struct clone_args args = {.exit_signal = SIGCHLD};
	int shims;

	st->until = monotonic_ms() + READY_MS;
	if ((shims = cgroup_clone_fd(&s->l->cgroups, "shims")) != -1) {
		args.flags = CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)shims;
	}
	st->shim = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (st->shim == 0)
		child_shim(s);
	if (shims != -1)
		close(shims);
	if (st->shim == -1)
		return -errno;
	/* The children's ends: so that their death is seen as an end. */
	close(s->report[1]);
	s->report[1] = -1;
	return 0;
}

static void
undo_fork(void *arg)
{
	static const struct timespec pause = {0, 1000000};
	struct starting *st = arg;
	int i;

	(void)cgroup_kill(&st->s.l->cgroups, st->s.req->id);
	/* Ours, and not reaped yet: this pid is nobody else's. */
	(void)kill(st->shim, SIGKILL);
	/* Should the kernel hold it back, the loop reaps it later. */
	for (i = 0; i < END_MS; i++) {
		if (waitpid(st->shim, NULL, WNOHANG) != 0)
			return;
		nanosleep(&pause, NULL);
	}
}

static int
step_firewall(void *arg)
{
	struct starting *st = arg;
	struct start *s = &st->s;

	if (!kind_networked(s->req->kind))
		return 0;
	net_forward();
	return firewall_add(s->l->firewall, s->req->slot);
}

static void
undo_firewall(void *arg)
{
	struct starting *st = arg;

	if (kind_networked(st->s.req->kind))
		(void)firewall_remove(st->s.l->firewall, st->s.req->slot);
}

/* 1 with a report, 0 at the end of it, or a negative errno. */
static int
report_read(struct starting *st, struct start_report *report)
{
	struct pollfd p = {.fd = st->s.report[0], .events = POLLIN};
	int64_t left;
	ssize_t n;
	int r;

	do {
		left = st->until - monotonic_ms();
		r = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (r == -1 && errno == EINTR);
	if (r == 0)
		return -ETIMEDOUT;
	n = recv(st->s.report[0], report, sizeof(*report), 0);
	if (n == 0)
		return 0;
	if (n != (ssize_t)sizeof(*report))
		return -EIO;
	if (report->step == LAUNCH_STEP_NONE)
		return 1;
	st->failed = report->step;
	return report->error > 0 ? -report->error : -EIO;
}

static int
step_ready(void *arg)
{
	struct starting *st = arg;
	struct start_report report;
	int r;

	r = report_read(st, &report);
	return r == 1 ? 0 : r == 0 ? -ECHILD : r;
}

static int
step_record(void *arg)
{
	struct starting *st = arg;
	const struct launch_start *req = st->s.req;
	struct launcher *l = st->s.l;
	struct record *r;
	int error;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return -ENOMEM;
	r->launch.id = req->id;
	r->launch.app = req->app;
	r->launch.build = req->build;
	r->launch.kind = req->kind;
	r->launch.slot = req->slot;
	r->launch.pid = st->shim;
	memcpy(r->slug, req->slug, sizeof(r->slug));
	memcpy(r->boot, l->boot_id, sizeof(r->boot));
	if ((error = process_starttime(st->shim, &r->launch.starttime)) != 0 ||
	    (error = record_write(l->at[AT_INST], r)) != 0) {
		free(r);
		return error;
	}
	RB_INSERT(records, &l->records, r);
	st->record = r;
	return 0;
}

static int
step_publish(void *arg)
{
	const struct starting *st = arg;

	return record_publish(st->s.l->at[AT_INST], st->s.req->id);
}

static void
undo_record(void *arg)
{
	struct starting *st = arg;
	struct launcher *l = st->s.l;

	RB_REMOVE(records, &l->records, st->record);
	(void)record_remove(l->at[AT_INST], st->record->launch.id);
	free(st->record);
	st->record = NULL;
}

/* Both children have executed when their ends are closed. */
static int
step_go(void *arg)
{
	struct starting *st = arg;
	struct start_report report;
	int r;

	if (send(st->s.report[0], "", 1, MSG_NOSIGNAL) != 1)
		return -errno;
	while ((r = report_read(st, &report)) == 1)
		;
	return r;
}

static const struct step instance_rows[] = {
    {"slot", step_slot, NULL, LAUNCH_STEP_REQUEST},
    {"cgroup", step_cgroup, undo_cgroup, LAUNCH_STEP_CGROUP},
    {"trees", step_trees, NULL, LAUNCH_STEP_ROOT},
    {"pipes", step_pipes, NULL, LAUNCH_STEP_LOG},
    {"fork", step_fork, undo_fork, LAUNCH_STEP_EXEC},
    {"firewall", step_firewall, undo_firewall, LAUNCH_STEP_FIREWALL},
    {"ready", step_ready, NULL, LAUNCH_STEP_EXEC},
    {"record", step_record, undo_record, LAUNCH_STEP_RECORD},
    {"publish", step_publish, NULL, LAUNCH_STEP_RECORD},
    {"go", step_go, NULL, LAUNCH_STEP_EXEC},
};
STEPS(instance);

static void
fd_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void
start_close(struct start *s)
{
	int i;

	fd_close(s->app);
	fd_close(s->out);
	fd_close(s->cache);
	fd_close(s->stdin_fd);
	fd_close(s->logs);
	fd_close(s->attach);
	fd_close(s->oom);
	fd_close(s->oom_event);
	fd_close(s->cgroup);
	fd_close(s->filter);
	for (i = 0; i < 2; i++) {
		fd_close(s->stdout_pipe[i]);
		fd_close(s->stderr_pipe[i]);
		fd_close(s->control[i]);
		fd_close(s->report[i]);
	}
}

static void
start_undo(struct starting *st, size_t done)
{
	steps_undo(&instance_steps, st, done);
	exit_remove(st->s.l, st->s.req->id);
}

int
start_instance(struct launcher *l, const struct launch_start *req, int memfd,
    struct launch_reply *reply)
{
	struct starting st = {
	    .s = {.l = l,
		.req = req,
		.uid = l->conf.uid_base + req->slot,
		.args = memfd,
		.app = -1,
		.out = -1,
		.cache = -1,
		.libexec = -1,
		.packs = -1,
		.stdin_fd = -1,
		.stdout_pipe = {-1, -1},
		.stderr_pipe = {-1, -1},
		.control = {-1, -1},
		.report = {-1, -1},
		.logs = -1,
		.attach = -1,
		.oom = -1,
		.oom_event = -1,
		.cgroup = -1,
		.filter = -1},
	};
	size_t i;
	int error;

	if ((error = steps_run(&instance_steps, &st, &i)) == 0) {
		reply->record = st.record->launch;
		reply->record.state = LAUNCH_RUNNING;
	} else {
		reply->step =
		    st.failed != 0 ? st.failed : instance_rows[i].said;
		/* An instance that is there stays as it is. */
		if (i > 0)
			start_undo(&st, i);
		/* Without a tree it is made, and asked for again. */
		if (reply->step != LAUNCH_STEP_SLUG)
			log_err("instance %016" PRIx64
				" does not start: step %u: %s",
			    req->id, reply->step, strerror(-error));
	}
	start_close(&st.s);
	return error;
}
