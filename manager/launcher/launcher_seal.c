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

static int
archive_there(const struct launcher *l, const uint8_t *hash)
{
	char name[ARCHIVE_TEXT];

	archive_format(name, hash);
	return faccessat(l->at[AT_ARCHIVES], name, F_OK, AT_SYMLINK_NOFOLLOW) ==
	       0;
}

/*
 * What an inspection packed; -ENOENT where it packed nothing.  It is written
 * by a tenant's process: never a link, nor anything else that is not a file
 * of its own.
 */
static int
pack_open(const struct asked *a)
{
	struct stat st;
	int fd;

	fd = place_beneath(
	    a->build, PACK_DIR "/" PACK_NAME, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 ||
	    (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1))
		return fd;
	close(fd);
	return -EPERM;
}

static int
seal_own(void *arg)
{
	const struct asked *a = arg;
	int error = 0, fd = pack_open(a);

	if (fd == -ENOENT)
		return archive_there(a->l, a->q->u.seal.hash) ? 0 : -ENODATA;
	if (fd < 0)
		return fd;
	if (fchown(fd, 0, 0) == -1 || fchmod(fd, 0600) == -1 || fsync(fd) == -1)
		error = -errno;
	close(fd);
	return error;
}

/*
 * The archive of an inspection takes the place of one that is there: that one
 * may be damaged.  Where none was made, it has to be there.
 */
static int
seal_archive(void *arg)
{
	const struct asked *a = arg;
	char name[ARCHIVE_TEXT];
	int archives = a->l->at[AT_ARCHIVES], error = 0, fd, pack;

	if ((fd = pack_open(a)) < 0)
		return fd == -ENOENT ? 0 : fd;
	archive_format(name, a->q->u.seal.hash);
	pack = place_beneath(a->build, PACK_DIR, O_RDONLY | O_DIRECTORY);
	if (pack < 0)
		error = pack;
	else if (renameat(pack, PACK_NAME, archives, name) == -1 ||
		 fsync(archives) == -1)
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

static int
seal_open(void *arg)
{
	struct asked *a = arg;
	char name[ID_TEXT];

	if (build_busy(a->l, a->q->u.seal.build))
		return -EBUSY;
	id_format(name, a->q->u.seal.build);
	a->build =
	    place_beneath(a->l->at[AT_BUILDS], name, O_RDONLY | O_DIRECTORY);
	a->known = tree_there(a->l, a->q->u.seal.hash);
	return a->build < 0 ? a->build : 0;
}

/*
 * What the name promises is on the disk before the name is.  Of a tree
 * that is there, from another build or from a request whose answer was
 * lost, that is so, and the build's own goes with the rest of it.
 */
static int
seal_sync(void *arg)
{
	const struct asked *a = arg;

	return !a->known && syncfs(a->build) == -1 ? -errno : 0;
}

/* Of two builds at once that made the same tree, the first one's stays. */
static int
seal_tree(void *arg)
{
	const struct asked *a = arg;
	char slug[2 * LAUNCH_HASH + 1];

	if (a->known)
		return 0;
	hash_format(slug, a->q->u.seal.hash);
	if (renameat2(a->build, "app", a->l->at[AT_SLUGS], slug,
		RENAME_NOREPLACE) == -1 &&
	    errno != EEXIST)
		return -errno;
	return 0;
}

static int
seal_durable(void *arg)
{
	const struct asked *a = arg;

	if (!a->known &&
	    (fsync(a->l->at[AT_SLUGS]) == -1 || fsync(a->build) == -1))
		return -errno;
	return 0;
}

static const struct step seal_rows[] = {
    {"open", seal_open, NULL, 0},
    {"sync", seal_sync, NULL, 0},
    {"own", seal_own, NULL, 0},
    {"archive", seal_archive, NULL, 0},
    {"tree", seal_tree, NULL, 0},
    {"durable", seal_durable, NULL, 0},
};
STEPS(seal);

static int
discard_remove(void *arg)
{
	const struct asked *a = arg;
	char name[ID_TEXT];

	if (build_busy(a->l, a->q->u.id))
		return -EBUSY;
	id_format(name, a->q->u.id);
	return tree_remove(a->l->at[AT_BUILDS], name);
}

static const struct step discard_rows[] = {
    {"remove", discard_remove, NULL, 0},
};
STEPS(discard);

static int
tree_hide(void *arg)
{
	const struct asked *a = arg;
	const uint8_t *hash = a->q->u.seal.hash;
	int slugs = a->l->at[AT_SLUGS];
	char slug[2 * LAUNCH_HASH + 1], gone[sizeof(slug) + 24];
	struct record *r;

	RB_FOREACH (r, records, &a->l->records) {
		if (r->launch.kind == LAUNCH_APP &&
		    memcmp(r->slug, hash, LAUNCH_HASH) == 0)
			return -EBUSY;
	}
	hash_format(slug, hash);
	/* An earlier one of that name may not be removed yet. */
	snprintf(gone, sizeof(gone), GONE "%s.%08x", slug, arc4random());
	if (renameat2(slugs, slug, slugs, gone, RENAME_NOREPLACE) == -1 &&
	    errno != ENOENT)
		return -errno;
	return 0;
}

static const struct step hide_rows[] = {
    {"hide", tree_hide, NULL, 0},
};
STEPS(hide);

static int
tree_archived(void *arg)
{
	const struct asked *a = arg;

	return archive_there(a->l, a->q->u.seal.hash) ? 0 : -ENODATA;
}

static const struct step hide_tree_rows[] = {
    {"archived", tree_archived, NULL, 0},
    {"hide", tree_hide, NULL, 0},
};
STEPS(hide_tree);

/* Whatever begins with prefix. */
static int
gone_remove(int dir, const char *prefix)
{
	struct dirent **found;
	int error = 0, i, n, r;

	n = scandirat(dir, ".", &found, NULL, alphasort);
	for (i = 0; i < n; i++) {
		if (strncmp(found[i]->d_name, prefix, strlen(prefix)) == 0 &&
		    (r = tree_remove(dir, found[i]->d_name)) != 0)
			error = r;
		free(found[i]);
	}
	if (n >= 0)
		free(found);
	return n < 0 ? -errno : error;
}

static int
drop_hidden(void *arg)
{
	const struct asked *a = arg;
	char slug[2 * LAUNCH_HASH + 1], gone[sizeof(slug) + 8];

	hash_format(slug, a->q->u.seal.hash);
	snprintf(gone, sizeof(gone), GONE "%s", slug);
	return gone_remove(a->l->at[AT_SLUGS], gone);
}

static int
drop_archive(void *arg)
{
	const struct asked *a = arg;
	char name[ARCHIVE_TEXT];

	archive_format(name, a->q->u.seal.hash);
	return unlinkat(a->l->at[AT_ARCHIVES], name, 0) == -1 && errno != ENOENT
		   ? -errno
		   : 0;
}

static const struct step drop_tree_rows[] = {
    {"tree", drop_hidden, NULL, 0},
};
STEPS(drop_tree);

static const struct step drop_slug_rows[] = {
    {"tree", drop_hidden, NULL, 0},
    {"archive", drop_archive, NULL, 0},
};
STEPS(drop_slug);

static int
drop_unused(void *arg)
{
	const struct asked *a = arg;
	struct record *r;

	RB_FOREACH (r, records, &a->l->records) {
		if (r->launch.app == a->q->u.id &&
		    record_state(r) == LAUNCH_RUNNING)
			return -EBUSY;
	}
	return 0;
}

static int
drop_cache(void *arg)
{
	const struct asked *a = arg;
	char name[ID_TEXT];

	id_format(name, a->q->u.id);
	return tree_remove(a->l->at[AT_CACHES], name);
}

/*
 * No start comes between: a build that begins later has an empty one, and one
 * that goes on keeps what it has begun with.
 */
static int
cache_hide(void *arg)
{
	const struct asked *a = arg;
	int caches = a->l->at[AT_CACHES];
	char name[ID_TEXT], gone[sizeof(name) + 24];
	struct record *r;

	RB_FOREACH (r, records, &a->l->records) {
		if (r->launch.kind == LAUNCH_BUILD &&
		    r->launch.app == a->q->u.id &&
		    build_busy(a->l, r->launch.build))
			return -EBUSY;
	}
	id_format(name, a->q->u.id);
	snprintf(gone, sizeof(gone), GONE "%s.%08x", name, arc4random());
	if (renameat2(caches, name, caches, gone, RENAME_NOREPLACE) == -1 &&
	    errno != ENOENT)
		return -errno;
	return 0;
}

static const struct step hide_cache_rows[] = {
    {"hide", cache_hide, NULL, 0},
};
STEPS(hide_cache);

static int
cache_remove(void *arg)
{
	const struct asked *a = arg;
	char name[ID_TEXT], gone[sizeof(name) + 8];

	id_format(name, a->q->u.id);
	snprintf(gone, sizeof(gone), GONE "%s", name);
	return gone_remove(a->l->at[AT_CACHES], gone);
}

static const struct step empty_cache_rows[] = {
    {"remove", cache_remove, NULL, 0},
};
STEPS(empty_cache);

static int
drop_repository(void *arg)
{
	const struct asked *a = arg;
	char name[REPOSITORY_TEXT];

	repository_format(name, a->q->u.id);
	return tree_remove(a->l->at[AT_GIT], name);
}

static int
drop_logs(void *arg)
{
	const struct asked *a = arg;
	char name[ID_TEXT];

	id_format(name, a->q->u.id);
	return tree_remove(a->l->at[AT_LOG], name);
}

static const struct step drop_cache_rows[] = {
    {"unused", drop_unused, NULL, 0},
    {"cache", drop_cache, NULL, 0},
    {"repository", drop_repository, NULL, 0},
    {"logs", drop_logs, NULL, 0},
};
STEPS(drop_cache);

void
seal_sweep(struct launcher *l)
{
	if (gone_remove(l->at[AT_SLUGS], GONE) != 0)
		log_warn("what is left of slugs can't be removed");
	if (gone_remove(l->at[AT_CACHES], GONE) != 0)
		log_warn("what is left of caches can't be removed");
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
