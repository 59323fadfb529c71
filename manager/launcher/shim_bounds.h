/*
 * What the logs of one app may have together.  Several processes use it at a
 * time, and one waits for another no longer than that one's write() takes.
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

/*
 * dir is state/log/APP.  NULL with errno.  *lock, unless lock is NULL, gets a
 * descriptor for shim_bounds_lock(), the caller's to close; -1 with NULL.
 */
struct shim_bounds *shim_bounds_open(int dir, int *lock);
void shim_bounds_close(struct shim_bounds *);
void shim_bounds_set(struct shim_bounds *, uint64_t max, uint64_t rate);

/* May so many bytes go by now?  If so they have. */
int shim_bounds_pass(struct shim_bounds *, size_t len, size_t least);

/*
 * how is of flock(2): LOCK_SH for whoever takes or gives and writes or
 * removes what was taken or given, until both are done; LOCK_EX for whoever
 * looks into the folder; LOCK_UN.  So nobody looks between the two.
 */
void shim_bounds_lock(int lock, int how);

/* So many bytes are to be written: 1, or 0 if there is no room for them. */
int shim_bounds_take(struct shim_bounds *, size_t len);
/* They were not, or are gone. */
void shim_bounds_give(struct shim_bounds *, uint64_t len);

/* Looks how many there are, under LOCK_EX. */
void shim_bounds_count(struct shim_bounds *, int dir);

/*
 * Removes old files until there is room for len bytes and some more, as far
 * as there are any that nobody writes to.  The lines that went with them.
 * Under LOCK_EX.
 */
uint64_t shim_bounds_free(struct shim_bounds *, int dir, size_t len);

/* Is it time to look again?  *look is the caller's, 0 at first. */
int shim_bounds_again(uint64_t *look);

/* The lines of a file. */
uint64_t shim_bounds_lines(int fd);

#endif
