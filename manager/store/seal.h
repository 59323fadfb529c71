/*
 * Secrets at rest: what a record of the store looks like if it may hold one,
 * and the file with the keys to that.
 *
 * A sealed value is XChaCha20-Poly1305 (RFC 8439 with a nonce of 24 bytes, as
 * libsodium has it) of the JSON, bound to the record's own key: a value that
 * is moved to another app's record does not open there.
 *
 *   byte  0        1, the version; no JSON begins with that
 *   bytes 1 to 8   which key: the first of the BLAKE2b hash of that
 *   bytes 9 to 32  nonce, random
 *   then           the text, as long as it was, and 16 bytes of tag
 *
 * The file has a key a line, 64 hex digits; the first is what is sealed with,
 * the others open what has not been sealed anew yet.
 */
#ifndef PAAS_STORE_SEAL_H
#define PAAS_STORE_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "common/conf.h"

#define SEAL_ID       8
#define SEAL_OVERHEAD (1 + SEAL_ID + 24 + 16)

struct seal;

/*
 * Reads the file of keys.  NULL with a sentence in err that names the file;
 * *missing says that there is none.
 */
struct seal *seal_load(const char *path, int *missing, char err[PAAS_ERRLEN]);
void seal_free(struct seal *);

/*
 * A file with one new key, durable before it returns: 0, or -1 with a
 * sentence in err.  One that is there already is left as it is.
 */
int seal_make(const char *path, char err[PAAS_ERRLEN]);

/* A new first key before those that are there; 0, or -1 as above. */
int seal_rotate(const char *path, char err[PAAS_ERRLEN]);

/* All but the first key are forgotten, here and in the file. */
int seal_forget_old(struct seal *, const char *path, char err[PAAS_ERRLEN]);
int seal_has_old(const struct seal *);

/* Whether a record may hold secrets, by its key. */
int seal_covers(const char *key);

/* The prefixes of all these, one after the other; NULL ends them. */
const char *seal_prefix(size_t n);

/* Whether a text is sealed, whether a key to it is here, and the first. */
int seal_is(const char *text, size_t len);
int seal_has(const struct seal *, const uint8_t id[SEAL_ID]);
int seal_is_current(const struct seal *, const char *text, size_t len);
const uint8_t *seal_id(const struct seal *);

/* Both: a new text of *outlen bytes, without a NUL; aborts without memory. */
char *seal_shut(const struct seal *, const char *key, const char *text,
    size_t len, size_t *outlen);

/* NULL: there is no key to it, or it is damaged, or another record's. */
char *seal_open(const struct seal *, const char *key, const char *text,
    size_t len, size_t *outlen);

#endif
