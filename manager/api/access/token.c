#include "api/access/token.h"

#include <bsd/stdlib.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "api/http/id.h"

/* Bits of an id below the time: two tokens of one microsecond differ. */
#define TOKEN_LOW_BITS 8

void
token_make(struct token *token)
{
	token->id = (uint64_t)id_now() << TOKEN_LOW_BITS |
		    arc4random_uniform(1U << TOKEN_LOW_BITS);
	arc4random_buf(token->secret, sizeof(token->secret));
}

void
token_format(char out[TOKEN_TEXT], const struct token *token)
{
	char hex[2 * TOKEN_SECRET + 1];

	(void)sodium_bin2hex(
	    hex, sizeof(hex), token->secret, sizeof(token->secret));
	snprintf(out, TOKEN_TEXT, TOKEN_PREFIX "%016llx_%s",
	    (unsigned long long)token->id, hex);
	sodium_memzero(hex, sizeof(hex));
}

/* n lower-case hex digits. */
static int
token_is_hex(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text[i] == '\0' ||
		    strchr("0123456789abcdef", text[i]) == NULL)
			return 0;
	return 1;
}

int
token_parse(struct token *token, const char *text, size_t len)
{
	const size_t prefix = sizeof(TOKEN_PREFIX) - 1;
	const char *id = text + prefix, *secret = id + 16 + 1;
	uint8_t bytes[8];
	size_t n;

	if (len != TOKEN_TEXT - 1 || memcmp(text, TOKEN_PREFIX, prefix) != 0 ||
	    secret[-1] != '_' || !token_is_hex(id, 16) ||
	    !token_is_hex(secret, 64) ||
	    sodium_hex2bin(bytes, sizeof(bytes), id, 16, NULL, &n, NULL) != 0 ||
	    sodium_hex2bin(token->secret, sizeof(token->secret), secret, 64,
		NULL, &n, NULL) != 0)
		return -1;
	token->id = 0;
	for (n = 0; n < sizeof(bytes); n++)
		token->id = token->id << 8 | bytes[n];
	return 0;
}

void
token_hash(char out[TOKEN_HASH], const struct token *token)
{
	uint8_t hash[TOKEN_SECRET];

	(void)crypto_generichash(
	    hash, sizeof(hash), token->secret, sizeof(token->secret), NULL, 0);
	(void)sodium_bin2hex(out, TOKEN_HASH, hash, sizeof(hash));
}

int
token_fits(const struct token *token, json_t *record, int64_t now)
{
	static const char none[TOKEN_HASH] = "";
	const char *kept;
	char hash[TOKEN_HASH];
	int64_t expires;
	int same;

	kept = json_string_value(json_object_get(record, "hash"));
	if (kept == NULL || strlen(kept) != TOKEN_HASH - 1)
		kept = none;
	token_hash(hash, token);
	same = sodium_memcmp(hash, kept, TOKEN_HASH - 1) == 0;
	expires = json_integer_value(json_object_get(record, "expires"));
	return same && (expires == 0 || now < expires);
}

void
token_wipe(struct token *token)
{
	sodium_memzero(token, sizeof(*token));
}
