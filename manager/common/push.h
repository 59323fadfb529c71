/*
 * A push that leaves out what the platform has of it already.  Its body is
 *
 *   "paas-push 1 BYTES\n"          BYTES, decimal: of the list
 *   the list: for each entry of the folder, in an order in which a folder
 *   stands before what is in it,
 *
 *     file    "f MODE SIZE SHA256 TIME\0PATH\0"
 *     folder  "d MODE 0 - TIME\0PATH\0"
 *     link    "l 777 SIZE - TIME\0PATH\0TARGET\0"
 *
 *   a tar, gzipped or not, of the files that are new: each one once, and
 *   named by its SHA256, 64 lower-case hex digits
 *
 * MODE is octal, SIZE decimal in bytes (0 for a link will do), TIME decimal
 * in seconds since the epoch.  The list is read twice: by the manager, which
 * notes what there will be afterwards and looks at nothing else of the body,
 * and by paas-build, which makes the tree of it, in its sandbox.
 */
#ifndef PAAS_PUSH_H
#define PAAS_PUSH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PUSH_TYPE     "application/vnd.paas.push"
#define PUSH_HEAD     "paas-push 1 "
#define PUSH_HEAD_MAX 40 /* with its newline */
#define PUSH_LIST_MAX (256ULL * 1024 * 1024)
#define PUSH_HASH     32 /* SHA-256, binary */

/* The longest record: its words, a path and a target. */
#define PUSH_RECORD_MAX (128 + 2 * 4096)

struct push_record {
	char kind; /* 'f', 'd', 'l' */
	unsigned mode;
	uint64_t size;
	int64_t mtime;
	uint8_t hash[PUSH_HASH]; /* of a file */
	const char *path;        /* in the text; not checked */
	const char *target;      /* of a link; else NULL */
};

/*
 * The head, up to its newline: its bytes with that, and those of the list in
 * *bytes; 0 if len bytes are not all of it, -1 if it is none.
 */
ssize_t push_head_parse(const char *text, size_t len, uint64_t *bytes);

/* One record: its bytes; 0 if len bytes are not all of it, -1 if it is none. */
ssize_t push_record_parse(const char *text, size_t len, struct push_record *);

/* snprintf of a head or of a record's words, without what ends in a NUL. */
int push_head_format(char *out, size_t len, uint64_t bytes);
int push_record_format(char *out, size_t len, const struct push_record *);

void push_hash_format(char out[2 * PUSH_HASH + 1], const uint8_t *hash);

/* All 64 digits of text, which need not end there: 0, or -1. */
int push_hash_parse(const char *text, uint8_t hash[PUSH_HASH]);

/*
 * How paas-build ends, beside 0 and 1: the upload itself was refused, or it
 * counts on a file that is not there.
 */
#define PUSH_EXIT_REFUSED 3
#define PUSH_EXIT_MISSING 4

#endif
