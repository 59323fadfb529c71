/*
 * A folder's content in a fixed order (byte order of names, a folder before
 * what is in it), without what .gitignore and .slugignore leave out.
 */
#ifndef PAAS_CLI_WALK_H
#define PAAS_CLI_WALK_H

#include <sys/stat.h>

#include "common/conf.h"

struct walk;

struct walk_entry {
	const char *path; /* from the folder: "src/main.c" */
	const struct stat *st;
	int fd;             /* a regular file, open for reading; else -1 */
	const char *target; /* of a symlink; else NULL */
	int skipped;        /* a socket, pipe or device: not to be sent */
};

/*
 * NULL with a sentence in err.  .gitignore files of the parents count too if
 * the folder is part of a git work tree, and so does its info/exclude.
 */
struct walk *walk_open(const char *folder, int flags, char err[PAAS_ERRLEN]);
#define WALK_WHOLE 0x01 /* nothing is left out, whatever such files say */
void walk_close(struct walk *);

/*
 * The next entry, valid until the call after it: 1; 0 at the end; -1 with a
 * sentence in err.  open_files tells whether fd is wanted.
 */
int walk_next(
    struct walk *, struct walk_entry *, int open_files, char err[PAAS_ERRLEN]);

#endif
