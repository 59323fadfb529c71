/* A tree becomes an archive: inspect.h has its form. */
#include "sandbox/inspect.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK (128 * 1024)

/*
 * The start of the app waits for it: beyond 3 each level costs more time than
 * its bytes are worth.  A second thread is of use from some 8 MB on.
 */
#define LEVEL   "3"
#define THREADS "2"

struct writer {
	struct archive *out;
	struct archive_entry *entry;
	unsigned char block[BLOCK];
};

static int
fail(struct writer *w, char err[SANDBOX_ERRLEN])
{
	int error = archive_errno(w->out);
	const char *why = archive_error_string(w->out);
	char text[200];

	if (error == ENOSPC || error == EDQUOT)
		snprintf(err, SANDBOX_ERRLEN,
		    "The disk is full: the slug could not be stored. Free some "
		    "space and push again.");
	else
		snprintf(err, SANDBOX_ERRLEN,
		    "The slug could not be stored: %s.",
		    text_escape(
			text, sizeof(text), why != NULL ? why : "no reason"));
	return -1;
}

static int
write_file(
    struct writer *w, const struct tree_entry *entry, char err[SANDBOX_ERRLEN])
{
	uint64_t size = 0;
	ssize_t n;

	while ((n = read(entry->fd, w->block, BLOCK)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return tree_wrong_errno(err, entry->path);
		size += (uint64_t)n;
		if (archive_write_data(w->out, w->block, (size_t)n) != n)
			return fail(w, err);
	}
	if (size != entry->size)
		return tree_wrong(
		    err, entry->path, "which changed while it was read");
	return 0;
}

static int
visit(void *arg, const struct tree_entry *entry, char err[SANDBOX_ERRLEN])
{
	struct writer *w = arg;

	archive_entry_clear(w->entry);
	archive_entry_set_pathname(w->entry, entry->path);
	archive_entry_set_filetype(w->entry, entry->kind == 'f'   ? AE_IFREG
					     : entry->kind == 'd' ? AE_IFDIR
								  : AE_IFLNK);
	archive_entry_set_perm(w->entry, entry->mode);
	archive_entry_set_mtime(w->entry, entry->mtime, 0);
	archive_entry_set_size(
	    w->entry, entry->kind == 'f' ? (la_int64_t)entry->size : 0);
	if (entry->target != NULL)
		archive_entry_set_symlink(w->entry, entry->target);
	if (archive_write_header(w->out, w->entry) != ARCHIVE_OK)
		return fail(w, err);
	return entry->kind == 'f' ? write_file(w, entry, err) : 0;
}

static int
set_up(struct writer *w, int fd, char err[SANDBOX_ERRLEN])
{
	static const char options[] =
	    "zstd:compression-level=" LEVEL ",zstd:threads=" THREADS;

	/* Names are bytes: no locale makes others of them. */
	if (archive_write_add_filter_zstd(w->out) != ARCHIVE_OK ||
	    archive_write_set_format_pax_restricted(w->out) != ARCHIVE_OK ||
	    archive_write_set_options(w->out, options) != ARCHIVE_OK ||
	    archive_write_set_format_option(
		w->out, "pax", "hdrcharset", "BINARY") != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(w->out, BLOCK) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(w->out, 1) != ARCHIVE_OK ||
	    archive_write_open_fd(w->out, fd) != ARCHIVE_OK)
		return fail(w, err);
	return 0;
}

int
archive_tree(int app, int dir, const struct tree_limits *limits,
    uint64_t *bytes, char err[SANDBOX_ERRLEN])
{
	struct writer *w = calloc(1, sizeof(*w));
	struct tree_stats stats;
	struct stat st;
	int fd, result;

	if (w == NULL || (w->out = archive_write_new()) == NULL ||
	    (w->entry = archive_entry_new()) == NULL)
		abort();
	fd = openat(dir, ARCHIVE_NAME,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		archive_set_error(w->out, errno, "%s", strerror(errno));
	result = fd == -1 ? fail(w, err) : set_up(w, fd, err);
	if (result == 0)
		result = tree_walk(app, limits, &stats, visit, w, err);
	if (result == 0 && archive_write_close(w->out) != ARCHIVE_OK)
		result = fail(w, err);
	if (result == 0 && fstat(fd, &st) == 0)
		*bytes = (uint64_t)st.st_size;
	archive_write_free(w->out);
	archive_entry_free(w->entry);
	free(w);
	if (fd != -1)
		close(fd);
	return result;
}
