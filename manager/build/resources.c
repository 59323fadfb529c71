/*
 * Which files of an app the store of its builds has (common/push.h).
 *
 *   uploads/ID.list     of an upload: what its list names
 *   uploads/APP.known   of an app, by its number: of its last such upload
 *                       whose tree could be made
 *
 * Both are records of 40 bytes, a SHA-256 and the size in little endian, in
 * no order.  APP.known goes before a build may change the store and comes by
 * a rename when it has: what a crash leaves is at worst no list at all, and
 * then the next push sends everything.  It is a promise, not the truth: the
 * sandbox looks itself, and in this app's store only.
 */
#include "build/room.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/push.h"

#define RECORD    (PUSH_HASH + 8)
#define OUT_BYTES (RECORD * 256)

struct resources {
	int fd;
	int head;         /* has been read */
	uint64_t left;    /* bytes of the list, from then on */
	uint64_t entries; /* so far */
	size_t len;       /* of what is not a whole record yet */
	char text[PUSH_RECORD_MAX];
	size_t out_len;
	uint8_t out[OUT_BYTES];
};

void
resources_list_path(char *out, size_t len, uint64_t id)
{
	snprintf(out, len, "%016" PRIx64 ".list", id);
}

void
resources_known_path(char *out, size_t len, uint64_t app)
{
	snprintf(out, len, "%016" PRIx64 ".known", app);
}

/* ---- what an upload names -------------------------------------------- */

struct resources *
resources_open(struct build *b, uint64_t id)
{
	struct resources *list = malloc(sizeof(*list));
	char name[32];
	int error;

	if (list == NULL)
		return NULL;
	resources_list_path(name, sizeof(name), id);
	list->fd = openat(b->uploads, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (list->fd == -1) {
		error = errno;
		free(list);
		errno = error;
		return NULL;
	}
	list->left = list->entries = 0;
	list->len = list->out_len = 0;
	list->head = 0;
	return list;
}

void
resources_close(struct resources *list)
{
	if (list == NULL)
		return;
	close(list->fd);
	free(list);
}

int
resources_done(const struct resources *list)
{
	return list->head && list->left == 0;
}

static int
flush(struct resources *list)
{
	ssize_t n = write(list->fd, list->out, list->out_len);

	if (n != (ssize_t)list->out_len) {
		if (n != -1)
			errno = ENOSPC;
		return -1;
	}
	list->out_len = 0;
	return 0;
}

static int
note(struct resources *list, const struct push_record *record)
{
	uint8_t *at = list->out + list->out_len;

	if (record->kind != 'f' || record->size == 0)
		return 0;
	memcpy(at, record->hash, PUSH_HASH);
	for (int i = 0; i < 8; i++)
		at[PUSH_HASH + i] = (uint8_t)(record->size >> (8 * i));
	list->out_len += RECORD;
	return list->out_len == sizeof(list->out) ? flush(list) : 0;
}

static int
take_head(struct resources *list)
{
	ssize_t n = push_head_parse(list->text, list->len, &list->left);

	if (n <= 0)
		return n == 0 ? 0 : RESOURCES_WRONG;
	list->head = 1;
	list->len -= (size_t)n;
	memmove(list->text, list->text + n, list->len);
	return 0;
}

/* What is whole in text; its rest is moved to the front. */
static int
take_records(struct resources *list, uint64_t max)
{
	struct push_record record;
	size_t at = 0, len;
	ssize_t n;

	while (list->left > 0) {
		len = list->len - at;
		if (len > list->left)
			len = (size_t)list->left;
		n = push_record_parse(list->text + at, len, &record);
		if (n == -1 || (n == 0 && len == list->left))
			return RESOURCES_WRONG;
		if (n == 0)
			break;
		if (++list->entries > max)
			return RESOURCES_MANY;
		if (note(list, &record) == -1)
			return RESOURCES_ERRNO;
		at += (size_t)n;
		list->left -= (uint64_t)n;
	}
	list->len -= at;
	memmove(list->text, list->text + at, list->len);
	return list->left == 0 && flush(list) == -1 ? RESOURCES_ERRNO : 0;
}

int
resources_feed(
    struct resources *list, const char *data, size_t len, uint64_t max)
{
	size_t n;
	int result = 0;

	while (len > 0 && result == 0 && !resources_done(list)) {
		n = sizeof(list->text) - list->len;
		n = n < len ? n : len;
		memcpy(list->text + list->len, data, n);
		list->len += n;
		data += n;
		len -= n;
		if (!list->head)
			result = take_head(list);
		if (result == 0 && list->head)
			result = take_records(list, max);
	}
	return result;
}

/* ---- what an app's store has ----------------------------------------- */

void
build_forget(struct build *b, uint64_t app)
{
	char name[32];

	resources_known_path(name, sizeof(name), app);
	if (unlinkat(b->uploads, name, 0) == -1 && errno != ENOENT)
		log_warn("build: uploads/%s can't be removed: %s", name,
		    strerror(errno));
}

void
resources_settle(struct job *job)
{
	char list[32], known[32];

	resources_list_path(list, sizeof(list), job->id);
	resources_known_path(known, sizeof(known), job->number);
	/* ENOENT: before a crash it was done already. */
	if (renameat(job->build->uploads, list, job->build->uploads, known) ==
		-1 &&
	    errno != ENOENT)
		log_warn("build: uploads/%s can't be kept: %s", known,
		    strerror(errno));
}

static int
by_hash(const void *a, const void *b)
{
	const struct build_resource *const *x = a, *const *y = b;

	return memcmp((*x)->hash, (*y)->hash, PUSH_HASH);
}

/* All of `wanted`, sorted, that have this hash and size. */
static void
mark(struct build_resource **wanted, size_t n, const uint8_t *record)
{
	struct build_resource key, *key_at = &key, **found;
	uint64_t size = 0;

	memcpy(key.hash, record, PUSH_HASH);
	for (int i = 0; i < 8; i++)
		size |= (uint64_t)record[PUSH_HASH + i] << (8 * i);
	found = bsearch(&key_at, wanted, n, sizeof(*wanted), by_hash);
	if (found == NULL)
		return;
	while (found > wanted && by_hash(found - 1, &key_at) == 0)
		found--;
	for (; found < wanted + n && by_hash(found, &key_at) == 0; found++)
		(*found)->known = (*found)->size == size;
}

void
build_match(struct build *b, uint64_t app, struct build_resource *v, size_t n)
{
	struct build_resource **wanted = calloc(n + 1, sizeof(*wanted));
	uint8_t block[OUT_BYTES];
	char name[32];
	ssize_t len;
	size_t i;
	int fd;

	resources_known_path(name, sizeof(name), app);
	fd = openat(b->uploads, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	for (i = 0; i < n; i++) {
		v[i].known = 0;
		if (wanted != NULL)
			wanted[i] = &v[i];
	}
	if (fd != -1 && wanted != NULL && n > 0) {
		qsort(wanted, n, sizeof(*wanted), by_hash);
		while ((len = read(fd, block, sizeof(block))) >= RECORD)
			for (i = 0; i + RECORD <= (size_t)len; i += RECORD)
				mark(wanted, n, block + i);
	}
	if (fd != -1)
		close(fd);
	free(wanted);
}
