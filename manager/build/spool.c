/*
 * Bytes of strangers to a file, as they come: memory stays flat however many
 * they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "build/room.h"

/*
 * So much is handed to the disk at a time: left alone, the kernel would let
 * it grow to a fifth of the memory and then stop the whole loop to write it.
 */
#define FLUSH_BYTES (8 * 1024 * 1024)

void
spool_fail(struct build_error *err, enum build_code code, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
}

void
spool_fail_errno(struct build_error *err, int error)
{
	if (error == ENOSPC || error == EDQUOT)
		spool_fail(err, BUILD_FULL,
		    "The disk of the state directory is full: free some space "
		    "and push again.");
	else
		spool_fail(err, BUILD_FAILED, "The upload can't be stored: %s.",
		    strerror(error));
}

int
spool_large(const struct conf *conf, struct build_error *err)
{
	spool_fail(err, BUILD_TOO_LARGE,
	    "The upload is larger than %" PRIu64 " MiB (upload_max in "
	    "paas.conf): list what the app does not need in .slugignore.",
	    conf->upload_max / (1024 * 1024));
	return -1;
}

int
spool_open(
    struct spool *spool, int dir, const char *name, struct build_error *err)
{
	memset(spool, 0, sizeof(*spool));
	spool->fd = openat(dir, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (spool->fd != -1)
		return 0;
	spool_fail_errno(err, errno);
	return -1;
}

/*
 * What builds have to leave free, uploads have to as well: on that disk is the
 * store, too.
 */
static int
spool_reserve(
    const struct spool *spool, const struct conf *conf, struct build_error *err)
{
	struct statvfs fs;

	if (fstatvfs(spool->fd, &fs) == -1 ||
	    (uint64_t)fs.f_bavail * fs.f_frsize >= conf->disk_reserve)
		return 0;
	spool_fail(err, BUILD_FULL,
	    "Less than %" PRIu64 " MiB of the disk of the state directory are "
	    "left (disk_reserve in paas.conf): free some space and push again.",
	    conf->disk_reserve / (1024 * 1024));
	return -1;
}

int
spool_append(struct spool *spool, const struct conf *conf, const void *data,
    size_t len, struct build_error *err)
{
	const char *p = data;
	ssize_t n;

	if (len > conf->upload_max - spool->size)
		return spool_large(conf, err);
	if (spool->size == spool->flushed &&
	    spool_reserve(spool, conf, err) == -1)
		return -1;
	while (len > 0) {
		n = write(spool->fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			spool_fail_errno(err, errno);
			return -1;
		}
		p += n;
		len -= (size_t)n;
		spool->size += (uint64_t)n;
	}
	if (spool->size - spool->flushed >= FLUSH_BYTES) {
		/* Only begins to write, and waits for nothing. */
		(void)sync_file_range(spool->fd, (off_t)spool->flushed,
		    (off_t)(spool->size - spool->flushed),
		    SYNC_FILE_RANGE_WRITE);
		spool->flushed = spool->size;
	}
	return 0;
}

void
spool_close(struct spool *spool)
{
	if (spool->fd != -1)
		close(spool->fd);
	spool->fd = -1;
}
