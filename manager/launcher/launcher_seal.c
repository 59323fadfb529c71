/*
 * Trees of builds, slugs and caches, and archives of slugs.  Each is there as a
 * whole or not at all: it comes by one rename and goes by one; what is under
 * ".gone-" is rubbish that a crash left.  A slug's archive comes before its
 * tree, and goes after it.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bsd/stdlib.h>

#include "common/log.h"
#include "launcher/launcher.h"

#define GONE ".gone-"

/* Deeper trees are taken apart: a tenant chooses the depth. */
#define DEPTH_MAX 64

/* Logs kept of an app's instances that are gone. */
#define LOGS_KEPT 20

struct removal {
	int top; /* directory that what is too deep is moved to */
	unsigned int deep;
};

static int dir_clear(struct removal *rm, int fd, int depth);

/*
 * Up to the top, for the next turn.  The tree's owner knows this name, and
 * may have made a file or a directory of it: then that one goes first.
 */
static int
subdir_raise(struct removal *rm, int fd, const char *name)
{
	char moved[32];

	snprintf(moved, sizeof(moved), ".deep-%u", rm->deep++);
	if (renameat(fd, name, rm->top, moved) == 0 || errno == ENOENT ||
	    errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR)
		return 0;
	return -errno;
}

static int
subdir_remove(struct removal *rm, int fd, const char *name, int depth)
{
	int error, sub;

	if (depth >= DEPTH_MAX)
		return subdir_raise(rm, fd, name);
	sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub == -1)
		return errno == ENOENT ? 0 : -errno;
	error = dir_clear(rm, sub, depth + 1);
	if (error == 0 && unlinkat(fd, name, AT_REMOVEDIR) == -1 &&
	    errno != ENOENT && errno != ENOTEMPTY)
		error = -errno;
	return error;
}

/* Takes fd. */
static int
dir_clear(struct removal *rm, int fd, int depth)
{
	struct dirent *e;
	int error = 0;
	DIR *dir;

	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return -ENOMEM;
	}
	while (error == 0 && (e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, e->d_name, 0) == 0 || errno == ENOENT)
			continue;
		error = errno == EISDIR
			    ? subdir_remove(rm, fd, e->d_name, depth)
			    : -errno;
	}
	closedir(dir);
	return error;
}

int
tree_remove(int dir, const char *name)
{
	struct removal rm = {0};
	int error, fd, i;

	/* As often as it takes: what was deep is moved up for the next turn. */
	for (i = 0; i < 1000000; i++) {
		if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno == ENOTDIR)
			return unlinkat(dir, name, 0) == 0 ? 0 : -errno;
		if (errno != ENOTEMPTY && errno != EEXIST)
			return -errno;
		rm.top = openat(
		    dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (rm.top == -1)
			return -errno;
		fd = openat(rm.top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		error = fd == -1 ? -errno : dir_clear(&rm, fd, 0);
		close(rm.top);
		if (error != 0)
			return error;
	}
	return -ELOOP;
}

/*
 * Is an instance of that build alive?  Then its tree is not still.  Its shim
 * may have been killed before the rest of it.
 */
static int
build_busy(struct launcher *l, uint64_t build)
{
	struct record *r;

	RB_FOREACH (r, records, &l->records) {
		if (r->launch.kind != LAUNCH_APP && r->launch.build == build &&
		    (record_state(r) == LAUNCH_RUNNING ||
			cgroup_populated(&l->cgroups, r->launch.id)))
			return 1;
	}
	return 0;
}

int
archive_there(const struct launcher *l, const uint8_t *hash)
{
	char name[ARCHIVE_TEXT];

	archive_format(name, hash);
	return faccessat(l->at[AT_ARCHIVES], name, F_OK, AT_SYMLINK_NOFOLLOW) ==
	       0;
}

/*
 * The archive of an inspection takes the place of one that is there: that one
 * may be damaged.  Where none was made, it has to be there.
 */
static int
archive_seal(struct launcher *l, int build, const uint8_t *hash)
{
	char name[ARCHIVE_TEXT];
	struct stat st;
	int error = 0, fd, pack;

	fd = place_beneath(
	    build, PACK_DIR "/" PACK_NAME, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd == -ENOENT)
		return archive_there(l, hash) ? 0 : -ENODATA;
	if (fd < 0)
		return fd;
	archive_format(name, hash);
	pack = place_beneath(build, PACK_DIR, O_RDONLY | O_DIRECTORY);
	if (pack < 0)
		error = pack;
	else if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
		 st.st_nlink != 1)
		error = -EPERM;
	else if (fchown(fd, 0, 0) == -1 || fchmod(fd, 0600) == -1 ||
		 fsync(fd) == -1 ||
		 renameat(pack, PACK_NAME, l->at[AT_ARCHIVES], name) == -1 ||
		 fsync(l->at[AT_ARCHIVES]) == -1)
		error = -errno;
	if (pack >= 0)
		close(pack);
	close(fd);
	return error;
}

static int
tree_there(const struct launcher *l, const uint8_t *hash)
{
	char slug[2 * LAUNCH_HASH + 1];

	hash_format(slug, hash);
	return faccessat(l->at[AT_SLUGS], slug, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Of two builds at once that made the same tree, the first one's stays. */
static int
tree_seal(struct launcher *l, int build, const uint8_t *hash)
{
	char slug[2 * LAUNCH_HASH + 1];

	hash_format(slug, hash);
	if (renameat2(build, "app", l->at[AT_SLUGS], slug, RENAME_NOREPLACE) ==
		-1 &&
	    errno != EEXIST)
		return -errno;
	return fsync(l->at[AT_SLUGS]) == -1 || fsync(build) == -1 ? -errno : 0;
}

int
seal_build(struct launcher *l, uint64_t build, const uint8_t *hash)
{
	char name[ID_TEXT];
	int error, fd, known;

	if (build_busy(l, build))
		return -EBUSY;
	id_format(name, build);
	fd = place_beneath(l->at[AT_BUILDS], name, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	/*
	 * What the name promises is on the disk before the name is.  Of a tree
	 * that is there, from another build or from a request whose answer was
	 * lost, that is so, and the build's own goes with the rest of it.
	 */
	known = tree_there(l, hash);
	error = !known && syncfs(fd) == -1 ? -errno : 0;
	if (error == 0)
		error = archive_seal(l, fd, hash);
	if (error == 0 && !known)
		error = tree_seal(l, fd, hash);
	close(fd);
	return error;
}

int
seal_discard(struct launcher *l, uint64_t build)
{
	char name[ID_TEXT];

	if (build_busy(l, build))
		return -EBUSY;
	id_format(name, build);
	return tree_remove(l->at[AT_BUILDS], name);
}

int
seal_hide(struct launcher *l, const uint8_t *hash)
{
	char slug[2 * LAUNCH_HASH + 1], gone[sizeof(slug) + 24];
	struct record *r;

	RB_FOREACH (r, records, &l->records) {
		if (r->launch.kind == LAUNCH_APP &&
		    memcmp(r->slug, hash, LAUNCH_HASH) == 0)
			return -EBUSY;
	}
	hash_format(slug, hash);
	/* An earlier one of that name may not be removed yet. */
	snprintf(gone, sizeof(gone), GONE "%s.%08x", slug, arc4random());
	if (renameat2(l->at[AT_SLUGS], slug, l->at[AT_SLUGS], gone,
		RENAME_NOREPLACE) == -1 &&
	    errno != ENOENT)
		return -errno;
	return 0;
}

/* Whatever begins with prefix. */
static int
gone_remove(struct launcher *l, const char *prefix)
{
	struct dirent **found;
	int error = 0, i, n, r;

	n = scandirat(l->at[AT_SLUGS], ".", &found, NULL, alphasort);
	for (i = 0; i < n; i++) {
		if (strncmp(found[i]->d_name, prefix, strlen(prefix)) == 0 &&
		    (r = tree_remove(l->at[AT_SLUGS], found[i]->d_name)) != 0)
			error = r;
		free(found[i]);
	}
	if (n >= 0)
		free(found);
	return n < 0 ? -errno : error;
}

int
seal_drop_tree(struct launcher *l, const uint8_t *hash)
{
	char slug[2 * LAUNCH_HASH + 1], gone[sizeof(slug) + 8];

	hash_format(slug, hash);
	snprintf(gone, sizeof(gone), GONE "%s", slug);
	return gone_remove(l, gone);
}

int
seal_drop_slug(struct launcher *l, const uint8_t *hash)
{
	char name[ARCHIVE_TEXT];
	int error;

	archive_format(name, hash);
	if ((error = seal_drop_tree(l, hash)) != 0)
		return error;
	return unlinkat(l->at[AT_ARCHIVES], name, 0) == -1 && errno != ENOENT
		   ? -errno
		   : 0;
}

int
seal_drop_cache(struct launcher *l, uint64_t app)
{
	char name[ID_TEXT], repository[REPOSITORY_TEXT];
	struct record *r;
	int error;

	RB_FOREACH (r, records, &l->records) {
		if (r->launch.app == app && record_state(r) == LAUNCH_RUNNING)
			return -EBUSY;
	}
	id_format(name, app);
	repository_format(repository, app);
	error = tree_remove(l->at[AT_CACHES], name);
	if (error == 0)
		error = tree_remove(l->at[AT_GIT], repository);
	return error != 0 ? error : tree_remove(l->at[AT_LOG], name);
}

void
seal_sweep(struct launcher *l)
{
	if (gone_remove(l, GONE) != 0)
		log_warn("what is left of slugs can't be removed");
}

/* "ID.log" of an instance that has no record; ids grow with time. */
static int
log_gone(struct launcher *l, const char *name, uint64_t *id)
{
	char text[ID_TEXT];

	if (strlen(name) != ID_TEXT - 1 + 4 ||
	    strcmp(name + ID_TEXT - 1, ".log") != 0)
		return 0;
	memcpy(text, name, ID_TEXT - 1);
	text[ID_TEXT - 1] = '\0';
	return id_parse(text, id) && record_find(&l->records, *id) == NULL;
}

void
log_prune(struct launcher *l, uint64_t app)
{
	struct dirent **found;
	char name[ID_TEXT + 8];
	uint64_t id;
	int fd, i, kept = 0, n;

	id_format(name, app);
	fd = place_beneath(l->at[AT_LOG], name, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return;
	n = scandirat(fd, ".", &found, NULL, alphasort);
	for (i = n - 1; i >= 0; i--) {
		if (log_gone(l, found[i]->d_name, &id) && ++kept > LOGS_KEPT) {
			(void)unlinkat(fd, found[i]->d_name, 0);
			snprintf(
			    name, sizeof(name), "%016" PRIx64 ".log.1", id);
			(void)unlinkat(fd, name, 0);
		}
		free(found[i]);
	}
	if (n >= 0)
		free(found);
	close(fd);
}
