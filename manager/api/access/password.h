/*
 * Hashes of passwords: argon2id, made and checked by paas-password, a process
 * each, of which a few run at a time and the others wait for their turn.
 *
 * Who guesses is not to hold up who knows: those that are more likely right
 * have their turn first, and those of strangers never run all at a time.
 */
#ifndef PAAS_API_PASSWORD_H
#define PAAS_API_PASSWORD_H

#include "common/conf.h"

#define PASSWORD_HASH 128 /* bytes, with the NUL */
#define PASSWORD_FROM 16

struct api;
struct passwords;

enum password_result {
	PASSWORD_GOOD,
	PASSWORD_WRONG,
	PASSWORD_BROKEN /* the helper could not say */
};

enum password_turn {
	PASSWORD_FIRST,    /* a new one, or of somebody known to be there */
	PASSWORD_STRANGER, /* from where nobody was wrong lately */
	PASSWORD_SUSPECT,  /* from where somebody was */
	PASSWORD_TURNS
};

/* hash is that of password_hash; or NULL. */
typedef void (*password_cb)(enum password_result, const char *hash, void *arg);

struct passwords *passwords_open(struct api *, char err[PAAS_ERRLEN]);

/* Ends what is under way, which is broken then. */
void passwords_close(struct passwords *);

/*
 * Both call back later, exactly once.  0, or -1 if too many of its turn wait
 * already.  A hash of NULL fits no password, and takes as long to say.  `from`
 * is where they are: of several strangers from one place, all but the first are
 * suspect.
 */
int password_hash(
    struct passwords *, const char *password, password_cb, void *arg);
int password_check(struct passwords *, const char *hash, const char *password,
    enum password_turn, const char *from, password_cb, void *arg);

#endif
