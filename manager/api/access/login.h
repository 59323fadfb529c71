/*
 * An address and a password, of somebody who logs in.
 */
#ifndef PAAS_API_LOGIN_H
#define PAAS_API_LOGIN_H

#include <jansson.h>
#include <stdint.h>

#include "api/access/user.h"

struct request;
struct store_txn;

struct login {
	char email[USER_EMAIL]; /* lower case */
	char password[USER_PASSWORD_MAX + 1];
};

/* What attempts at an account are counted by, from wherever they come. */
uint64_t login_number(const char *account);

/*
 * For verbs: whether they fit, by the limits on attempts.  The record of the
 * user, a new reference, whose request it is from here on; *txn is begun and
 * notes when and from where.  NULL: there is an answer, or the verb is run
 * again once it is known.
 */
json_t *login_enter(
    struct request *, const struct login *, struct store_txn **txn);

#endif
