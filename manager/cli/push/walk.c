/*
 * One level of the tree is one list of names: memory grows with the largest
 * folders on the way down, not with the tree.  Names are opened relative to
 * their folder and never through a symlink.
 */
#include <bsd/err.h>
#include <bsd/string.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/push/ignore.h"
#include "cli/push/walk.h"

#define WALK_DEPTH_MAX   256
#define WALK_RULES_BYTES (1024 * 1024)

struct level {
	int fd;
	char **names;
	size_t n, at;
	size_t pathlen; /* of walk->path, the folder itself */
	size_t mark;    /* rules before it */
};

struct walk {
	struct level levels[WALK_DEPTH_MAX];
	size_t depth;
	char top[PATH_MAX];    /* from the git work tree to the folder, or "" */
	char path[PATH_MAX];   /* from the folder to the entry */
	char target[PATH_MAX]; /* of a symlink */
	struct stat st;
	int fd; /* of the entry */
	struct ignore *git;
	struct ignore *slug; /* .slugignore of the folder itself */
	int whole;
};

static int
walk_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All names of a folder but "." and "..", sorted; -1 with errno. */
static int
walk_list(struct level *level)
{
	struct dirent *entry;
	int fd = dup(level->fd);
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;

	if (dir == NULL)
		return -1;
	while ((errno = 0, entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if ((level->n & (level->n + 1)) == 0) {
			level->names = reallocarray(level->names,
			    2 * (level->n + 1), sizeof(*level->names));
			if (level->names == NULL)
				err(1, NULL);
		}
		level->names[level->n] = strdup(entry->d_name);
		if (level->names[level->n++] == NULL)
			err(1, NULL);
	}
	closedir(dir);
	if (errno != 0)
		return -1;
	if (level->n > 0)
		qsort(level->names, level->n, sizeof(*level->names),
		    walk_compare);
	return 0;
}

/* Adds a file's rules, if it is there and a regular one. */
static void
walk_rules(struct ignore *ignore, int dirfd, const char *name, const char *base)
{
	struct stat st;
	ssize_t n;
	size_t len = 0;
	char *text;
	int fd;

	fd =
	    openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (text = malloc(WALK_RULES_BYTES)) == NULL) {
		close(fd);
		return;
	}
	while (len < WALK_RULES_BYTES &&
	       (n = read(fd, text + len, WALK_RULES_BYTES - len)) > 0)
		len += (size_t)n;
	ignore_push(ignore, base, text, len);
	free(text);
	close(fd);
}

/* From the top of the git work tree: what rules are matched against. */
static const char *
walk_git_path(const struct walk *w, char *buf, size_t len)
{
	snprintf(buf, len, "%s%s%s", w->top,
	    w->top[0] != '\0' && w->path[0] != '\0' ? "/" : "", w->path);
	return buf;
}

static int
walk_enter(struct walk *w, int fd, char why[PAAS_ERRLEN])
{
	struct level *level = &w->levels[w->depth];
	char base[2 * PATH_MAX];

	if (w->depth == WALK_DEPTH_MAX) {
		snprintf(why, PAAS_ERRLEN,
		    "%.300s: folders are nested deeper "
		    "than %d",
		    w->path, WALK_DEPTH_MAX);
		close(fd);
		return -1;
	}
	w->depth++;
	memset(level, 0, sizeof(*level));
	level->fd = fd;
	level->pathlen = strlen(w->path);
	level->mark = ignore_mark(w->git);
	if (walk_list(level) == -1) {
		snprintf(why, PAAS_ERRLEN, "cannot read the folder %.300s: %s",
		    w->path[0] != '\0' ? w->path : ".", strerror(errno));
		return -1;
	}
	if (!w->whole)
		walk_rules(w->git, fd, ".gitignore",
		    walk_git_path(w, base, sizeof(base)));
	return 0;
}

static void
walk_leave(struct walk *w)
{
	struct level *level = &w->levels[--w->depth];
	size_t i;

	for (i = 0; i < level->n; i++)
		free(level->names[i]);
	free(level->names);
	close(level->fd);
	ignore_pop(w->git, level->mark);
}

/* Finds the work tree that folder is part of; its own rules come first. */
static void
walk_find_git(struct walk *w, const char *folder)
{
	char real[PATH_MAX], dir[PATH_MAX], git[PATH_MAX], *p;
	int fd;

	if (realpath(folder, real) == NULL)
		return;
	strlcpy(dir, real, sizeof(dir));
	for (;;) {
		if (strlcpy(git, dir, sizeof(git)) < sizeof(git) &&
		    strlcat(git, "/.git", sizeof(git)) < sizeof(git) &&
		    access(git, F_OK) == 0)
			break;
		if ((p = strrchr(dir, '/')) == NULL || p == dir)
			return;
		*p = '\0';
	}
	p = real + strlen(dir);
	strlcpy(w->top, *p == '/' ? p + 1 : p, sizeof(w->top));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return;
	walk_rules(w->git, fd, ".git/info/exclude", "");
	/* those of the parents; the folder's own comes with walk_enter */
	for (p = w->top; *p != '\0'; p += strcspn(p, "/"), p += *p == '/') {
		char base[PATH_MAX], file[PATH_MAX + 16];

		strlcpy(base, w->top, sizeof(base));
		base[p > w->top ? p - w->top - 1 : 0] = '\0';
		snprintf(file, sizeof(file), "%s%s.gitignore", base,
		    base[0] != '\0' ? "/" : "");
		walk_rules(w->git, fd, file, base);
	}
	close(fd);
}

struct walk *
walk_open(const char *folder, int flags, char why[PAAS_ERRLEN])
{
	struct walk *w = calloc(1, sizeof(*w));
	int fd;

	if (w == NULL)
		err(1, NULL);
	w->fd = -1;
	w->git = ignore_new();
	w->slug = ignore_new();
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1) {
		snprintf(why, PAAS_ERRLEN, "cannot push %.300s: %s", folder,
		    strerror(errno));
		walk_close(w);
		return NULL;
	}
	w->whole = (flags & WALK_WHOLE) != 0;
	if (!w->whole) {
		walk_find_git(w, folder);
		walk_rules(w->slug, fd, ".slugignore", "");
	}
	if (walk_enter(w, fd, why) == -1) {
		walk_close(w);
		return NULL;
	}
	return w;
}

void
walk_close(struct walk *w)
{
	while (w->depth > 0)
		walk_leave(w);
	if (w->fd != -1)
		close(w->fd);
	ignore_free(w->git);
	ignore_free(w->slug);
	free(w);
}

static int
walk_is_ignored(const struct walk *w, const char *name, int is_dir)
{
	char path[2 * PATH_MAX];

	if (w->whole)
		return 0;
	if (strcmp(name, ".git") == 0)
		return 1;
	return ignore_check(w->slug, w->path, is_dir) == IGNORE_EXCLUDE ||
	       ignore_check(w->git, walk_git_path(w, path, sizeof(path)),
		   is_dir) == IGNORE_EXCLUDE;
}

static int
walk_fail(const struct walk *w, const char *what, char why[PAAS_ERRLEN])
{
	snprintf(why, PAAS_ERRLEN, "cannot %s %.300s: %s", what, w->path,
	    strerror(errno));
	return -1;
}

/* Opens what the entry needs: 1, or -1 with a sentence. */
static int
walk_take(struct walk *w, struct walk_entry *e, int dirfd, const char *name,
    int open_files, char why[PAAS_ERRLEN])
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	ssize_t n;
	int fd;

	memset(e, 0, sizeof(*e));
	e->path = w->path;
	e->st = &w->st;
	e->fd = -1;
	if (S_ISDIR(w->st.st_mode)) {
		fd = openat(dirfd, name, flags | O_DIRECTORY);
		if (fd == -1)
			return walk_fail(w, "open the folder", why);
		return walk_enter(w, fd, why) == -1 ? -1 : 1;
	}
	if (S_ISLNK(w->st.st_mode)) {
		n = readlinkat(dirfd, name, w->target, sizeof(w->target) - 1);
		if (n == -1)
			return walk_fail(w, "read the link", why);
		w->target[n] = '\0';
		e->target = w->target;
		return 1;
	}
	if (!S_ISREG(w->st.st_mode)) {
		e->skipped = 1;
		return 1;
	}
	if (!open_files)
		return 1;
	w->fd = openat(dirfd, name, flags);
	if (w->fd == -1 || fstat(w->fd, &w->st) == -1)
		return walk_fail(w, "read", why);
	e->fd = w->fd;
	e->skipped = !S_ISREG(w->st.st_mode);
	return 1;
}

int
walk_next(
    struct walk *w, struct walk_entry *e, int open_files, char why[PAAS_ERRLEN])
{
	struct level *level;
	const char *name;

	if (w->fd != -1)
		close(w->fd);
	w->fd = -1;
	while (w->depth > 0) {
		level = &w->levels[w->depth - 1];
		w->path[level->pathlen] = '\0';
		if (level->at == level->n) {
			walk_leave(w);
			continue;
		}
		name = level->names[level->at++];
		if (level->pathlen > 0)
			strlcat(w->path, "/", sizeof(w->path));
		if (strlcat(w->path, name, sizeof(w->path)) >=
		    sizeof(w->path)) {
			errno = ENAMETOOLONG;
			return walk_fail(w, "push", why);
		}
		if (fstatat(level->fd, name, &w->st, AT_SYMLINK_NOFOLLOW) ==
		    -1) {
			if (errno == ENOENT) /* gone since it was listed */
				continue;
			return walk_fail(w, "look at", why);
		}
		if (!walk_is_ignored(w, name, S_ISDIR(w->st.st_mode)))
			return walk_take(
			    w, e, level->fd, name, open_files, why);
	}
	return 0;
}
