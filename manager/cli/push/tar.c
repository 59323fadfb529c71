#include <archive.h>
#include <archive_entry.h>
#include <bsd/err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/push/tar.h"
#include "cli/push/walk.h"

#define TAR_STEP (64 * 1024)

struct tar {
	struct tar_source source;
	struct walk *walk; /* the source, if it is ours; or NULL */
	int raw;           /* of tar_open_file, else -1 */
	struct archive *archive;
	struct archive_entry *entry;
	struct walk_entry file; /* the one being packed */
	la_int64_t left;        /* of its bytes; 0: the next entry is due */
	int finished;
	char *out; /* packed and not taken yet */
	size_t out_at, out_len, out_size;
	struct tar_count done;
	char step[TAR_STEP];
	char err[PAAS_ERRLEN];
};

int
tar_measure(const char *folder, int flags, struct tar_count *count,
    char why[PAAS_ERRLEN])
{
	struct walk *walk = walk_open(folder, flags, why);
	struct walk_entry e;
	int rc;

	memset(count, 0, sizeof(*count));
	if (walk == NULL)
		return -1;
	while ((rc = walk_next(walk, &e, 0, why)) == 1) {
		if (e.skipped) {
			count->skipped++;
			continue;
		}
		count->entries++;
		if (S_ISREG(e.st->st_mode))
			count->bytes += (unsigned long long)e.st->st_size;
	}
	walk_close(walk);
	return rc;
}

/* libarchive hands over what it has packed. */
static la_ssize_t
tar_on_write(struct archive *archive, void *arg, const void *data, size_t len)
{
	struct tar *tar = arg;
	char *out;

	(void)archive;
	if (len == 0)
		return 0;
	if (tar->out_len + len > tar->out_size) {
		out = realloc(tar->out, tar->out_len + len);
		if (out == NULL)
			return -1;
		tar->out = out;
		tar->out_size = tar->out_len + len;
	}
	memcpy(tar->out + tar->out_len, data, len);
	tar->out_len += len;
	return (la_ssize_t)len;
}

static int
tar_fail(struct tar *tar)
{
	const char *why = archive_error_string(tar->archive);

	snprintf(tar->err, sizeof(tar->err), "cannot pack %.300s: %.150s",
	    tar->file.path != NULL ? tar->file.path : "the folder",
	    why != NULL ? why : "libarchive does not say why");
	return -1;
}

static int
tar_start(struct tar *tar)
{
	struct archive *a = archive_write_new();

	tar->entry = archive_entry_new();
	tar->archive = a;
	if (tar->entry == NULL || a == NULL)
		err(1, NULL);
	/* the fastest level: the other end of the socket is not far */
	if (archive_write_set_format_pax_restricted(a) != ARCHIVE_OK ||
	    archive_write_add_filter_gzip(a) != ARCHIVE_OK ||
	    archive_write_set_options(
		a, "gzip:compression-level=1,gzip:!timestamp") != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK ||
	    archive_write_open(a, tar, NULL, tar_on_write, NULL) != ARCHIVE_OK)
		return tar_fail(tar);
	return 0;
}

struct tar *
tar_open_source(const struct tar_source *source, const char *head, size_t len,
    char why[PAAS_ERRLEN])
{
	struct tar *tar = calloc(1, sizeof(*tar));

	if (tar == NULL)
		err(1, NULL);
	tar->raw = -1;
	tar->source = *source;
	if (tar_on_write(NULL, tar, head, len) == -1)
		err(1, NULL);
	if (tar_start(tar) == 0)
		return tar;
	memcpy(why, tar->err, PAAS_ERRLEN);
	tar_close(tar);
	return NULL;
}

static int
tar_walk(void *arg, struct walk_entry *e, char why[PAAS_ERRLEN])
{
	return walk_next(arg, e, 1, why);
}

struct tar *
tar_open(const char *folder, int flags, char why[PAAS_ERRLEN])
{
	struct walk *walk = walk_open(folder, flags, why);
	struct tar_source source = {tar_walk, walk};
	struct tar *tar;

	if (walk == NULL)
		return NULL;
	if ((tar = tar_open_source(&source, "", 0, why)) == NULL)
		walk_close(walk);
	else
		tar->walk = walk;
	return tar;
}

struct tar *
tar_open_file(const char *path, char why[PAAS_ERRLEN])
{
	struct tar *tar = calloc(1, sizeof(*tar));

	if (tar == NULL)
		err(1, NULL);
	tar->raw = open(path, O_RDONLY | O_CLOEXEC);
	if (tar->raw != -1)
		return tar;
	snprintf(
	    why, PAAS_ERRLEN, "cannot push %.300s: %s", path, strerror(errno));
	free(tar);
	return NULL;
}

static ssize_t
tar_read_file(struct tar *tar, char *buf, size_t len)
{
	ssize_t n;

	do
		n = read(tar->raw, buf, len);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		snprintf(tar->err, sizeof(tar->err),
		    "the archive can't be read: %s", strerror(errno));
	else
		tar->done.bytes += (unsigned long long)n;
	return n;
}

void
tar_close(struct tar *tar)
{
	if (tar->raw != -1)
		close(tar->raw);

	if (tar->walk != NULL)
		walk_close(tar->walk);
	archive_entry_free(tar->entry);
	archive_write_free(tar->archive);
	free(tar->out);
	free(tar);
}

/* Mode, size and time; not whose it is: the platform has its own users. */
static int
tar_start_entry(struct tar *tar)
{
	const struct stat *st = tar->file.st;
	struct archive_entry *entry = tar->entry;

	archive_entry_clear(entry);
	archive_entry_set_pathname(entry, tar->file.path);
	archive_entry_set_filetype(entry, st->st_mode & S_IFMT);
	archive_entry_set_perm(entry, st->st_mode & 0777);
	archive_entry_set_mtime(entry, st->st_mtime, 0);
	if (S_ISREG(st->st_mode))
		archive_entry_set_size(entry, st->st_size);
	if (tar->file.target != NULL)
		archive_entry_set_symlink(entry, tar->file.target);
	/* a name that is not UTF-8 is a warning, and stored as it is */
	if (archive_write_header(tar->archive, entry) < ARCHIVE_WARN)
		return tar_fail(tar);
	tar->left = S_ISREG(st->st_mode) ? st->st_size : 0;
	tar->done.entries++;
	return 0;
}

static int
tar_pack_bytes(struct tar *tar)
{
	size_t want = tar->left < TAR_STEP ? (size_t)tar->left : TAR_STEP;
	ssize_t n;

	do
		n = read(tar->file.fd, tar->step, want);
	while (n == -1 && errno == EINTR);
	if (n <= 0) {
		snprintf(tar->err, sizeof(tar->err), "cannot pack %.300s: %s",
		    tar->file.path,
		    n == 0 ? "it became shorter while it was read; push again"
			   : strerror(errno));
		return -1;
	}
	if (archive_write_data(tar->archive, tar->step, (size_t)n) != n)
		return tar_fail(tar);
	tar->left -= n;
	tar->done.bytes += (unsigned long long)n;
	return 0;
}

/* One step on: a piece of a file, the next entry, or the end. */
static int
tar_step(struct tar *tar)
{
	int rc;

	if (tar->left > 0)
		return tar_pack_bytes(tar);
	rc = tar->source.next(tar->source.arg, &tar->file, tar->err);
	if (rc == -1)
		return -1;
	if (rc == 0) {
		tar->finished = 1;
		tar->file.path = NULL;
		return archive_write_close(tar->archive) == ARCHIVE_OK
			   ? 0
			   : tar_fail(tar);
	}
	if (tar->file.skipped) {
		tar->done.skipped++;
		return 0;
	}
	return tar_start_entry(tar);
}

ssize_t
tar_read(struct tar *tar, char *buf, size_t len)
{
	size_t n;

	if (tar->raw != -1)
		return tar_read_file(tar, buf, len);
	while (tar->out_at == tar->out_len) {
		tar->out_at = tar->out_len = 0;
		if (tar->finished)
			return 0;
		if (tar_step(tar) == -1)
			return -1;
	}
	n = tar->out_len - tar->out_at;
	n = n < len ? n : len;
	memcpy(buf, tar->out + tar->out_at, n);
	tar->out_at += n;
	return (ssize_t)n;
}

const char *
tar_error(const struct tar *tar)
{
	return tar->err;
}

const struct tar_count *
tar_done(const struct tar *tar)
{
	return &tar->done;
}
