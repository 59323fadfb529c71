/*
 * API tokens: 256 random bits, shown once when they are made.  The store has
 * their hash alone, in token/ID (keys.h).
 *
 *   paas_ID_SECRET       16 and 64 hex digits
 *
 * The id is no secret: it names the token in lists, and finds its record
 * without a search.
 */
#ifndef PAAS_API_TOKEN_H
#define PAAS_API_TOKEN_H

#include <jansson.h>
#include <stdint.h>

#include "api/server.h"
#include "store/keys.h"

struct request;
struct store_txn;

#define TOKEN_PREFIX "paas_"
#define TOKEN_SECRET 32 /* bytes, and of their hash */
#define TOKEN_TEXT   (sizeof(TOKEN_PREFIX) - 1 + 16 + 1 + 64 + 1)
#define TOKEN_HASH   (2 * TOKEN_SECRET + 1) /* in hex, with the NUL */

#define TOKEN_MAX 1000 /* of a user, and of all who have no account */

struct token {
	uint64_t id;
	uint8_t secret[TOKEN_SECRET];
};

/* A new one, its id greater than those made before. */
void token_make(struct token *);

/* With the NUL. */
void token_format(char out[TOKEN_TEXT], const struct token *);

/* len bytes, which need no NUL and are a stranger's: 0, or -1. */
int token_parse(struct token *, const char *text, size_t len);

/* BLAKE2b of the secret, in hex: what a record keeps. */
void token_hash(char out[TOKEN_HASH], const struct token *);

/*
 * Whether the secret is that of the record (NULL: there is none, which takes
 * as long to say), and it has not expired at `now`, in microseconds.
 */
int token_fits(const struct token *, json_t *record, int64_t now);

/* Forgets the secret. */
void token_wipe(struct token *);

/* ---- token_issue.c */

struct token_wish {
	const char *scope; /* words between blanks, found fine */
	const char *description;
	int64_t seconds; /* until it expires; 0: never */
	int session;     /* made by a log-in */
};

/*
 * Makes a token of whoever asks, of r->app if that is one, in the commit of
 * txn, which is taken, and answers 201 with it in the shape given.
 */
typedef json_t *(*token_shape)(
    struct store *, const char *id, json_t *record, const char *text);
void token_issue(struct request *, struct store_txn *,
    const struct token_wish *, token_shape);

/* ---- token_find.c */

/* Whether the one who asks may see it: a token's record, or a session's. */
int token_is_seen(const struct request *, json_t *record);

struct token_found {
	char id[17];
	char key[STORE_KEY_MAX + 1];
	json_t *record; /* the caller's */
	uint64_t rev;
};

/*
 * KIND/ID of the path, "token" or "session"; "~" is `own`, or nobody's if that
 * is 0.  0, or -1 if there is none, or none that the one who asks may see.
 */
int token_find(
    struct request *, const char *kind, uint64_t own, struct token_found *);

/* ---- token_json.c */

/* Its record as people see it: nothing in there is secret. */
json_t *model_token(struct store *, const char *id, json_t *token);

#endif
