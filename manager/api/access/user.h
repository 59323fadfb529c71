/*
 * Users: user/EMAIL in the store (keys.h), the address in lower case.
 */
#ifndef PAAS_API_USER_H
#define PAAS_API_USER_H

#include <jansson.h>
#include <stdint.h>

#include "api/access/password.h"
#include "api/access/who.h"
#include "store/store.h"

struct request;

#define USER_EMAIL        WHO_NAME /* with the NUL */
#define USER_PASSWORD_MIN 8
#define USER_PASSWORD_MAX 256
#define USERS_MAX         10000

/* How somebody without a password gets one: "setup_" and 64 hex digits. */
#define USER_SETUP_PREFIX "setup_"
#define USER_SETUP_TEXT   (sizeof(USER_SETUP_PREFIX) - 1 + 64 + 1)
#define USER_SETUP_LIFE   (24 * 3600 * 1000000LL)

int user_email_valid(const char *);

/* Lower case; 0, or -1 if it is no address. */
int user_email(char out[USER_EMAIL], const char *text);

/* A new reference, NULL if there is none. */
json_t *user_get(struct store *, const char *email, uint64_t *rev);

/* By address, by id, or "~" for who asks; NULL: there is none. */
json_t *user_look(
    struct request *, const char *which, char email[USER_EMAIL], uint64_t *rev);

/* The answer for that. */
void user_missing(struct request *, const char *which);

/* The same, NULL after an answer. */
json_t *user_find(
    struct request *, const char *which, char email[USER_EMAIL], uint64_t *rev);

int user_is_suspended(json_t *user);

/* Whether there is nobody at all. */
int user_is_none(struct store *);

/* ---- user_secret.c */

/*
 * For verbs: the hash of a new password, and whether one is that of a user
 * (NULL: of nobody).  NULL and -1 say that the verb is run again once that is
 * known, or that there is an answer.  The hash is the request's.
 */
const char *user_hash(struct request *, const char *password);
int user_check(
    struct request *, json_t *user, const char *password, enum password_turn);

/* ---- user_json.c */

/* As people see it, without its password. */
json_t *model_user(const char *email, json_t *user);
json_t *model_user_ref(const char *email, const char *id); /* {email, id} */

/* The same of whom a record names by address alone. */
json_t *model_user_named(struct store *, const char *email);

/* ---- setup.c */

/*
 * Adds a new token to a transaction that gives `email`, the user of that id,
 * a password; with "" for both, it is for the first administrator.  Its text.
 */
void setup_add(struct store_txn *, char text[USER_SETUP_TEXT],
    const char *email, const char *id);

#endif
