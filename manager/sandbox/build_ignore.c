/*
 * Takes away what .slugignore names.  paas push leaves it out by itself; a
 * tree that came by git has all of it.  The rules are the same ones, read by
 * the same code.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/push/ignore.h"
#include "sandbox/build.h"

#define IGNORE_FILE  "/.slugignore"
#define IGNORE_BYTES (1024 * 1024)
#define NFTW_FILES   16

/* The rules; NULL if there are none. */
static struct ignore *
rules_read(const char *app)
{
	char path[PATH_MAX], *text;
	struct ignore *rules = NULL;
	struct stat st;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "%s" IGNORE_FILE, app);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return NULL;
	if ((text = malloc(IGNORE_BYTES)) != NULL && fstat(fd, &st) == 0 &&
	    S_ISREG(st.st_mode))
		n = read(fd, text, IGNORE_BYTES);
	(void)close(fd);
	if (n > 0) {
		rules = ignore_new();
		ignore_push(rules, "", text, (size_t)n);
	}
	free(text);
	return rules;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Whether it is gone: -1 with errno. */
static int
remove_entry(FTS *walk, FTSENT *entry)
{
	if (entry->fts_info != FTS_D)
		return unlink(entry->fts_accpath);
	(void)fts_set(walk, entry, FTS_SKIP);
	return nftw(
	    entry->fts_accpath, remove_one, NFTW_FILES, FTW_DEPTH | FTW_PHYS);
}

static int
remove_named(FTS *walk, const struct ignore *rules, size_t top)
{
	FTSENT *entry;
	int count = 0;

	while ((entry = fts_read(walk)) != NULL) {
		if (entry->fts_level == 0 || entry->fts_info == FTS_DP ||
		    ignore_check(rules, entry->fts_path + top + 1,
			entry->fts_info == FTS_D) != IGNORE_EXCLUDE)
			continue;
		if (remove_entry(walk, entry) == -1)
			return -1;
		count++;
	}
	return count;
}

int
ignore_remove(const char *app, char err[SANDBOX_ERRLEN])
{
	char *const roots[] = {(char *)(uintptr_t)app, NULL};
	struct ignore *rules = rules_read(app);
	int count = -1;
	FTS *walk;

	if (rules == NULL)
		return 0;
	walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	if (walk != NULL)
		count = remove_named(walk, rules, strlen(app));
	if (count == -1)
		snprintf(err, SANDBOX_ERRLEN,
		    "What .slugignore names could not be taken away: %s.",
		    strerror(errno));
	if (walk != NULL)
		(void)fts_close(walk);
	ignore_free(rules);
	if (count > 0)
		printf("       .slugignore took away %d file%s or folder%s\n",
		    count, count == 1 ? "" : "s", count == 1 ? "" : "s");
	return count == -1 ? -1 : 0;
}
