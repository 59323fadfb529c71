/*
 * Unpacks an upload.  libarchive's SECURE flags are the second line: what is
 * refused here is refused with a sentence that names the entry and the way
 * out, and what the archive may cost is bounded before it is spent.
 */
#include "sandbox/build.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UNPACK_BLOCK (64 * 1024)

struct link {
	STAILQ_ENTRY(link) entry;
	char path[];
};

struct unpack {
	struct archive *in; /* what unpack_stream reads; or NULL */
	struct archive *out;
	int before; /* the working directory, to be gone back to */
	int root;
	const struct unpack_limits *limits;
	struct unpack_stats *stats;
	STAILQ_HEAD(link_list, link)
	links;                 /* symbolic ones, for the last check */
	char path[PATH_MAX];   /* of the entry in hand, clean */
	char target[PATH_MAX]; /* of a hard link, clean */
	char *err;
};

/* "path" of the entry in hand, what is wrong with it, and what to do. */
static int __attribute__((format(printf, 3, 4)))
refuse(struct unpack *u, const char *path, const char *fmt, ...)
{
	char name[160], what[SANDBOX_ERRLEN - 200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(u->err, SANDBOX_ERRLEN, "The upload was refused: \"%s\" %s.",
	    text_escape(name, sizeof(name), path), what);
	return -1;
}

static int
check_name(struct unpack *u, const char *name)
{
	switch (path_clean(name, u->path)) {
	case PATH_OK:
		return 0;
	case PATH_NONE:
		snprintf(u->err, SANDBOX_ERRLEN,
		    "The upload was refused: an entry has no name, or one "
		    "that is not UTF-8. Rename the file and push again.");
		return -1;
	case PATH_ABSOLUTE:
		return refuse(u, name,
		    "is an absolute path. Make the "
		    "archive from inside the app's folder (tar -C DIR -c .)");
	case PATH_DOTDOT:
		return refuse(u, name,
		    "has '..' in its path. Make the "
		    "archive from inside the app's folder (tar -C DIR -c .)");
	case PATH_LONG:
	default:
		return refuse(u, name,
		    "has too long a name or path. "
		    "Shorten it and push again");
	}
}

/* Only a regular file of this tree, reached over no link, may be linked. */
static int
check_hard_link(struct unpack *u, const char *target)
{
	struct open_how how;
	struct stat st;
	int fd, ok;

	if (path_clean(target, u->target) != PATH_OK || u->target[0] == '\0')
		return refuse(u, u->path,
		    "is a hard link to something "
		    "outside the tree. Take it out and push again");
	memset(&how, 0, sizeof(how));
	how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
	how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
	fd = (int)syscall(SYS_openat2, u->root, u->target, &how, sizeof(how));
	ok = fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	if (fd != -1)
		close(fd);
	if (!ok)
		return refuse(u, u->path,
		    "is a hard link to something "
		    "that is not a file of the archive before it. Take it out "
		    "and push again");
	return 0;
}

static int
check_link(struct unpack *u, const char *target)
{
	struct link *link;
	size_t len;

	if (target == NULL || strlen(target) >= PATH_MAX ||
	    !path_link_stays(u->path, target))
		return refuse(u, u->path,
		    "is a symbolic link that leaves "
		    "the tree. Replace it by what it points to and push "
		    "again");
	len = strlen(u->path) + 1;
	link = malloc(sizeof(*link) + len);
	if (link == NULL)
		abort();
	memcpy(link->path, u->path, len);
	STAILQ_INSERT_TAIL(&u->links, link, entry);
	return 0;
}

static int
check_kind(struct unpack *u, struct archive_entry *entry)
{
	const char *target;

	if ((target = archive_entry_hardlink(entry)) != NULL)
		return check_hard_link(u, target);
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
	case AE_IFDIR:
		return 0;
	case AE_IFLNK:
		return check_link(u, archive_entry_symlink(entry));
	case AE_IFCHR:
	case AE_IFBLK:
		return refuse(u, u->path,
		    "is a device. An app is made of "
		    "files, folders and links: take it out and push again");
	case AE_IFIFO:
		return refuse(u, u->path,
		    "is a named pipe. An app is made "
		    "of files, folders and links: take it out and push again");
	default:
		return refuse(u, u->path,
		    "is neither a file nor a folder "
		    "nor a link. Take it out and push again");
	}
}

static int
check_limits(struct unpack *u, struct archive_entry *entry)
{
	la_int64_t size = 0;

	if (++u->stats->entries > u->limits->entries) {
		snprintf(u->err, SANDBOX_ERRLEN,
		    "The upload was refused: it has more than %llu files and "
		    "folders. List what the app does not need in .slugignore.",
		    (unsigned long long)u->limits->entries);
		return -1;
	}
	if (archive_entry_filetype(entry) == AE_IFREG &&
	    archive_entry_hardlink(entry) == NULL)
		size = archive_entry_size(entry);
	if (size < 0 || (uint64_t)size > u->limits->bytes - u->stats->bytes) {
		snprintf(u->err, SANDBOX_ERRLEN,
		    "The upload was refused: unpacked it is larger than %llu "
		    "MiB. List what the app does not need in .slugignore.",
		    (unsigned long long)(u->limits->bytes / (1024 * 1024)));
		return -1;
	}
	u->stats->bytes += (uint64_t)size;
	return 0;
}

/* libarchive's own words, with a way out for those that people meet. */
static int
refuse_libarchive(struct unpack *u, struct archive *a)
{
	char text[200];
	const char *why = archive_error_string(a);
	int error = archive_errno(a);

	if (error == ENOSPC || error == EDQUOT)
		snprintf(u->err, SANDBOX_ERRLEN,
		    "The disk is full: the upload could not be unpacked. Free "
		    "some space and push again.");
	else if (a == u->in)
		snprintf(u->err, SANDBOX_ERRLEN,
		    "The upload is not a whole tar or tar.gz archive (%s). "
		    "Push again; with curl, send the output of tar -cz, or "
		    "JSON with Content-Type: application/json.",
		    text_escape(
			text, sizeof(text), why != NULL ? why : "no reason"));
	else
		return refuse(u, u->path,
		    "could not be unpacked (%s). Take "
		    "it out and push again",
		    text_escape(text, sizeof(text),
			why != NULL ? why : "no reason given"));
	return -1;
}

int
unpack_write(struct unpack *u, const void *block, size_t len, int64_t offset)
{
	if (archive_write_data_block(u->out, block, len, offset) < ARCHIVE_OK)
		return refuse_libarchive(u, u->out);
	return 0;
}

int
unpack_refuse(struct unpack *u, const char *what)
{
	return refuse(u, u->path, "%s", what);
}

static int
copy_data(struct unpack *u, void *arg)
{
	const void *block;
	size_t len;
	la_int64_t offset;
	int r;

	(void)arg;
	for (;;) {
		r = archive_read_data_block(u->in, &block, &len, &offset);
		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			return refuse_libarchive(u, u->in);
		/* What goes past the entry's size is cut off by the disk end.
		 */
		if (unpack_write(u, block, len, offset) == -1)
			return -1;
	}
}

/* Nothing of an archive's modes but who may execute it. */
static void
set_mode(struct archive_entry *entry)
{
	mode_t mode = 0644;

	if (archive_entry_filetype(entry) == AE_IFDIR ||
	    (archive_entry_perm(entry) & 0111) != 0)
		mode = 0755;
	archive_entry_set_perm(entry, mode);
}

int
unpack_add(
    struct unpack *u, struct archive_entry *entry, unpack_copy copy, void *arg)
{
	if (check_limits(u, entry) == -1 ||
	    check_name(u, archive_entry_pathname(entry)) == -1)
		return -1;
	if (u->path[0] == '\0') {
		if (archive_entry_filetype(entry) == AE_IFDIR)
			return 0;
		return refuse(u, ".",
		    "is not a folder. Make the archive "
		    "from inside the app's folder (tar -C DIR -c .)");
	}
	if (check_kind(u, entry) == -1)
		return -1;
	archive_entry_set_pathname(entry, u->path);
	if (archive_entry_hardlink(entry) != NULL) {
		/* A hard link that brings data would write to the other one. */
		archive_entry_set_hardlink(entry, u->target);
		archive_entry_unset_size(entry);
	} else
		set_mode(entry);
	if (archive_write_header(u->out, entry) < ARCHIVE_OK)
		return refuse_libarchive(u, u->out);
	if (archive_entry_hardlink(entry) == NULL &&
	    archive_entry_size(entry) > 0 && copy(u, arg) == -1)
		return -1;
	if (archive_write_finish_entry(u->out) < ARCHIVE_WARN)
		return refuse_libarchive(u, u->out);
	return 0;
}

/* What can only be seen once everything is there. */
static int
check_all(struct unpack *u)
{
	struct link *link;

	if (archive_write_close(u->out) != ARCHIVE_OK)
		return refuse_libarchive(u, u->out);
	STAILQ_FOREACH (link, &u->links, entry)
		if (!path_resolves(u->root, link->path))
			return refuse(u, link->path,
			    "is a symbolic link "
			    "that leaves the tree by way of another one. "
			    "Replace it by what it points to and push again");
	if (u->stats->entries == 0) {
		snprintf(u->err, SANDBOX_ERRLEN,
		    "The upload is empty: push a folder with an app in it.");
		return -1;
	}
	return 0;
}

struct unpack *
unpack_begin(int dirfd, const struct unpack_limits *limits,
    struct unpack_stats *stats, char err[SANDBOX_ERRLEN])
{
	struct unpack *u = calloc(1, sizeof(*u));

	if (u == NULL)
		abort();
	u->root = dirfd;
	u->limits = limits;
	u->stats = stats;
	u->err = err;
	STAILQ_INIT(&u->links);
	memset(stats, 0, sizeof(*stats));
	u->before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (u->before == -1 || fchdir(dirfd) == -1) {
		snprintf(err, SANDBOX_ERRLEN,
		    "The build's folder can't be entered: %s.",
		    strerror(errno));
		if (u->before != -1)
			close(u->before);
		free(u);
		return NULL;
	}
	if ((u->out = archive_write_disk_new()) == NULL)
		abort();
	archive_write_disk_set_options(
	    u->out, ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
			ARCHIVE_EXTRACT_SECURE_NODOTDOT |
			ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS);
	return u;
}

int
unpack_end(struct unpack *u, int result)
{
	struct link *link;

	if (result == 0)
		result = check_all(u);
	archive_write_free(u->out);
	while ((link = STAILQ_FIRST(&u->links)) != NULL) {
		STAILQ_REMOVE_HEAD(&u->links, entry);
		free(link);
	}
	if (fchdir(u->before) == -1 && result == 0) {
		snprintf(u->err, SANDBOX_ERRLEN,
		    "The working folder is gone: %s.", strerror(errno));
		result = -1;
	}
	close(u->before);
	free(u);
	return result;
}

static int
unpack_all(struct unpack *u, int fd)
{
	struct archive_entry *entry;
	int r;

	if (archive_read_open_fd(u->in, fd, UNPACK_BLOCK) != ARCHIVE_OK)
		return refuse_libarchive(u, u->in);
	while ((r = archive_read_next_header(u->in, &entry)) != ARCHIVE_EOF) {
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			return refuse_libarchive(u, u->in);
		if (unpack_add(u, entry, copy_data, NULL) == -1)
			return -1;
	}
	return 0;
}

struct archive *
unpack_reader(void)
{
	struct archive *in = archive_read_new();

	if (in == NULL)
		abort();
	archive_read_support_filter_gzip(in);
	archive_read_support_format_tar(in);
	archive_read_support_format_gnutar(in);
	archive_read_support_format_empty(in);
	return in;
}

int
unpack_stream(int fd, int dirfd, const struct unpack_limits *limits,
    struct unpack_stats *stats, char err[SANDBOX_ERRLEN])
{
	struct unpack *u = unpack_begin(dirfd, limits, stats, err);
	struct archive *in;
	int result;

	if (u == NULL)
		return -1;
	u->in = in = unpack_reader();
	result = unpack_end(u, unpack_all(u, fd));
	archive_read_free(in);
	return result;
}
