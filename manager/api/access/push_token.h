/*
 * What the hook of a push has: it may make one build of one app, and watch
 * it.  It is nowhere stored, but signed with a key that is:
 *
 *   push_TOKEN APP NONCE EXPIRES _MAC      without blanks; 16 hex digits each
 *
 * and the MAC is 64: BLAKE2b of all before it.  It ends with the token that
 * it was made by.
 */
#ifndef PAAS_API_PUSH_TOKEN_H
#define PAAS_API_PUSH_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#define PUSH_TOKEN_PREFIX "push_"
#define PUSH_TOKEN_KEY    32
#define PUSH_TOKEN_TEXT   (sizeof(PUSH_TOKEN_PREFIX) - 1 + 4 * 16 + 1 + 64 + 1)

struct push_token {
	uint64_t token;   /* made by */
	uint64_t app;     /* its number */
	uint64_t nonce;   /* names the push; its build's record has it */
	uint64_t expires; /* microseconds since the epoch */
};

/* With the NUL. */
void push_token_format(char out[PUSH_TOKEN_TEXT], const struct push_token *,
    const uint8_t key[PUSH_TOKEN_KEY]);

/* len bytes of a stranger's: 0, or -1 if they are not of that key's making. */
int push_token_parse(struct push_token *, const char *text, size_t len,
    const uint8_t key[PUSH_TOKEN_KEY]);

#endif
