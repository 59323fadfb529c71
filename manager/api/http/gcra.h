/*
 * GCRA, the generic cell rate algorithm of ITU-T I.371, for strangers: of each
 * key the time is kept at which all that it may use is there again.  A table
 * of fixed size; when it is full, who used least is forgotten first, and has
 * all of it again.
 */
#ifndef PAAS_API_GCRA_H
#define PAAS_API_GCRA_H

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>

#define GCRA_SETS 1024
#define GCRA_WAYS 4

struct gcra_row {
	uint64_t tag;
	int64_t full; /* when all is there again, in microseconds */
};

struct gcra {
	uint8_t seed[crypto_shorthash_KEYBYTES]; /* strangers choose the keys */
	struct gcra_row rows[GCRA_SETS][GCRA_WAYS];
};

/* Of a table that is all zero. */
void gcra_init(struct gcra *);

/* The key's row; NULL if it has none, and so has used nothing. */
const struct gcra_row *gcra_find(
    const struct gcra *, const void *key, size_t len);

/* The key's row, made if need be; full is not before now. */
struct gcra_row *gcra_use(
    struct gcra *, const void *key, size_t len, int64_t now);

#endif
