/*
 * /etc of a sandbox, put together on the stage: its own few files, and those
 * of the machine's that are allowed.  bwrap then binds all of it at once: a
 * bind of its own for each took more time than all else that it does, as it
 * reads the list of mounts anew after each.
 */
#include <sys/mount.h>
#include <sys/stat.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "launcher/launcher_child.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Of /etc; what may vary by version is a pattern. */
static const char *const etc_allowed[] = {
    "/etc/alternatives",
    "/etc/debian_version",
    "/etc/fonts",
    "/etc/ImageMagick-*",
    "/etc/java-*",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/os-release",
    "/etc/perl",
    "/etc/php",
    "/etc/protocols",
    "/etc/python3*",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
};

static int
file_put(const char *path, const char *text)
{
	size_t len = strlen(text);
	int error = 0, fd;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd == -1)
		return -errno;
	errno = ENOSPC;
	if (write(fd, text, len) != (ssize_t)len)
		error = -errno;
	close(fd);
	return error;
}

static int
own_make(const struct start *s)
{
	struct in_addr in = conf_slot_addr(&s->l->conf, 1);
	char text[512], gateway[INET_ADDRSTRLEN], addr[INET_ADDRSTRLEN];
	int error;

	inet_ntop(AF_INET, &in, gateway, sizeof(gateway));
	in = conf_slot_addr(&s->l->conf, s->req->slot);
	inet_ntop(AF_INET, &in, addr, sizeof(addr));
	if (mkdir("etc", 0755) == -1)
		return -errno;
	snprintf(text, sizeof(text),
	    "root:x:0:0:root:/root:/usr/sbin/nologin\n"
	    "app:x:%u:%u:app:/app:/bin/bash\n"
	    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
	    s->uid, s->uid);
	if ((error = file_put("etc/passwd", text)) != 0)
		return error;
	snprintf(text, sizeof(text), "root:x:0:\napp:x:%u:\nnogroup:x:65534:\n",
	    s->uid);
	if ((error = file_put("etc/group", text)) != 0)
		return error;
	snprintf(text, sizeof(text), "127.0.0.1 localhost\n%s %016" PRIx64 "\n",
	    addr, s->req->id);
	if ((error = file_put("etc/hosts", text)) != 0)
		return error;
	snprintf(text, sizeof(text), "%016" PRIx64 "\n", s->req->id);
	if ((error = file_put("etc/hostname", text)) != 0)
		return error;
	snprintf(text, sizeof(text), "nameserver %s\n", gateway);
	if ((error = file_put("etc/resolv.conf", text)) != 0)
		return error;
	return file_put("etc/nsswitch.conf",
	    "passwd: files\ngroup: files\nhosts: files dns\n"
	    "services: files\nprotocols: files\n");
}

/* The machine's, read only, at the same place below the stage. */
static int
etc_bind(const char *path)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID |
					      MOUNT_ATTR_NODEV |
					      MOUNT_ATTR_RDONLY};
	const char *to = path + 1;
	struct stat st;
	int error = 0, tree;

	tree = open_tree(
	    AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree == -1)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(tree, &st) == -1)
		error = -errno;
	else if (S_ISDIR(st.st_mode))
		error = mkdir(to, 0755) == -1 ? -errno : 0;
	else
		error = file_put(to, "");
	if (error == 0 && (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE,
			       &attr, sizeof(attr)) == -1 ||
			      move_mount(tree, "", AT_FDCWD, to,
				  MOVE_MOUNT_F_EMPTY_PATH) == -1))
		error = -errno;
	close(tree);
	return error;
}

static int
allowed_bind(void)
{
	glob_t found;
	size_t i, j;
	int error = 0;

	if (mkdir("etc/ssl", 0755) == -1)
		return -errno;
	for (i = 0; i < COUNT(etc_allowed) && error == 0; i++) {
		if (glob(etc_allowed[i], 0, NULL, &found) != 0)
			continue;
		for (j = 0; j < found.gl_pathc && error == 0; j++)
			error = etc_bind(found.gl_pathv[j]);
		globfree(&found);
	}
	return error;
}

int
etc_make(const struct start *s)
{
	int error;

	if ((error = own_make(s)) != 0)
		return error;
	/* An image has its own. */
	return s->req->root_uid != 0 ? 0 : allowed_bind();
}
