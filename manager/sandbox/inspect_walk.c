/*
 * Walks a tree by descriptors, following no link, the names of a folder in
 * order of their bytes.
 */
#include "sandbox/inspect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct walk {
	tree_visit *visit;
	void *arg;
	const struct tree_limits *limits;
	struct tree_stats *stats;
	char path[PATH_MAX]; /* of the entry in hand */
	size_t len;
	unsigned depth;
	char *err;
};

struct names {
	size_t n, room;
	char **v;
};

int
tree_wrong(char err[SANDBOX_ERRLEN], const char *path, const char *what)
{
	char name[160];

	snprintf(err, SANDBOX_ERRLEN, "The built app has \"%s\", %s.",
	    text_escape(name, sizeof(name), path), what);
	return -1;
}

int
tree_wrong_errno(char err[SANDBOX_ERRLEN], const char *path)
{
	char what[120];

	snprintf(
	    what, sizeof(what), "which can't be read: %s", strerror(errno));
	return tree_wrong(err, path, what);
}

static int
wrong(struct walk *w, const char *what)
{
	return tree_wrong(w->err, w->path, what);
}

static int
wrong_errno(struct walk *w)
{
	return tree_wrong_errno(w->err, w->path);
}

static int
too_many(struct walk *w)
{
	snprintf(w->err, SANDBOX_ERRLEN,
	    "The built app has more than %llu files and folders: have its "
	    "build remove what running it does not need.",
	    (unsigned long long)w->limits->entries);
	return -1;
}

static int
count(struct walk *w, uint64_t bytes)
{
	if (++w->stats->entries > w->limits->entries)
		return too_many(w);
	if (bytes > w->limits->bytes - w->stats->bytes) {
		snprintf(w->err, SANDBOX_ERRLEN,
		    "The built app is larger than %llu MiB: have its build "
		    "remove what running it does not need.",
		    (unsigned long long)(w->limits->bytes / (1024 * 1024)));
		return -1;
	}
	w->stats->bytes += bytes;
	return 0;
}

static int
visit(struct walk *w, char kind, const struct stat *st, uint64_t size, int fd,
    const char *target)
{
	struct tree_entry entry = {.kind = kind,
	    .path = w->path,
	    .target = target,
	    .mode = kind == 'l' ? 0777 : st->st_mode & 0755,
	    .size = size,
	    .mtime = st->st_mtime,
	    .fd = fd};

	return w->visit(w->arg, &entry, w->err);
}

static int
add_file(struct walk *w, int dir, const char *name, const struct stat *st)
{
	int fd, result;

	if (count(w, (uint64_t)st->st_size) == -1)
		return -1;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return wrong_errno(w);
	result = visit(w, 'f', st, (uint64_t)st->st_size, fd, NULL);
	close(fd);
	return result;
}

static int
add_link(struct walk *w, int dir, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n;

	n = readlinkat(dir, name, target, sizeof(target) - 1);
	if (n == -1)
		return wrong_errno(w);
	target[n] = '\0';
	if (count(w, 0) == -1)
		return -1;
	return visit(w, 'l', st, (uint64_t)n, -1, target);
}

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of one folder; bounded, since all entries are. */
static int
list_names(struct walk *w, DIR *d, struct names *names)
{
	struct dirent *entry;

	for (;;) {
		errno = 0;
		if ((entry = readdir(d)) == NULL)
			break;
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (names->n + w->stats->entries >= w->limits->entries)
			return too_many(w);
		if (names->n == names->room) {
			names->room = names->room == 0 ? 32 : names->room * 2;
			names->v = reallocarray(
			    names->v, names->room, sizeof(*names->v));
		}
		if (names->v == NULL ||
		    (names->v[names->n] = strdup(entry->d_name)) == NULL)
			abort();
		names->n++;
	}
	if (errno != 0)
		return wrong_errno(w);
	if (names->n > 1)
		qsort(names->v, names->n, sizeof(*names->v), by_bytes);
	return 0;
}

static int walk_folder(struct walk *, int fd);

static int
add_folder(struct walk *w, int dir, const char *name, const struct stat *st)
{
	int fd, result;

	if (count(w, 0) == -1)
		return -1;
	if (visit(w, 'd', st, 0, -1, NULL) == -1)
		return -1;
	if (w->depth == TREE_DEPTH_MAX)
		return wrong(w, "which lies too many folders deep");
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return wrong_errno(w);
	w->depth++;
	result = walk_folder(w, fd);
	w->depth--;
	return result;
}

static int
add_entry(struct walk *w, int dir, const char *name)
{
	struct stat st;
	size_t before = w->len, len = strlen(name);
	int result;

	if (before + 1 + len + 1 > sizeof(w->path))
		return wrong(w, "in which a path is too long");
	if (before > 0)
		w->path[w->len++] = '/';
	memcpy(w->path + w->len, name, len + 1);
	w->len += len;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		result = wrong_errno(w);
	else if (S_ISREG(st.st_mode))
		result = add_file(w, dir, name, &st);
	else if (S_ISDIR(st.st_mode))
		result = add_folder(w, dir, name, &st);
	else if (S_ISLNK(st.st_mode))
		result = add_link(w, dir, name, &st);
	else
		result = wrong(w, "which is no file, folder or link: have "
				  "its build remove it");
	w->len = before;
	w->path[before] = '\0';
	return result;
}

/* Takes fd over. */
static int
walk_folder(struct walk *w, int fd)
{
	struct names names = {0};
	DIR *d = fdopendir(fd);
	int result;

	if (d == NULL) {
		close(fd);
		return wrong_errno(w);
	}
	result = list_names(w, d, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (result == 0)
			result = add_entry(w, fd, names.v[i]);
		free(names.v[i]);
	}
	free(names.v);
	closedir(d);
	return result;
}

int
tree_walk(int dirfd, const struct tree_limits *limits, struct tree_stats *stats,
    tree_visit *visitor, void *arg, char err[SANDBOX_ERRLEN])
{
	struct walk *w = calloc(1, sizeof(*w));
	int fd, result = -1;

	if (w == NULL)
		abort();
	memset(stats, 0, sizeof(*stats));
	w->limits = limits;
	w->stats = stats;
	w->visit = visitor;
	w->arg = arg;
	w->err = err;
	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		wrong_errno(w);
	else
		result = walk_folder(w, fd);
	free(w);
	return result;
}
