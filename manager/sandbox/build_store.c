/*
 * The store of one app's files.  It is in the cache of its builds, which no
 * other app's sandbox ever sees: whoever names a hash that is not in there
 * gets nothing, whichever other app has it.  A file enters under its name
 * once all of it has been hashed, by one rename; a crash leaves one without a
 * name, which store_keep takes away.  Nothing is synced: what a power cut
 * leaves is found out when it is read.
 */
#include "sandbox/build.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/push.h"

#define STORE_DIR   ".paas-files"
#define STORE_NEW   "new"
#define STORE_BLOCK (128 * 1024)

struct store {
	int fd;
	unsigned char block[STORE_BLOCK];
};

/* What stands in a folder's place is code of the app's own doing. */
static int
open_dir(int cache)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd;

	if ((fd = openat(cache, STORE_DIR, flags)) != -1)
		return fd;
	if (errno == ENOTDIR || errno == ELOOP)
		(void)unlinkat(cache, STORE_DIR, 0);
	if (mkdirat(cache, STORE_DIR, 0755) == -1)
		return -1;
	return openat(cache, STORE_DIR, flags);
}

struct store *
store_open(const char *cache, char err[SANDBOX_ERRLEN])
{
	struct store *store = malloc(sizeof(*store));
	int fd = open(cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (store == NULL || sodium_init() == -1)
		abort();
	store->fd = fd != -1 ? open_dir(fd) : -1;
	if (store->fd == -1)
		snprintf(err, SANDBOX_ERRLEN,
		    "The store of files can't be opened: %s.", strerror(errno));
	if (fd != -1)
		close(fd);
	if (store->fd != -1)
		return store;
	free(store);
	return NULL;
}

void
store_close(struct store *store)
{
	close(store->fd);
	free(store);
}

/* ---- in -------------------------------------------------------------- */

static int
fail(char err[SANDBOX_ERRLEN], int error)
{
	if (error == ENOSPC || error == EDQUOT)
		snprintf(err, SANDBOX_ERRLEN,
		    "The disk is full: the upload could not be stored. Free "
		    "some space and push again.");
	else
		snprintf(err, SANDBOX_ERRLEN, "The upload can't be stored: %s.",
		    strerror(error));
	return -1;
}

static int
refuse(char err[SANDBOX_ERRLEN], const char *name, const char *what)
{
	char text[160];

	snprintf(err, SANDBOX_ERRLEN, "The upload was refused: \"%s\" %s.",
	    text_escape(text, sizeof(text), name != NULL ? name : ""), what);
	return -1;
}

static int
write_all(int fd, const unsigned char *p, size_t len)
{
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n)
		if ((n = write(fd, p, len)) == -1) {
			if (errno != EINTR)
				return -1;
			n = 0;
		}
	return 0;
}

/* The entry's bytes to fd; their hash. */
static int
receive_bytes(struct store *store, struct archive *in, int fd, const char *name,
    uint8_t hash[PUSH_HASH], char err[SANDBOX_ERRLEN])
{
	crypto_hash_sha256_state state;
	la_ssize_t n;

	crypto_hash_sha256_init(&state);
	while ((n = archive_read_data(in, store->block, STORE_BLOCK)) > 0) {
		crypto_hash_sha256_update(&state, store->block, (size_t)n);
		if (write_all(fd, store->block, (size_t)n) == -1)
			return fail(err, errno);
	}
	crypto_hash_sha256_final(&state, hash);
	return n < 0 ? refuse(err, name, "is cut off. Push again") : 0;
}

static int
receive_file(struct store *store, struct archive *in, const char *name,
    char err[SANDBOX_ERRLEN])
{
	uint8_t wanted[PUSH_HASH], hash[PUSH_HASH];
	int fd, result;

	if (name == NULL || strlen(name) != 2 * PUSH_HASH ||
	    push_hash_parse(name, wanted) == -1)
		return refuse(err, name,
		    "is no SHA-256 of 64 hex digits, and the archive of a "
		    "push with a list names its files so");
	(void)unlinkat(store->fd, STORE_NEW, 0);
	fd = openat(store->fd, STORE_NEW,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd == -1)
		return fail(err, errno);
	result = receive_bytes(store, in, fd, name, hash, err);
	if (close(fd) == -1 && result == 0)
		result = fail(err, errno);
	if (result == 0 && memcmp(hash, wanted, PUSH_HASH) != 0)
		result = refuse(err, name,
		    "has another SHA-256 than its name says: the file "
		    "changed while it was sent. Push again");
	if (result == 0 &&
	    renameat(store->fd, STORE_NEW, store->fd, name) == -1)
		result = fail(err, errno);
	if (result == -1)
		(void)unlinkat(store->fd, STORE_NEW, 0);
	return result;
}

static int
receive_all(struct store *store, struct archive *in,
    const struct unpack_limits *limits, uint64_t *received,
    char err[SANDBOX_ERRLEN])
{
	struct archive_entry *entry;
	uint64_t bytes = 0;
	la_int64_t size;
	const char *why;
	char text[200];
	int r;

	while ((r = archive_read_next_header(in, &entry)) == ARCHIVE_OK ||
	       r == ARCHIVE_WARN) {
		size = archive_entry_size(entry);
		if (archive_entry_filetype(entry) != AE_IFREG ||
		    archive_entry_hardlink(entry) != NULL)
			return refuse(err, archive_entry_pathname(entry),
			    "is no file, and there are only files in the "
			    "archive of a push with a list");
		if (++*received > limits->entries || size < 0 ||
		    (uint64_t)size > limits->bytes - bytes)
			return refuse(err, archive_entry_pathname(entry),
			    "is beyond what a push may hold. List what the "
			    "app does not need in .slugignore");
		bytes += (uint64_t)size;
		if (receive_file(
			store, in, archive_entry_pathname(entry), err) == -1)
			return -1;
	}
	if (r == ARCHIVE_EOF)
		return 0;
	why = archive_error_string(in);
	snprintf(err, SANDBOX_ERRLEN,
	    "The upload is not a whole tar or tar.gz archive (%s). Push again.",
	    text_escape(text, sizeof(text), why != NULL ? why : "no reason"));
	return -1;
}

int
store_receive(struct store *store, int fd, const struct unpack_limits *limits,
    uint64_t *received, char err[SANDBOX_ERRLEN])
{
	struct archive *in = unpack_reader();
	int result = -1;

	*received = 0;
	if (archive_read_open_fd(in, fd, STORE_BLOCK) == ARCHIVE_OK)
		result = receive_all(store, in, limits, received, err);
	else
		snprintf(err, SANDBOX_ERRLEN,
		    "The upload has no archive after its list. Push again.");
	archive_read_free(in);
	return result;
}

/* ---- out ------------------------------------------------------------- */

/* 0 with the file's hash; 1 if it is not what it was to be; -1 with err. */
static int
copy_bytes(struct store *store, int fd, uint64_t size, uint8_t hash[PUSH_HASH],
    struct unpack *u)
{
	crypto_hash_sha256_state state;
	uint64_t at = 0;
	ssize_t n;

	crypto_hash_sha256_init(&state);
	while ((n = read(fd, store->block, STORE_BLOCK)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 || (uint64_t)n > size - at)
			return 1;
		crypto_hash_sha256_update(&state, store->block, (size_t)n);
		if (unpack_write(u, store->block, (size_t)n, (int64_t)at) == -1)
			return -1;
		at += (uint64_t)n;
	}
	crypto_hash_sha256_final(&state, hash);
	return at == size ? 0 : 1;
}

int
store_copy(
    struct store *store, const uint8_t *wanted, uint64_t size, struct unpack *u)
{
	char name[2 * PUSH_HASH + 1];
	uint8_t hash[PUSH_HASH];
	struct stat st;
	int fd, result = 1;

	push_hash_format(name, wanted);
	fd = openat(
	    store->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return 1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size == size)
		result = copy_bytes(store, fd, size, hash, u);
	close(fd);
	if (result == 0 && memcmp(hash, wanted, PUSH_HASH) != 0)
		result = 1;
	if (result == 1)
		(void)unlinkat(store->fd, name, 0);
	return result;
}

/* ---- what goes ------------------------------------------------------- */

static int
by_hash(const void *a, const void *b)
{
	return memcmp(a, b, PUSH_HASH);
}

void
store_keep(struct store *store, const uint8_t *hashes, size_t n)
{
	uint8_t hash[PUSH_HASH];
	struct dirent *entry;
	int fd = openat(store->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd != -1 ? fdopendir(fd) : NULL;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (strlen(entry->d_name) == 2 * PUSH_HASH &&
		    push_hash_parse(entry->d_name, hash) == 0 && n > 0 &&
		    bsearch(hash, hashes, n, PUSH_HASH, by_hash) != NULL)
			continue;
		if (unlinkat(store->fd, entry->d_name, 0) == -1 &&
		    errno == EISDIR)
			(void)unlinkat(store->fd, entry->d_name, AT_REMOVEDIR);
	}
	if (dir != NULL)
		closedir(dir);
	else if (fd != -1)
		close(fd);
}
