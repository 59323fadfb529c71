/*
 * A push with a list: receives what is new into the app's store, makes the
 * tree of the list from there, and takes out of the store what this push has
 * no use for.
 */
#include "sandbox/build.h"

#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/push.h"

struct list {
	char *text;
	size_t len;
	size_t files;    /* that are not empty */
	uint8_t *hashes; /* theirs, sorted */
};

/* The file that unpack_add is about to want. */
struct source {
	struct store *store;
	const struct push_record *record;
	int missing;
};

static int
refuse(char err[SANDBOX_ERRLEN], const char *what)
{
	snprintf(err, SANDBOX_ERRLEN, "The upload was refused: %s.", what);
	return PUSH_EXIT_REFUSED;
}

/* len bytes from fd on, no more: the archive begins after them. */
static int
read_exactly(int fd, char *to, size_t len)
{
	ssize_t n;

	for (; len > 0; to += n, len -= (size_t)n) {
		n = read(fd, to, len);
		if (n == 0 || (n == -1 && errno != EINTR))
			return -1;
		if (n == -1)
			n = 0;
	}
	return 0;
}

static int
read_list(int fd, struct list *list, char err[SANDBOX_ERRLEN])
{
	char head[PUSH_HEAD_MAX];
	uint64_t bytes = 0;
	ssize_t n = 0;
	size_t len = 0;

	/* Byte by byte: it is short, and fd may be a pipe. */
	while (n == 0 && len < sizeof(head)) {
		if (read_exactly(fd, head + len, 1) == -1)
			break;
		n = push_head_parse(head, ++len, &bytes);
	}
	if (n <= 0)
		return refuse(err,
		    "it does not begin with \"" PUSH_HEAD "BYTES\" and a list");
	list->len = bytes;
	if ((list->text = malloc(bytes)) == NULL)
		return refuse(err, "there is no memory for its list");
	if (read_exactly(fd, list->text, bytes) == -1)
		return refuse(err, "its list is cut off. Push again");
	return 0;
}

static int
by_hash(const void *a, const void *b)
{
	return memcmp(a, b, PUSH_HASH);
}

/* Each record is looked at before anything is made. */
static int
index_list(struct list *list, const struct unpack_limits *limits,
    char err[SANDBOX_ERRLEN])
{
	struct push_record record;
	uint64_t entries = 0;
	size_t at = 0, room = 0;
	ssize_t n;

	for (; at < list->len; at += (size_t)n) {
		n = push_record_parse(list->text + at, list->len - at, &record);
		if (n <= 0)
			return refuse(err, "its list has an entry that is "
					   "none: see common/push.h");
		if (++entries > limits->entries)
			return refuse(err, "it has too many files and folders. "
					   "List what the app does not need "
					   "in .slugignore");
		if (record.kind != 'f' || record.size == 0)
			continue;
		if (list->files == room) {
			room = room == 0 ? 256 : room * 2;
			list->hashes =
			    reallocarray(list->hashes, room, PUSH_HASH);
			if (list->hashes == NULL)
				abort();
		}
		memcpy(list->hashes + list->files++ * PUSH_HASH, record.hash,
		    PUSH_HASH);
	}
	if (list->files > 0)
		qsort(list->hashes, list->files, PUSH_HASH, by_hash);
	return 0;
}

/* ---- the tree -------------------------------------------------------- */

static int
copy_file(struct unpack *u, void *arg)
{
	struct source *source = arg;
	int result = store_copy(
	    source->store, source->record->hash, source->record->size, u);

	if (result != 1)
		return result;
	source->missing = 1;
	return unpack_refuse(u,
	    "was not sent, and the platform does not have it (any more). "
	    "Push again with all files");
}

static void
fill_entry(struct archive_entry *entry, const struct push_record *r)
{
	static const unsigned types[] = {
	    ['f'] = AE_IFREG, ['d'] = AE_IFDIR, ['l'] = AE_IFLNK};

	archive_entry_clear(entry);
	archive_entry_set_filetype(entry, types[(unsigned char)r->kind]);
	archive_entry_set_pathname(entry, r->path);
	archive_entry_set_perm(entry, (mode_t)r->mode);
	archive_entry_set_mtime(entry, r->mtime, 0);
	archive_entry_set_size(entry, r->kind == 'f' ? (int64_t)r->size : 0);
	if (r->target != NULL)
		archive_entry_set_symlink(entry, r->target);
}

static int
make_tree(struct list *list, struct store *store, int dirfd,
    const struct unpack_limits *limits, struct unpack_stats *stats,
    char err[SANDBOX_ERRLEN])
{
	struct archive_entry *entry = archive_entry_new();
	struct unpack *u = unpack_begin(dirfd, limits, stats, err);
	struct push_record record;
	struct source source = {store, &record, 0};
	size_t at = 0;
	int result = 0;

	if (entry == NULL)
		abort();
	while (u != NULL && result == 0 && at < list->len) {
		at += (size_t)push_record_parse(
		    list->text + at, list->len - at, &record);
		fill_entry(entry, &record);
		result = unpack_add(u, entry, copy_file, &source);
	}
	if (u != NULL)
		result = unpack_end(u, result);
	archive_entry_free(entry);
	if (u != NULL && result == 0)
		return 0;
	return source.missing ? PUSH_EXIT_MISSING : PUSH_EXIT_REFUSED;
}

static int
unpack_list(int fd, struct list *list, struct store *store, int dirfd,
    const struct unpack_limits *limits, struct unpack_stats *stats,
    char err[SANDBOX_ERRLEN])
{
	uint64_t received;
	int result;

	if (store_receive(store, fd, limits, &received, err) == -1)
		return PUSH_EXIT_REFUSED;
	if ((result = make_tree(list, store, dirfd, limits, stats, err)) != 0)
		return result;
	printf("-----> %llu files came with this push, the rest of %zu was "
	       "here\n",
	    (unsigned long long)received, list->files);
	store_keep(store, list->hashes, list->files);
	return 0;
}

int
resources_unpack(int fd, int dirfd, const char *cache,
    const struct unpack_limits *limits, struct unpack_stats *stats,
    char err[SANDBOX_ERRLEN])
{
	struct list list = {0};
	struct store *store;
	int result;

	if ((result = read_list(fd, &list, err)) == 0 &&
	    (result = index_list(&list, limits, err)) == 0) {
		store = store_open(cache, err);
		result = store == NULL ? PUSH_EXIT_REFUSED
				       : unpack_list(fd, &list, store, dirfd,
					     limits, stats, err);
		if (store != NULL)
			store_close(store);
	}
	free(list.text);
	free(list.hashes);
	return result;
}
