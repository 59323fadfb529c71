/*
 * paas-inspect: looks at what a build left, from a sandbox of its own that
 * sees the build's folder read only and has no network, and archives it; in
 * another one, makes a tree again of such an archive.
 */
#ifndef PAAS_SANDBOX_INSPECT_H
#define PAAS_SANDBOX_INSPECT_H

#include "sandbox/sandbox.h"

#define SETTINGS_MAX (48 * 1024) /* as JSON: a log line holds them */

#define TREE_HASH_LEN  32
#define TREE_DEPTH_MAX 200 /* folders in folders */
#define RESULT_MAX     (1024 * 1024)

struct tree_limits {
	uint64_t bytes;
	uint64_t entries;
};

struct tree_stats {
	uint64_t bytes;
	uint64_t entries; /* without the root */
};

struct tree_entry {
	char kind;          /* 'f', 'd' or 'l', as below */
	const char *path;   /* below the root */
	const char *target; /* of a link; or NULL */
	unsigned mode;
	uint64_t size;
	int64_t mtime;
	int fd; /* of a file, at its start; the walk closes it */
};

/* 0 to go on, or -1 with err. */
typedef int tree_visit(
    void *arg, const struct tree_entry *, char err[SANDBOX_ERRLEN]);

/* Every entry below the root, in the order of tree_hash: 0, or -1 with err. */
int tree_walk(int dirfd, const struct tree_limits *limits,
    struct tree_stats *stats, tree_visit *visitor, void *arg,
    char err[SANDBOX_ERRLEN]);

/* "The built app has "PATH", WHAT." or why it can't be read, by errno; -1. */
int tree_wrong(char err[SANDBOX_ERRLEN], const char *path, const char *what);
int tree_wrong_errno(char err[SANDBOX_ERRLEN], const char *path);

/*
 * The name of a tree by its content.  SHA-256 over a manifest: first the
 * line "paas-tree 1\n", then for each entry below the root, in the order of
 * a walk that takes the names of a folder in order of their bytes,
 *
 *   file    "f MODE SIZE SHA256\0PATH\0"
 *   folder  "d MODE 0 -\0PATH\0"
 *   link    "l 777 SIZE -\0PATH\0TARGET\0"
 *
 * MODE is octal, mode & 0755; SIZE is decimal, in bytes (of TARGET for a
 * link); SHA256 is that of the content, 64 lower-case hex digits; PATH is
 * relative to the root, '/' between names.  A file with many names counts
 * with each of them.  Times, owners and extended attributes don't count.
 * t/unit/tree_hash.c spells one out.  Returns 0, or -1 with a sentence in err:
 * beyond a limit, something that is no file, folder or link, or unreadable.
 */
int tree_hash(int dirfd, const struct tree_limits *, struct tree_stats *,
    uint8_t hash[TREE_HASH_LEN], char err[SANDBOX_ERRLEN]);

/*
 * The form in which a slug is kept: a pax archive with the entries of
 * tree_walk, their modes and the seconds of their times, of no owner, below
 * zstd.  Times are in it, though they don't count in the hash: a web server's
 * ETag and Python's compiled files rest on them.
 *
 * Written to ARCHIVE_NAME in dir, whatever was there.  0 with its bytes, or
 * -1 with err.
 */
#define ARCHIVE_NAME "slug.tar.zst"

int archive_tree(int app, int dir, const struct tree_limits *, uint64_t *bytes,
    char err[SANDBOX_ERRLEN]);

/*
 * Makes the tree of such an archive, read from fd, below the working
 * directory, which is empty, and hashes it.  0; or the exit status of
 * paas-inspect (common/unpack.h) with err.
 */
int archive_unpack(int fd, const struct tree_limits *,
    const uint8_t wanted[TREE_HASH_LEN], char err[SANDBOX_ERRLEN]);

struct inspect_found {
	char buildpack[SANDBOX_PACK_MAX + 1];
	struct types types;
	struct json_t *config; /* config vars, an object of strings; or NULL */
	struct json_t *settings; /* what the app says of itself; or NULL */
	struct json_t *image;    /* not checked; or NULL */
};

/*
 * Reads result.json in dirfd, written by code of strangers.  Returns 0, or -1
 * with a sentence in err; inspect_free in any case.
 */
int inspect_result(int dirfd, struct inspect_found *, char err[SANDBOX_ERRLEN]);
void inspect_free(struct inspect_found *);

/* Whether the tree at app can be run as this says: 0, or -1 with err. */
int inspect_image(int app, struct json_t *image, char err[SANDBOX_ERRLEN]);

#endif
