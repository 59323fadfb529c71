#include "launcher/launcher_record.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

RB_GENERATE(records, record, entry, record_compare)

int
record_compare(struct record *a, struct record *b)
{
	return a->launch.id < b->launch.id ? -1 : a->launch.id > b->launch.id;
}

size_t
record_format(char out[RECORD_TEXT], const struct record *r)
{
	const struct launch_record *l = &r->launch;
	char slug[2 * LAUNCH_HASH + 1];
	size_t i;
	int n;

	for (i = 0; i < LAUNCH_HASH; i++)
		snprintf(slug + 2 * i, 3, "%02x", r->slug[i]);
	n = snprintf(out, RECORD_TEXT,
	    "boot=%s id=%016" PRIx64 " app=%" PRIu64 " build=%" PRIu64
	    " kind=%" PRIu32 " slot=%" PRIu32 " pid=%" PRId32 " start=%" PRIu64
	    " slug=%s cgroup=inst/%016" PRIx64 "\n",
	    r->boot, l->id, l->app, l->build, l->kind, l->slot, l->pid,
	    l->starttime, slug, l->id);
	return (size_t)n;
}

static int
hex_parse(uint8_t *out, const char *text, size_t len)
{
	unsigned int byte;
	size_t i;

	for (i = 0; i < len; i++) {
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return -EBADMSG;
		out[i] = (uint8_t)byte;
	}
	return 0;
}

int
record_parse(struct record *r, const char *text)
{
	struct launch_record *l = &r->launch;
	char slug[2 * LAUNCH_HASH + 1];
	char again[RECORD_TEXT];

	memset(r, 0, sizeof(*r));
	if (sscanf(text,
		"boot=%36[0-9a-f-] id=%16" SCNx64 " app=%" SCNu64
		" build=%" SCNu64 " kind=%" SCNu32 " slot=%" SCNu32
		" pid=%" SCNd32 " start=%" SCNu64 " slug=%64[0-9a-f]",
		r->boot, &l->id, &l->app, &l->build, &l->kind, &l->slot,
		&l->pid, &l->starttime, slug) != 9)
		return -EBADMSG;
	if (strlen(slug) != sizeof(slug) - 1 ||
	    hex_parse(r->slug, slug, LAUNCH_HASH) != 0)
		return -EBADMSG;

	/* Whatever we did not write so, byte by byte, we don't believe. */
	record_format(again, r);
	return strcmp(again, text) == 0 && l->id != 0 && l->pid > 1 ? 0
								    : -EBADMSG;
}

static void
record_names(uint64_t id, char name[32], char tmp[40])
{
	snprintf(name, 32, "%016" PRIx64, id);
	snprintf(tmp, 40, ".%s.tmp", name);
}

int
record_write(int dir, const struct record *r)
{
	char text[RECORD_TEXT], name[32], tmp[40];
	size_t len = record_format(text, r);
	int error = 0, fd;

	record_names(r->launch.id, name, tmp);
	(void)unlinkat(dir, tmp, 0);
	fd = openat(dir, tmp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd == -1)
		return -errno;
	errno = ENOSPC;
	if (write(fd, text, len) != (ssize_t)len)
		error = -errno;
	close(fd);
	if (error != 0)
		(void)unlinkat(dir, tmp, 0);
	return error;
}

int
record_publish(int dir, uint64_t id)
{
	char name[32], tmp[40];
	int error;

	record_names(id, name, tmp);
	if (renameat(dir, tmp, dir, name) == 0)
		return 0;
	error = -errno;
	(void)unlinkat(dir, tmp, 0);
	return error;
}

int
record_read(int dir, const char *name, struct record *r)
{
	char text[RECORD_TEXT];
	struct stat st;
	ssize_t n;
	int fd;

	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		return -errno;
	n = -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0)
		n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -EBADMSG;
	text[n] = '\0';
	return record_parse(r, text);
}

int
record_remove(int dir, uint64_t id)
{
	char name[32], tmp[40];

	record_names(id, name, tmp);
	(void)unlinkat(dir, tmp, 0);
	return unlinkat(dir, name, 0) == 0 || errno == ENOENT ? 0 : -errno;
}

struct record *
record_find(struct records *all, uint64_t id)
{
	struct record key = {.launch.id = id};

	return RB_FIND(records, all, &key);
}

struct record *
record_of_slot(struct records *all, uint32_t slot)
{
	struct record *r;

	RB_FOREACH (r, records, all) {
		if (r->launch.slot == slot)
			return r;
	}
	return NULL;
}

int
process_starttime(pid_t pid, uint64_t *starttime)
{
	char path[48], buf[1024], *at;
	ssize_t n;
	int fd, field;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return -ESRCH;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return -ESRCH;
	buf[n] = '\0';

	/* Field 2 is a name that may hold anything: the last parenthesis. */
	if ((at = strrchr(buf, ')')) == NULL || at[1] != ' ')
		return -ESRCH;
	if (at[2] == 'Z' || at[2] == 'X')
		return -ESRCH;
	for (field = 2; field < 22 && at != NULL; field++)
		at = strchr(at + 1, ' ');
	if (at == NULL)
		return -ESRCH;
	*starttime = strtoull(at + 1, NULL, 10);
	return 0;
}

uint32_t
record_state(const struct record *r)
{
	uint64_t start;

	if (process_starttime(r->launch.pid, &start) == 0 &&
	    start == r->launch.starttime)
		return LAUNCH_RUNNING;
	return LAUNCH_EXITED;
}

int
record_pidfd(const struct record *r)
{
	int fd;

	fd = (int)syscall(SYS_pidfd_open, r->launch.pid, 0);
	if (fd == -1)
		return -errno;
	/* Only now: the pid can't change hands behind an open pidfd. */
	if (record_state(r) == LAUNCH_RUNNING)
		return fd;
	close(fd);
	return -ESRCH;
}

int
boot_id_read(char out[RECORD_BOOT])
{
	ssize_t n;
	int fd;

	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -errno;
	n = read(fd, out, RECORD_BOOT - 1);
	close(fd);
	if (n != RECORD_BOOT - 1)
		return -EIO;
	out[n] = '\0';
	return 0;
}
