/*
 * The arguments of bwrap.  Its sources are relative to the stage, which is
 * its working directory, but for those of the machine's own.
 */
#include <sys/stat.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher/launcher_child.h"

#define ARGV_MAX 256

struct argv {
	char **at;
	size_t n;
	int failed;
};

/* Links of a machine with a merged /usr. */
static const char *const usr_links[] = {
    "bin", "sbin", "lib", "lib32", "lib64", "libx32"};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
add(struct argv *a, const char *word)
{
	char *copy = strdup(word);

	if (copy == NULL || a->n >= ARGV_MAX - 1) {
		a->failed = 1;
		free(copy);
		return;
	}
	a->at[a->n++] = copy;
}

static void
add3(struct argv *a, const char *one, const char *two, const char *three)
{
	add(a, one);
	add(a, two);
	add(a, three);
}

/* bwrap's own idea of parents is 0700. */
static void
add_dir(struct argv *a, const char *path)
{
	add(a, "--perms");
	add(a, "0755");
	add(a, "--dir");
	add(a, path);
}

static void
add_usr(struct argv *a)
{
	char root[16], usr[16];
	struct stat st;
	size_t i;

	add3(a, "--ro-bind", "/usr", "/usr");
	for (i = 0; i < COUNT(usr_links); i++) {
		snprintf(root, sizeof(root), "/%s", usr_links[i]);
		snprintf(usr, sizeof(usr), "usr/%s", usr_links[i]);
		if (lstat(root, &st) == 0 && S_ISLNK(st.st_mode))
			add3(a, "--symlink", usr, root);
	}
}

static void
add_tmpfs(struct argv *a, const char *at, uint64_t size)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, size);
	add(a, "--perms");
	add(a, "1777");
	add(a, "--size");
	add3(a, text, "--tmpfs", at);
}

static void
add_trees(struct argv *a, uint32_t kind)
{
	add3(a, "--ro-bind", "paas", SANDBOX_LIBEXEC);
	switch (kind) {
	case LAUNCH_APP:
		add3(a, "--bind", "app", "/app");
		break;
	case LAUNCH_BUILD:
		add3(a, "--bind", "app", "/app");
		add3(a, "--bind", "out", "/out");
		add3(a, "--bind", "cache", "/cache");
		add3(a, "--ro-bind", "buildpacks", "/buildpacks");
		break;
	case LAUNCH_INSPECT:
		add3(a, "--ro-bind", "work", "/work");
		add3(a, "--bind", "out", "/out");
		break;
	default:
		add3(a, "--bind", "app", "/app");
		break;
	}
}

/* The machine's /usr, its own few files of /etc, and the slug at /app. */
static void
add_root(struct argv *a, const struct start *s)
{
	add_usr(a);
	add3(a, "--ro-bind", "etc", "/etc");
	add3(a, "--proc", "/proc", "--dev");
	add(a, "/dev");
	add_tmpfs(a, "/dev/shm", s->req->tmp);
	add_tmpfs(a, "/tmp", s->req->tmp);
	add_dir(a, "/run");
	add_dir(a, "/var");
	add3(a, "--symlink", "../tmp", "/var/tmp");
	add3(a, "--symlink", "../run", "/var/run");
	add_trees(a, s->req->kind);
	add3(a, "--remount-ro", "/", "--remount-ro");
	add(a, "/dev");
}

/* The slug is all there is; root_check has seen what is mounted upon. */
static void
add_image(struct argv *a, const struct start *s)
{
	static const char *const own[] = {"hosts", "hostname", "resolv.conf"};
	char from[64], to[64], uid[12];
	size_t i;

	snprintf(uid, sizeof(uid), "%" PRIu32, s->req->root_uid);
	add3(a, "--uid", uid, "--gid");
	add(a, uid);
	add3(a, "--bind", "app", "/");
	for (i = 0; i < COUNT(own); i++) {
		snprintf(from, sizeof(from), "etc/%s", own[i]);
		snprintf(to, sizeof(to), "/etc/%s", own[i]);
		add3(a, "--ro-bind", from, to);
	}
	add3(a, "--proc", "/proc", "--dev");
	add(a, "/dev");
	add_tmpfs(a, "/dev/shm", s->req->tmp);
	add_tmpfs(a, "/tmp", s->req->tmp);
	add3(a, "--ro-bind", "paas", SANDBOX_LIBEXEC);
	add(a, "--remount-ro");
	add(a, "/dev");
}

static void
add_init(struct argv *a, uint32_t kind)
{
	char args[12], control[12], filter[12];

	snprintf(args, sizeof(args), "%d", SANDBOX_FD_ARGS);
	snprintf(control, sizeof(control), "%d", SANDBOX_FD_CONTROL);
	snprintf(filter, sizeof(filter), "%d", SANDBOX_FD_FILTER);
	add3(a, "--chdir", "/", "--seccomp");
	add3(a, filter, "--", SANDBOX_LIBEXEC "/paas-init");
	/* What was pushed, or an archive; all else has /dev/null. */
	add3(a, args, control,
	    kind == LAUNCH_BUILD || kind == LAUNCH_UNPACK ? "stdin" : "null");
}

char **
sandbox_argv(const struct start *s)
{
	static const char *const isolation[] = {"bwrap", "--unshare-user",
	    "--disable-userns", "--unshare-pid", "--unshare-ipc",
	    "--unshare-uts", "--unshare-cgroup-try", "--as-pid-1",
	    "--die-with-parent", "--new-session", "--hostname"};
	struct argv a = {0};
	char name[ID_TEXT];
	size_t i;

	if ((a.at = calloc(ARGV_MAX, sizeof(*a.at))) == NULL)
		return NULL;
	for (i = 0; i < COUNT(isolation); i++)
		add(&a, isolation[i]);
	id_format(name, s->req->id);
	add(&a, name);
	if (s->req->root_uid != 0)
		add_image(&a, s);
	else
		add_root(&a, s);
	add_init(&a, s->req->kind);
	return a.failed ? NULL : a.at;
}
