/*
 * What all logs of an app may have together: bytes on disk, and bytes a
 * second.  Its writers, the shims and paas-logger, share a page for it,
 * state/log/APP/.bounds: each counts what it writes there, and whoever comes
 * to the end removes what is oldest.  What any of them left wrong, as it was
 * killed, the next look at the folder puts right: it is made while nobody has
 * counted what he has not written yet.
 */
#include "launcher/shim_bounds.h"

#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAGIC 0x31646e756f627370ULL /* "psbound1" */
#define NAME  ".bounds"
#define CHUNK (16 * 1024)

#define SECOND_NS 1000000000ULL

/* Where nothing could be removed, so long is waited before another look. */
#define LOOK_NS SECOND_NS

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

/* ---- the page ---------------------------------------------------------- */

struct shim_bounds *
shim_bounds_open(int dir, int *lock)
{
	struct shim_bounds *b = MAP_FAILED;
	uint64_t none = 0;
	struct stat st;
	int fd;

	if (lock != NULL)
		*lock = -1;
	fd = openat(dir, NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd == -1)
		return NULL;
	/* A hole, on a full disk, would be a SIGBUS to whoever fills it. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    posix_fallocate(fd, 0, sizeof(*b)) == 0)
		b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED,
		    fd, 0);
	/* A new one is all zeroes, which bound nothing. */
	if (b != MAP_FAILED &&
	    !atomic_compare_exchange_strong(&b->magic, &none, MAGIC) &&
	    none != MAGIC) {
		munmap(b, sizeof(*b));
		b = MAP_FAILED;
		errno = EINVAL;
	}
	if (b != MAP_FAILED && lock != NULL)
		*lock = fd;
	else
		close(fd);
	return b == MAP_FAILED ? NULL : b;
}

void
shim_bounds_close(struct shim_bounds *b)
{
	if (b != NULL)
		munmap(b, sizeof(*b));
}

void
shim_bounds_lock(int lock, int how)
{
	int rc;

	do
		rc = flock(lock, how);
	while (rc == -1 && errno == EINTR);
}

void
shim_bounds_set(struct shim_bounds *b, uint64_t max, uint64_t rate)
{
	atomic_store(&b->max, max);
	atomic_store(&b->rate, rate);
}

/* ---- bytes a second ---------------------------------------------------- */

/*
 * The generic cell rate algorithm (ITU-T I.371, annex A): one number tells
 * when all that went by would have gone at the even rate; a second's worth
 * may go ahead of it, and never less than `least` bytes.
 */
int
shim_bounds_pass(struct shim_bounds *b, size_t len, size_t least)
{
	uint64_t rate = atomic_load(&b->rate), now, ahead, due, next, take;

	if (rate == 0)
		return 1;
	take = (uint64_t)len * SECOND_NS / rate;
	ahead = (uint64_t)least * SECOND_NS / rate;
	if (ahead < SECOND_NS)
		ahead = SECOND_NS;
	now = now_ns();
	due = atomic_load(&b->due);
	do {
		/* A time that can't be is one of before a boot, or another
		 * rate's. */
		next = due < now || due > now + 2 * ahead ? now : due;
		next += take;
		if (next > now + ahead)
			return 0;
	} while (!atomic_compare_exchange_weak(&b->due, &due, next));
	return 1;
}

/* ---- bytes on disk ----------------------------------------------------- */

/* "ID.log" is 1, "ID.log.1" is 2, all else 0. */
static int
file_kind(const char *name)
{
	if (strspn(name, "0123456789abcdef") != 16 ||
	    strncmp(name + 16, ".log", 4) != 0)
		return 0;
	return name[20] == '\0' ? 1 : strcmp(name + 20, ".1") == 0 ? 2 : 0;
}

uint64_t
shim_bounds_lines(int fd)
{
	char buf[CHUNK], *at;
	uint64_t lines = 0;
	off_t pos = 0;
	ssize_t n;

	while ((n = pread(fd, buf, sizeof(buf), pos)) > 0) {
		pos += n;
		for (at = buf;
		     (at = memchr(at, '\n', (size_t)(buf + n - at))) != NULL;
		     at++)
			lines++;
	}
	return lines;
}

/* That nobody writes to: its writer holds a lock as long as it does. */
static int
file_is_free(int fd, int kind)
{
	return kind == 2 || flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/*
 * The bytes of all of them.  oldest gets the name of the one that was written
 * to least lately and may go, or "".
 */
static uint64_t
folder_look(int dir, char oldest[32])
{
	struct timespec least = {0};
	struct dirent *entry;
	uint64_t bytes = 0;
	struct stat st;
	int fd, kind;
	DIR *d;

	oldest[0] = '\0';
	if ((fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return 0;
	if ((d = fdopendir(fd)) == NULL) {
		close(fd);
		return 0;
	}
	while ((entry = readdir(d)) != NULL) {
		if ((kind = file_kind(entry->d_name)) == 0 ||
		    (fd = openat(dir, entry->d_name,
			 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) == -1)
			continue;
		if (fstat(fd, &st) == 0) {
			bytes += (uint64_t)st.st_size;
			if ((oldest[0] == '\0' ||
				st.st_mtim.tv_sec < least.tv_sec ||
				(st.st_mtim.tv_sec == least.tv_sec &&
				    st.st_mtim.tv_nsec < least.tv_nsec)) &&
			    file_is_free(fd, kind)) {
				least = st.st_mtim;
				snprintf(oldest, 32, "%.31s", entry->d_name);
			}
		}
		close(fd);
	}
	closedir(d);
	return bytes;
}

/* 0, or -1 if somebody took it up meanwhile. */
static int
file_remove(int dir, const char *name, uint64_t *lines)
{
	int fd, rc = -1;

	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (file_is_free(fd, file_kind(name)) &&
	    (rc = unlinkat(dir, name, 0)) == 0)
		*lines += shim_bounds_lines(fd);
	close(fd);
	return rc;
}

void
shim_bounds_count(struct shim_bounds *b, int dir)
{
	char oldest[32];

	atomic_store(&b->used, folder_look(dir, oldest));
}

uint64_t
shim_bounds_free(struct shim_bounds *b, int dir, size_t len)
{
	uint64_t bytes, lines = 0, max = atomic_load(&b->max);
	char oldest[32];

	for (;;) {
		bytes = folder_look(dir, oldest);
		atomic_store(&b->used, bytes);
		/* Some more at a time: a look costs more than a line. */
		if (bytes + len <= max - max / 8 || oldest[0] == '\0' ||
		    file_remove(dir, oldest, &lines) == -1)
			return lines;
	}
}

void
shim_bounds_give(struct shim_bounds *b, uint64_t len)
{
	(void)atomic_fetch_sub(&b->used, len);
}

int
shim_bounds_take(struct shim_bounds *b, size_t len)
{
	uint64_t max = atomic_load(&b->max);
	uint64_t used = atomic_fetch_add(&b->used, len) + len;

	if (used <= max || max == 0)
		return 1;
	shim_bounds_give(b, len);
	return 0;
}

int
shim_bounds_again(uint64_t *look)
{
	uint64_t now = now_ns();

	if (*look != 0 && now < *look)
		return 0;
	*look = now + LOOK_NS;
	return 1;
}
