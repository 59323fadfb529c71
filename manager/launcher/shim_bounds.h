/*
 * What the logs of one app may have together.  Several processes use it at a
 * time; none of them waits for another.
 */
#ifndef PAAS_SHIM_BOUNDS_H
#define PAAS_SHIM_BOUNDS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* The page that they share; 0 bounds nothing. */
struct shim_bounds {
	_Atomic uint64_t magic;
	_Atomic uint64_t max;  /* bytes on disk */
	_Atomic uint64_t rate; /* bytes a second */
	_Atomic uint64_t used; /* bytes on disk, as far as it is known */
	_Atomic uint64_t due;  /* CLOCK_MONOTONIC in ns: see shim_bounds_pass */
};

/* dir is state/log/APP.  NULL with errno. */
struct shim_bounds *shim_bounds_open(int dir);
void shim_bounds_close(struct shim_bounds *);
void shim_bounds_set(struct shim_bounds *, uint64_t max, uint64_t rate);

/* May so many bytes go by now?  If so they have. */
int shim_bounds_pass(struct shim_bounds *, size_t len, size_t least);

/* So many bytes are to be written: 1, or 0 if there is no room for them. */
int shim_bounds_take(struct shim_bounds *, size_t len);
/* They were not, or are gone. */
void shim_bounds_give(struct shim_bounds *, uint64_t len);

/* Looks how many there are. */
void shim_bounds_count(struct shim_bounds *, int dir);

/*
 * Removes old files until there is room for len bytes and some more, as far
 * as there are any that nobody writes to.  The lines that went with them.
 */
uint64_t shim_bounds_free(struct shim_bounds *, int dir, size_t len);

/* Is it time to look again?  *look is the caller's, 0 at first. */
int shim_bounds_again(uint64_t *look);

/* The lines of a file. */
uint64_t shim_bounds_lines(int fd);

#endif
