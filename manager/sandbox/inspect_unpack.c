/*
 * An archive becomes a tree again.  What comes out has the hash that was
 * asked for, or is of no use: nothing else of the archive is believed.
 */
#include "sandbox/inspect.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/unpack.h"

#define BLOCK (128 * 1024)

/* Nothing leads out of the tree while it is made. */
#define FLAGS                                          \
	(ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_PERM | \
	    ARCHIVE_EXTRACT_SECURE_SYMLINKS |          \
	    ARCHIVE_EXTRACT_SECURE_NODOTDOT |          \
	    ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS)

static int
fail(struct archive *a, char err[SANDBOX_ERRLEN])
{
	int error = archive_errno(a);
	const char *why = archive_error_string(a);

	text_escape(err, SANDBOX_ERRLEN, why != NULL ? why : "no reason");
	return error == ENOSPC || error == EDQUOT ? UNPACK_FULL
						  : UNPACK_DAMAGED;
}

static int
damaged(char err[SANDBOX_ERRLEN], const char *what)
{
	snprintf(err, SANDBOX_ERRLEN, "%s", what);
	return UNPACK_DAMAGED;
}

static int
unpack_data(struct archive *in, struct archive *out, char err[SANDBOX_ERRLEN])
{
	const void *block;
	la_int64_t offset;
	size_t len;
	int r;

	while ((r = archive_read_data_block(in, &block, &len, &offset)) ==
	       ARCHIVE_OK)
		if (archive_write_data_block(out, block, len, offset) <
		    ARCHIVE_OK)
			return fail(out, err);
	return r == ARCHIVE_EOF ? 0 : fail(in, err);
}

static int
unpack_entries(struct archive *in, struct archive *out,
    const struct tree_limits *limits, char err[SANDBOX_ERRLEN])
{
	struct archive_entry *entry;
	struct tree_stats got = {0, 0};
	int r, result;

	while ((r = archive_read_next_header(in, &entry)) == ARCHIVE_OK) {
		if (++got.entries > limits->entries ||
		    archive_entry_size(entry) < 0 ||
		    (uint64_t)archive_entry_size(entry) >
			limits->bytes - got.bytes)
			return damaged(err, "it is beyond all limits");
		got.bytes += (uint64_t)archive_entry_size(entry);
		if (archive_entry_hardlink(entry) != NULL)
			return damaged(err, "it has a hard link");
		/* The owner is whoever unpacks. */
		if (archive_write_header(out, entry) < ARCHIVE_OK)
			return fail(out, err);
		if ((result = unpack_data(in, out, err)) != 0)
			return result;
		if (archive_write_finish_entry(out) < ARCHIVE_OK)
			return fail(out, err);
	}
	if (r != ARCHIVE_EOF)
		return fail(in, err);
	/* The times of folders are set now. */
	return archive_write_close(out) == ARCHIVE_OK ? 0 : fail(out, err);
}

static int
unpack(int fd, const struct tree_limits *limits, char err[SANDBOX_ERRLEN])
{
	struct archive *in = archive_read_new();
	struct archive *out = archive_write_disk_new();
	int result;

	if (in == NULL || out == NULL)
		abort();
	if (archive_read_support_format_tar(in) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(in) != ARCHIVE_OK ||
	    archive_read_open_fd(in, fd, BLOCK) != ARCHIVE_OK)
		result = fail(in, err);
	else if (archive_write_disk_set_options(out, FLAGS) != ARCHIVE_OK)
		result = fail(out, err);
	else
		result = unpack_entries(in, out, limits, err);
	archive_read_free(in);
	archive_write_free(out);
	return result;
}

int
archive_unpack(int fd, const struct tree_limits *limits,
    const uint8_t wanted[TREE_HASH_LEN], char err[SANDBOX_ERRLEN])
{
	uint8_t hash[TREE_HASH_LEN];
	struct tree_stats stats;
	int result;

	if ((result = unpack(fd, limits, err)) != 0)
		return result;
	if (tree_hash(AT_FDCWD, limits, &stats, hash, err) == -1)
		return UNPACK_DAMAGED;
	return memcmp(hash, wanted, sizeof(hash)) == 0
		   ? 0
		   : damaged(err, "its content has another hash");
}
