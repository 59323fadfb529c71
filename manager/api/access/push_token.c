#include "api/access/push_token.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "store/keys.h"

#define MAC_BYTES 32
#define MAC_HEX   (2 * MAC_BYTES)
#define SIGNED    (PUSH_TOKEN_TEXT - 1 - MAC_HEX) /* the '_' included */

static void
push_token_mac(
    char out[MAC_HEX + 1], const char *text, const uint8_t key[PUSH_TOKEN_KEY])
{
	uint8_t mac[MAC_BYTES];

	(void)crypto_generichash(mac, sizeof(mac), (const uint8_t *)text,
	    SIGNED, key, PUSH_TOKEN_KEY);
	(void)sodium_bin2hex(out, MAC_HEX + 1, mac, sizeof(mac));
}

void
push_token_format(char out[PUSH_TOKEN_TEXT], const struct push_token *push,
    const uint8_t key[PUSH_TOKEN_KEY])
{
	snprintf(out, PUSH_TOKEN_TEXT,
	    PUSH_TOKEN_PREFIX "%016" PRIx64 "%016" PRIx64 "%016" PRIx64
			      "%016" PRIx64 "_",
	    push->token, push->app, push->nonce, push->expires);
	push_token_mac(out + SIGNED, out, key);
}

int
push_token_parse(struct push_token *push, const char *text, size_t len,
    const uint8_t key[PUSH_TOKEN_KEY])
{
	uint64_t *const fields[] = {
	    &push->token, &push->app, &push->nonce, &push->expires};
	const char *at = text + sizeof(PUSH_TOKEN_PREFIX) - 1;
	char mac[MAC_HEX + 1], hex[17];

	if (len != PUSH_TOKEN_TEXT - 1)
		return -1;
	push_token_mac(mac, text, key);
	if (sodium_memcmp(mac, text + SIGNED, MAC_HEX) != 0)
		return -1;
	/* It is of our own making. */
	for (size_t i = 0; i < 4; i++, at += 16) {
		memcpy(hex, at, 16);
		hex[16] = '\0';
		if (key_parse_id(hex, fields[i]) == -1)
			return -1;
	}
	return 0;
}
