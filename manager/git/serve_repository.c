/*
 * A bare repository, as gitrepository-layout(5) has it, in a folder that the
 * launcher has made.  It is there once it has a HEAD, which comes last.
 *
 * What git leaves behind when it is killed (locks, the objects of a push that
 * was not accepted yet) would be in the way of the next push, and nobody else
 * may be at work when it is taken away: hence the lock on the folder, which
 * every git holds by inheritance, to its very end.
 */
#include <bsd/string.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/places.h"
#include "git/serve.h"

/* Descriptors that git's children inherit, clear of those they move about. */
#define LOCK_FD_MIN 20

#define NFTW_FILES 16

static int
fail(char *err, const char *what)
{
	snprintf(
	    err, PAAS_ERRLEN, "The repository: %s: %s", what, strerror(errno));
	return -1;
}

/* ---- made ------------------------------------------------------------ */

static int
write_file(int dir, const char *name, const char *text)
{
	char temp[32];
	size_t len = strlen(text);
	int fd, ok;

	snprintf(temp, sizeof(temp), "%s.new", name);
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	ok = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
	if (close(fd) == -1 || !ok)
		return -1;
	return renameat(dir, temp, dir, name);
}

static int
make(int dir, char *err)
{
	static const char *const folders[] = {"objects", "objects/info",
	    "objects/pack", "refs", "refs/heads", "refs/tags"};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdirat(dir, folders[i], 0700) == -1 && errno != EEXIST)
			return fail(err, folders[i]);
	if (write_file(dir, "config",
		"[core]\n\trepositoryformatversion = 0\n\tbare = true\n") == -1)
		return fail(err, "config");
	if (write_file(dir, "HEAD", "ref: refs/heads/main\n") == -1)
		return fail(err, "HEAD");
	return fsync(dir) == 0 ? 0 : fail(err, "fsync");
}

static int
is_made(int dir)
{
	return faccessat(dir, "HEAD", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- cleaned --------------------------------------------------------- */

static int
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len > n && strcmp(text + len - n, end) == 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	(void)remove(path);
	return 0;
}

/* Of a push that was not accepted: objects/tmp_objdir-incoming-XXXXXX. */
static int
is_incoming(const char *name)
{
	return strncmp(name, "tmp_objdir-", 11) == 0 ||
	       strncmp(name, "incoming-", 9) == 0;
}

/* What git writes before it is renamed, and what says that a pack is new. */
static int
is_stale(const char *name)
{
	return strncmp(name, "tmp_", 4) == 0 ||
	       strncmp(name, ".tmp-", 5) == 0 || ends_with(name, ".keep") ||
	       ends_with(name, ".lock");
}

static int
is_lock(const char *name)
{
	return ends_with(name, ".lock");
}

static const struct {
	const char *folder;
	int (*is_left)(const char *name);
} cleaned[] = {
    {"", is_lock},
    {"/refs/heads", is_lock},
    {"/refs/tags", is_lock},
    {"/objects", is_incoming},
    {"/objects/pack", is_stale},
    {"/objects/info", is_lock},
};

static void
clean_folder(const char *folder, int (*is_left)(const char *))
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	if ((dir = opendir(folder)) == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
		if (is_left(entry->d_name) &&
		    (size_t)snprintf(path, sizeof(path), "%s/%s", folder,
			entry->d_name) < sizeof(path))
			(void)nftw(
			    path, remove_one, NFTW_FILES, FTW_DEPTH | FTW_PHYS);
	(void)closedir(dir);
}

static void
clean(const char *repository)
{
	char folder[PATH_MAX];

	for (size_t i = 0; i < sizeof(cleaned) / sizeof(cleaned[0]); i++) {
		snprintf(folder, sizeof(folder), "%s%s", repository,
		    cleaned[i].folder);
		clean_folder(folder, cleaned[i].is_left);
	}
}

/* ---- locked ---------------------------------------------------------- */

/* Opened for those who inherit it, with a number that they leave alone. */
static int
inherited(int fd)
{
	int moved = fd == -1 ? -1 : fcntl(fd, F_DUPFD, LOCK_FD_MIN);

	if (fd != -1)
		(void)close(fd);
	return moved;
}

/*
 * Alone there, it may be put in order; then, and otherwise, it is only kept
 * from that.  The change of a lock has a moment without one: who comes in
 * between finds everything in order.
 */
static int
lock(const char *path, int dir, char *err)
{
	for (;;) {
		if (flock(dir, LOCK_EX | LOCK_NB) == 0) {
			clean(path);
			if (!is_made(dir) && make(dir, err) == -1)
				return -1;
		}
		if (flock(dir, LOCK_SH) == -1)
			return fail(err, "flock");
		if (is_made(dir))
			return 0;
		(void)flock(dir, LOCK_UN);
	}
}

void
serve_path(char *path, const struct serve *s)
{
	snprintf(path, PATH_MAX, "%s/" PLACE_GIT "/%s.git", s->conf.state_dir,
	    s->repository);
}

void
serve_tidy(const struct serve *s, const struct serve_locks *locks)
{
	char path[PATH_MAX];

	serve_path(path, s);
	if (flock(locks->busy, LOCK_EX | LOCK_NB) == 0)
		clean(path);
}

int
serve_prepare(const struct serve *s, struct serve_locks *locks, char *err)
{
	char path[PATH_MAX];

	serve_path(path, s);
	locks->busy =
	    inherited(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
	if (locks->busy == -1)
		return fail(err, "folder");
	if (lock(path, locks->busy, err) == -1)
		return -1;
	locks->push = inherited(
	    openat(locks->busy, "push", O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
	return locks->push != -1 ? 0 : fail(err, "push");
}
