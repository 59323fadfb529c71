#include "launcher/launcher_cgroup.h"

#include <sys/eventfd.h>
#include <sys/stat.h>

#include <bsd/string.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const v1_trees[CGROUP_TREES] = {
    [CGROUP_V2] = "unified",
    [CGROUP_MEMORY] = "memory",
    [CGROUP_CPU] = "cpu",
    [CGROUP_PIDS] = "pids",
    [CGROUP_FREEZER] = "freezer",
    [CGROUP_SYSTEMD] = "systemd",
};

#define INST_TEXT 24 /* "inst/" and an id */

static void
inst_path(char out[INST_TEXT], uint64_t id)
{
	snprintf(out, INST_TEXT, "inst/%016" PRIx64, id);
}

static int
file_write(int dir, const char *path, const char *text)
{
	ssize_t n;
	int error, fd;

	if ((fd = openat(dir, path, O_WRONLY | O_CLOEXEC)) == -1)
		return -errno;
	n = write(fd, text, strlen(text));
	error = n == -1 ? -errno : 0;
	close(fd);
	return error;
}

/* "%s/%s" below dir, written with a number. */
static int
file_write_number(int dir, const char *in, const char *name, uint64_t value)
{
	char path[96], text[24];

	snprintf(path, sizeof(path), "%s/%s", in, name);
	snprintf(text, sizeof(text), "%" PRIu64, value);
	return file_write(dir, path, text);
}

static ssize_t
file_read(int dir, const char *path, char *buf, size_t size)
{
	ssize_t n;
	int fd;

	if ((fd = openat(dir, path, O_RDONLY | O_CLOEXEC)) == -1)
		return -errno;
	n = read(fd, buf, size - 1);
	if (n == -1)
		n = -errno;
	else
		buf[n] = '\0';
	close(fd);
	return n;
}

static int
make_dir(int dir, const char *path)
{
	return mkdirat(dir, path, 0755) == 0 || errno == EEXIST ? 0 : -errno;
}

/*
 * Processes in the scope itself (what holds a systemd scope open, say) keep
 * v2 from passing controllers on: they move down, beside the shims.
 */
static void
scope_clear(int scope)
{
	char pids[4096], *line, *save = NULL;

	if (file_read(scope, "cgroup.procs", pids, sizeof(pids)) <= 0)
		return;
	for (line = strtok_r(pids, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		(void)file_write(scope, "shims/cgroup.procs", line);
}

/* One controller at a time: whichever is not delegated is left out. */
static void
scope_control(int dir, const char *in)
{
	static const char *const controllers[] = {"+memory", "+cpu", "+pids"};
	char path[64];
	size_t i;

	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", in);
	for (i = 0; i < 3; i++)
		(void)file_write(dir, path, controllers[i]);
}

/* The scope's directory in one tree; -1 if that tree is not there. */
static int
scope_open(struct cgroups *cg, enum cgroup_tree tree, char err[PAAS_ERRLEN])
{
	char top[320], path[400];
	int fd, root;

	snprintf(top, sizeof(top), "%s%s%s", cg->root, cg->pure ? "" : "/",
	    cg->pure ? "" : v1_trees[tree]);
	root = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root == -1)
		return -1;
	snprintf(path, sizeof(path), "%s/%s", top, cg->name);
	if (tree == CGROUP_V2 && cg->pure)
		scope_control(root, ".");
	fd = -1;
	if (make_dir(root, cg->name) == 0)
		fd = openat(root, cg->name,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	close(root);
	if (fd == -1 || make_dir(fd, "shims") != 0 || make_dir(fd, "inst")) {
		snprintf(err, PAAS_ERRLEN, "%s: %s", path, strerror(errno));
		if (fd != -1)
			close(fd);
		return -2;
	}
	if (tree == CGROUP_V2) {
		scope_clear(fd);
		scope_control(fd, ".");
		scope_control(fd, "inst");
	}
	return fd;
}

static int
trees_open(struct cgroups *cg, char err[PAAS_ERRLEN])
{
	size_t i;
	int any = 0;

	for (i = 0; i < CGROUP_TREES; i++) {
		if (cg->pure && i != CGROUP_V2)
			continue;
		if (cg->at[i] != -1)
			close(cg->at[i]);
		if ((cg->at[i] = scope_open(cg, i, err)) == -2) {
			cg->at[i] = -1;
			return -1;
		}
		any |= cg->at[i] != -1;
	}
	if (any)
		return 0;
	snprintf(err, PAAS_ERRLEN, "%s has no cgroup hierarchy that we know",
	    cg->root);
	return -1;
}

int
cgroup_open(struct cgroups *cg, const char *root, const char *name, char err[])
{
	char path[320];
	size_t i;

	strlcpy(cg->root, root, sizeof(cg->root));
	strlcpy(cg->name, name, sizeof(cg->name));
	for (i = 0; i < CGROUP_TREES; i++)
		cg->at[i] = -1;
	snprintf(path, sizeof(path), "%s/cgroup.controllers", root);
	cg->pure = access(path, F_OK) == 0;
	return trees_open(cg, err);
}

void
cgroup_close(struct cgroups *cg)
{
	size_t i;

	for (i = 0; i < CGROUP_TREES; i++) {
		if (cg->at[i] != -1)
			close(cg->at[i]);
		cg->at[i] = -1;
	}
}

/* Time in a period of 100 ms, in microseconds, for a percentage of one CPU. */
#define CPU_PERIOD_US  100000
#define CPU_PERCENT_US (CPU_PERIOD_US / 100)

/* "cpu.max" of v2: the time and the period, or "max". */
static int
quota_v2(int dir, const char *in, uint32_t quota)
{
	char path[96], text[48];

	if (quota == 0)
		return 0;
	snprintf(path, sizeof(path), "%s/cpu.max", in);
	snprintf(text, sizeof(text), "%" PRIu64 " %d",
	    (uint64_t)quota * CPU_PERCENT_US, CPU_PERIOD_US);
	return file_write(dir, path, text);
}

/* -ENOENT: a controller that was not delegated to us. */
static int
limits_v2(int dir, const char *in, const struct launch_start *s)
{
	int error;

	error = file_write_number(dir, in, "memory.max", s->memory);
	if (error == 0 || error == -ENOENT)
		error = file_write_number(dir, in, "pids.max", s->pids);
	if (error == 0 || error == -ENOENT)
		error = file_write_number(dir, in, "cpu.weight", s->cpu_weight);
	if (error == 0 || error == -ENOENT)
		error = quota_v2(dir, in, s->cpu_quota);
	(void)file_write_number(dir, in, "memory.swap.max", s->swap);
	return error == -ENOENT ? 0 : error;
}

static int
limits_v1(int dir, enum cgroup_tree tree, const char *in,
    const struct launch_start *s)
{
	uint64_t shares;
	int error = 0;

	switch (tree) {
	case CGROUP_MEMORY:
		error = file_write_number(
		    dir, in, "memory.limit_in_bytes", s->memory);
		/* Memory and swap together, where swap is accounted. */
		(void)file_write_number(dir, in, "memory.memsw.limit_in_bytes",
		    s->memory + s->swap);
		break;
	case CGROUP_PIDS:
		error = file_write_number(dir, in, "pids.max", s->pids);
		break;
	case CGROUP_CPU:
		/* A weight of 100 is 1024 shares; the least is 2. */
		shares = (uint64_t)s->cpu_weight * 1024 / 100;
		error = file_write_number(
		    dir, in, "cpu.shares", shares < 2 ? 2 : shares);
		/* The period is 100 ms unless somebody says otherwise. */
		if (error == 0 && s->cpu_quota != 0)
			error = file_write_number(dir, in, "cpu.cfs_quota_us",
			    (uint64_t)s->cpu_quota * CPU_PERCENT_US);
		break;
	default:
		break;
	}
	return error;
}

static int
inst_make(struct cgroups *cg, const struct launch_start *s)
{
	char path[INST_TEXT];
	size_t i;
	int error;

	inst_path(path, s->id);
	for (i = 0; i < CGROUP_TREES; i++) {
		if (cg->at[i] == -1)
			continue;
		if (mkdirat(cg->at[i], path, 0755) == -1 && errno != EEXIST)
			return -errno;
		error = i == CGROUP_V2 ? limits_v2(cg->at[i], path, s)
				       : limits_v1(cg->at[i], i, path, s);
		if (error != 0)
			return error;
	}
	return 0;
}

int
cgroup_make(struct cgroups *cg, const struct launch_start *s)
{
	char err[PAAS_ERRLEN];
	int error;

	error = inst_make(cg, s);
	/* The scope itself went away: systemd takes empty ones. */
	if ((error == -ENOENT || error == -ENODEV) && trees_open(cg, err) == 0)
		error = inst_make(cg, s);
	return error;
}

int
cgroup_clone_fd(const struct cgroups *cg, const char *sub)
{
	if (cg->at[CGROUP_V2] == -1)
		return -1;
	return openat(cg->at[CGROUP_V2], sub,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

int
cgroup_enter(const struct cgroups *cg, const char *sub)
{
	char path[64];
	size_t i;
	int error;

	/*
	 * "0" to tasks moves this thread alone and takes no lock that waits
	 * for a grace period, as a write to cgroup.procs would.
	 */
	snprintf(path, sizeof(path), "%s/tasks", sub);
	for (i = CGROUP_MEMORY; i < CGROUP_TREES; i++) {
		if (cg->at[i] == -1)
			continue;
		if ((error = file_write(cg->at[i], path, "0")) != 0)
			return error;
	}
	return 0;
}

/* The tree whose cgroup.procs tells what is in an instance. */
static int
track_tree(const struct cgroups *cg)
{
	size_t i;

	for (i = 0; i < CGROUP_TREES; i++) {
		if (cg->at[i] != -1)
			return cg->at[i];
	}
	return -1;
}

static void
kill_listed(int dir, const char *path)
{
	char procs[64], pids[65536], *line, *save = NULL;
	pid_t pid;

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
	if (file_read(dir, procs, pids, sizeof(pids)) <= 0)
		return;
	for (line = strtok_r(pids, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		pid = (pid_t)strtol(line, NULL, 10);
		if (pid > 1)
			(void)kill(pid, SIGKILL);
	}
}

/*
 * Without cgroup.kill (before Linux 5.14, or v1 alone): frozen, the list of
 * its processes holds still while they are killed, and so no pid of it can
 * have become somebody else's.
 */
static int
kill_frozen(const struct cgroups *cg, const char *path)
{
	static const struct timespec pause = {0, 1000000};
	int freezer = cg->at[CGROUP_FREEZER], track = track_tree(cg), i;
	char state[64], text[16];

	snprintf(state, sizeof(state), "%s/freezer.state", path);
	if (freezer != -1 && file_write(freezer, state, "FROZEN") == 0) {
		track = freezer;
		for (i = 0; i < 200; i++) {
			if (file_read(freezer, state, text, sizeof(text)) <=
				0 ||
			    strncmp(text, "FROZEN", 6) == 0)
				break;
			nanosleep(&pause, NULL);
		}
	}
	kill_listed(track, path);
	if (freezer != -1)
		(void)file_write(freezer, state, "THAWED");
	/* What was forked meanwhile, where nothing could be frozen. */
	kill_listed(track, path);
	return 0;
}

int
cgroup_kill(const struct cgroups *cg, uint64_t id)
{
	char path[INST_TEXT], file[64];

	inst_path(path, id);
	if (cg->at[CGROUP_V2] != -1) {
		snprintf(file, sizeof(file), "%s/cgroup.kill", path);
		if (file_write(cg->at[CGROUP_V2], file, "1") == 0)
			return 0;
	}
	return kill_frozen(cg, path);
}

void
cgroup_kill_shims(const struct cgroups *cg)
{
	if (cg->at[CGROUP_V2] == -1 ||
	    file_write(cg->at[CGROUP_V2], "shims/cgroup.kill", "1") != 0)
		kill_listed(track_tree(cg), "shims");
}

int
cgroup_populated(const struct cgroups *cg, uint64_t id)
{
	char path[INST_TEXT], file[64], text[64];
	size_t i;

	inst_path(path, id);
	snprintf(file, sizeof(file), "%s/cgroup.procs", path);
	for (i = 0; i < CGROUP_TREES; i++) {
		if (cg->at[i] != -1 &&
		    file_read(cg->at[i], file, text, sizeof(text)) > 0)
			return 1;
	}
	return 0;
}

int
cgroup_remove(const struct cgroups *cg, uint64_t id)
{
	char path[INST_TEXT];
	int error = 0;
	size_t i;

	inst_path(path, id);
	for (i = 0; i < CGROUP_TREES; i++) {
		if (cg->at[i] != -1 &&
		    unlinkat(cg->at[i], path, AT_REMOVEDIR) == -1 &&
		    errno != ENOENT)
			error = -errno;
	}
	return error;
}

int
cgroup_oom_fd(const struct cgroups *cg, uint64_t id)
{
	char path[INST_TEXT], file[64];
	int fd = -1;

	inst_path(path, id);
	if (cg->at[CGROUP_MEMORY] != -1) {
		snprintf(file, sizeof(file), "%s/memory.oom_control", path);
		fd = openat(cg->at[CGROUP_MEMORY], file, O_RDONLY | O_CLOEXEC);
	} else if (cg->at[CGROUP_V2] != -1) {
		snprintf(file, sizeof(file), "%s/memory.events", path);
		fd = openat(cg->at[CGROUP_V2], file, O_RDONLY | O_CLOEXEC);
	}
	return fd;
}

int
cgroup_oom_event(const struct cgroups *cg, uint64_t id, int oom)
{
	char path[INST_TEXT], file[64], text[32];
	int fd;

	if (oom == -1 || cg->at[CGROUP_MEMORY] == -1)
		return -1;
	if ((fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1)
		return -1;
	inst_path(path, id);
	snprintf(file, sizeof(file), "%s/cgroup.event_control", path);
	snprintf(text, sizeof(text), "%d %d", fd, oom);
	if (file_write(cg->at[CGROUP_MEMORY], file, text) == 0)
		return fd;
	close(fd);
	return -1;
}

void
cgroup_each(
    const struct cgroups *cg, void (*cb)(uint64_t id, void *arg), void *arg)
{
	struct dirent *e;
	char *end;
	uint64_t id;
	size_t i;
	DIR *dir;
	int fd;

	for (i = 0; i < CGROUP_TREES; i++) {
		if (cg->at[i] == -1 ||
		    (fd = openat(cg->at[i], "inst",
			 O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
			continue;
		if ((dir = fdopendir(fd)) == NULL) {
			close(fd);
			continue;
		}
		while ((e = readdir(dir)) != NULL) {
			id = strtoull(e->d_name, &end, 16);
			if (end == e->d_name + 16 && *end == '\0')
				cb(id, arg);
		}
		closedir(dir);
	}
}

int
cgroup_purge(struct cgroups *cg)
{
	char path[400];
	size_t i;
	int error = 0;

	for (i = 0; i < CGROUP_TREES; i++) {
		if (cg->at[i] == -1)
			continue;
		(void)unlinkat(cg->at[i], "inst", AT_REMOVEDIR);
		(void)unlinkat(cg->at[i], "shims", AT_REMOVEDIR);
		snprintf(path, sizeof(path), "%s%s%s/%s", cg->root,
		    cg->pure ? "" : "/", cg->pure ? "" : v1_trees[i], cg->name);
		if (rmdir(path) == -1 && errno != ENOENT)
			error = -errno;
	}
	return error;
}

const char *
cgroup_describe(const struct cgroups *cg)
{
	if (cg->pure)
		return "v2";
	return cg->at[CGROUP_V2] != -1 ? "v1 limits, tracked by v2" : "v1";
}
