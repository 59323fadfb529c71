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

#define TOKEN_PREFIX "paas_"
#define TOKEN_SECRET 32 /* bytes, and of their hash */
#define TOKEN_TEXT   (sizeof(TOKEN_PREFIX) - 1 + 16 + 1 + 64 + 1)
#define TOKEN_HASH   (2 * TOKEN_SECRET + 1) /* in hex, with the NUL */

#define TOKEN_MAX 1000

struct token {
	uint64_t id;
	uint8_t secret[TOKEN_SECRET];
};

/* What a token may be used for: bits, by the words of its "scope". */
#define TOKEN_DEPLOY 0x01U /* push to an app, and fetch what was pushed */

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

/* The bits of a scope, 0 for a word that is none. */
unsigned int token_scope(const char *word);

/* Forgets the secret. */
void token_wipe(struct token *);

/* ---- token_json.c */

/* Its record as people see it: nothing in there is secret. */
json_t *model_token(const char *id, json_t *token);

#endif
