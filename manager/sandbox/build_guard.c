/*
 * Bounds what the programs of a build say and write.  What goes round it (by
 * holding deleted files open, or by stopping this process) meets the
 * manager's bounds: build_timeout, disk_reserve, and the rate of the log.
 */
#include "sandbox/build.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS      1000
#define LOOK_SHARE   20 /* of the time at most a 20th goes into looking */
#define FORKLESS_MAX 3
#define MIB          (1024 * 1024)

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int
guard_say(
    struct guard *guard, const char *text, size_t len, char err[SANDBOX_ERRLEN])
{
	size_t left = len;
	ssize_t n;

	guard->output += len;
	while (left > 0) {
		n = write(STDOUT_FILENO, text, left);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			break;
		text += n;
		left -= (size_t)n;
	}
	if (guard->output_max == 0 || guard->output <= guard->output_max)
		return 0;
	snprintf(err, SANDBOX_ERRLEN,
	    "The build printed more than %llu MiB and was ended (build_output "
	    "in paas.conf): have it say less.",
	    (unsigned long long)(guard->output_max / MIB));
	return -1;
}

int
guard_wait(const struct guard *guard)
{
	uint64_t now = now_ms();

	return guard->next > now ? (int)(guard->next - now) : 0;
}

/* A file with many names counts as its share for each of them. */
static uint64_t
disk_size(const struct stat *st)
{
	uint64_t bytes = (uint64_t)st->st_blocks * 512;

	return S_ISREG(st->st_mode) && st->st_nlink > 1
		   ? bytes / (uint64_t)st->st_nlink
		   : bytes;
}

uint64_t
guard_disk(const char *dir)
{
	char *dirs[] = {(char *)(uintptr_t)dir, NULL};
	uint64_t sum = 0;
	FTSENT *entry;
	FTS *fts;

	fts = fts_open(dirs, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	if (fts == NULL)
		return 0;
	while ((entry = fts_read(fts)) != NULL)
		if (entry->fts_info == FTS_F || entry->fts_info == FTS_D ||
		    entry->fts_info == FTS_SL)
			sum += disk_size(entry->fts_statp);
	fts_close(fts);
	return sum;
}

static uint64_t
disk_used(const struct guard *guard)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(guard->dirs) / sizeof(guard->dirs[0]);
	     i++)
		if (guard->dirs[i] != NULL)
			sum += guard_disk(guard->dirs[i]);
	return sum;
}

/* Whether there is room for one more process. */
static int
can_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid == -1)
		return errno != EAGAIN;
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
	return 1;
}

int
guard_look(struct guard *guard, char err[SANDBOX_ERRLEN])
{
	uint64_t start = now_ms(), took;

	guard->forkless = can_fork() ? 0 : guard->forkless + 1;
	if (guard->forkless >= FORKLESS_MAX) {
		snprintf(err, SANDBOX_ERRLEN,
		    "The build has as many processes as it may have at once, "
		    "and was ended (build_pids in paas.conf): have it "
		    "start fewer.");
		return -1;
	}
	if (guard->disk_max != 0 && disk_used(guard) > guard->disk_max) {
		snprintf(err, SANDBOX_ERRLEN,
		    "The build wrote more than %llu MiB and was ended "
		    "(build_disk in paas.conf): have it write less, or list "
		    "what it does not need in .slugignore.",
		    (unsigned long long)(guard->disk_max / MIB));
		return -1;
	}
	took = (now_ms() - start) * LOOK_SHARE;
	guard->next = now_ms() + (took > LOOK_MS ? took : LOOK_MS);
	return 0;
}
