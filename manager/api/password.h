/*
 * Hashes of passwords: argon2id, made and checked by paas-password, a process
 * each, of which a few run at a time and the others wait for their turn.
 */
#ifndef PAAS_API_PASSWORD_H
#define PAAS_API_PASSWORD_H

#include "common/conf.h"

#define PASSWORD_HASH 128 /* bytes, with the NUL */

struct api;
struct passwords;

enum password_result {
	PASSWORD_GOOD,
	PASSWORD_WRONG,
	PASSWORD_BROKEN /* the helper could not say */
};

/* hash is that of password_hash; or NULL. */
typedef void (*password_cb)(enum password_result, const char *hash, void *arg);

struct passwords *passwords_open(struct api *, char err[PAAS_ERRLEN]);

/* Ends what is under way, which is broken then. */
void passwords_close(struct passwords *);

/*
 * Both call back later, exactly once.  0, or -1 if too many wait already.
 * A hash of NULL fits no password, and takes as long to say; those that are
 * `first`, as new passwords are, wait for none of the others, nor are they
 * refused for them.
 */
int password_hash(
    struct passwords *, const char *password, password_cb, void *arg);
int password_check(struct passwords *, const char *hash, const char *password,
    int first, password_cb, void *arg);

#endif
