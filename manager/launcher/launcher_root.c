/*
 * The instance's mount namespace, made by root before bwrap.  Everything that
 * bwrap binds is put together on one tmpfs, the stage; it goes away with the
 * namespace, whoever died before.
 *
 *   app/ paas/ buildpacks/ cache/ out/    what the sandbox sees there
 *   etc/                                   its own files of /etc
 *   lower/ upper/ work/                    of the overlay at app/
 */
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/launcher_child.h"

/*
 * A detached copy of the mount at fd, which takes fd's place.  Before the new
 * namespace: afterwards what was opened before is of another one.
 */
static int
tree_detach(int *fd)
{
	int tree;

	if (*fd == -1)
		return 0;
	tree = open_tree(
	    *fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (tree == -1)
		return -errno;
	close(*fd);
	*fd = tree;
	return 0;
}

static int
tree_detach_path(int *fd, const char *path)
{
	*fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *fd == -1 ? -errno : tree_detach(fd);
}

/* The stage, charged to the instance's memory: we are in its cgroup. */
static int
stage_make(const struct start *s)
{
	char options[96], path[300];

	if (unshare(CLONE_NEWNS) == -1)
		return -errno;
	/* Slave: what the operator unmounts is not kept busy by us. */
	if (mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) == -1)
		return -errno;
	/* run_dir and stage are root's, and run_dir is sticky. */
	snprintf(path, sizeof(path), "%s/stage", s->l->conf.run_dir);
	snprintf(
	    options, sizeof(options), "mode=755,size=%" PRIu64, s->req->tmp);
	if (mount("paas", path, "tmpfs", MS_NOSUID | MS_NODEV, options) == -1 ||
	    chdir(path) == -1)
		return -errno;
	return 0;
}

static int
map_write(pid_t pid, const char *file, uid_t on_disk, uid_t seen)
{
	char path[48], text[48];
	int error = 0, fd, n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	n = snprintf(text, sizeof(text), "%u %u 1", on_disk, seen);
	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) == -1)
		return -errno;
	if (write(fd, text, (size_t)n) != n)
		error = -errno;
	close(fd);
	return error;
}

/*
 * A user namespace that maps paas-slug to the instance, as mount_setattr
 * takes it; no process stays in it.
 */
static int
idmap_open(const struct start *s)
{
	char path[48];
	pid_t pid;
	int error, fd = -1;

	pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	if (pid == -1)
		return -errno;
	if (pid == 0) {
		for (;;)
			pause();
	}
	if ((error = map_write(pid, "uid_map", s->l->slug.uid, s->uid)) == 0)
		error = map_write(pid, "gid_map", s->l->slug.gid, s->uid);
	if (error == 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
		if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
			error = -errno;
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
	return error != 0 ? error : fd;
}

/* A detached tree at `to` (made), idmapped if userns is not -1. */
static int
tree_attach(int tree, const char *to, int userns, int readonly)
{
	struct mount_attr attr = {
	    .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			(readonly ? MOUNT_ATTR_RDONLY : 0),
	};

	if (userns != -1) {
		attr.attr_set |= MOUNT_ATTR_IDMAP;
		attr.userns_fd = (uint64_t)userns;
	}
	if (mkdir(to, 0755) == -1 ||
	    mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == -1 ||
	    move_mount(tree, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH) == -1)
		return -errno;
	return 0;
}

/* The slug, writable as far as the instance can tell. */
static int
overlay_make(const struct start *s, int userns)
{
	int error;

	if ((error = tree_attach(s->app, "lower", userns, 1)) != 0)
		return error;
	if (mkdir("upper", 0755) == -1 || mkdir("work", 0700) == -1 ||
	    mkdir("app", 0755) == -1 || chown("upper", s->uid, s->uid) == -1)
		return -errno;
	if (mount("paas", "app", "overlay", MS_NOSUID | MS_NODEV,
		"lowerdir=lower,upperdir=upper,workdir=work") == -1)
		return -errno;
	return 0;
}

/*
 * Where something is mounted in a root that somebody else has made, there
 * must be what it is mounted on, reached over no link: bwrap follows them, and
 * makes what is missing, while it still sees the machine's files.
 */
static int
root_check(void)
{
	static const struct {
		const char *path;
		mode_t type;
	} needed[] = {
	    {"proc", S_IFDIR},
	    {"dev", S_IFDIR},
	    {"tmp", S_IFDIR},
	    {"etc", S_IFDIR},
	    {"etc/hosts", S_IFREG},
	    {"etc/hostname", S_IFREG},
	    {"etc/resolv.conf", S_IFREG},
	    {&SANDBOX_LIBEXEC[1], S_IFDIR},
	};
	struct stat st;
	int dir, error = 0, fd;

	if ((dir = open("app", O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -errno;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]) && error == 0;
	     i++) {
		fd = place_beneath(dir, needed[i].path, O_PATH | O_NOFOLLOW);
		if (fd < 0) {
			error = fd;
			break;
		}
		if (fstat(fd, &st) == -1)
			error = -errno;
		else if ((st.st_mode & S_IFMT) != needed[i].type)
			error = -ENOTDIR;
		close(fd);
	}
	close(dir);
	return error;
}

static int
trees_detach(struct start *s)
{
	const struct conf *conf = &s->l->conf;
	int error;

	if ((error = tree_detach(&s->app)) != 0 ||
	    (error = tree_detach(&s->out)) != 0 ||
	    (error = tree_detach(&s->cache)) != 0 ||
	    (error = tree_detach_path(&s->libexec, conf->libexec_dir)) != 0)
		return error;
	return s->req->kind == LAUNCH_BUILD
		   ? tree_detach_path(&s->packs, conf->buildpack_dir)
		   : 0;
}

static int
trees_attach(const struct start *s, int userns)
{
	int error;

	switch (s->req->kind) {
	case LAUNCH_APP:
		error = overlay_make(s, userns);
		if (error == 0 && s->req->root_uid != 0)
			error = root_check();
		break;
	case LAUNCH_BUILD:
		if ((error = tree_attach(s->app, "app", userns, 0)) == 0 &&
		    (error = tree_attach(s->out, "out", userns, 0)) == 0 &&
		    (error = tree_attach(s->cache, "cache", userns, 0)) == 0)
			error = tree_attach(s->packs, "buildpacks", -1, 1);
		break;
	case LAUNCH_INSPECT:
		if ((error = tree_attach(s->app, "work", userns, 1)) == 0)
			error = tree_attach(s->out, "out", userns, 0);
		break;
	default:
		error = tree_attach(s->app, "app", userns, 0);
		break;
	}
	return error == 0 ? tree_attach(s->libexec, "paas", -1, 1) : error;
}

int
root_enter(struct start *s)
{
	int error, userns;

	umask(022);
	if ((error = trees_detach(s)) != 0 || (error = stage_make(s)) != 0)
		return error;
	if ((userns = idmap_open(s)) < 0)
		return userns;
	if ((error = trees_attach(s, userns)) == 0)
		error = etc_make(s);
	close(userns);
	return error;
}
