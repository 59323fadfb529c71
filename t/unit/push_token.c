/* sources: manager/api/access/push_token.c manager/store/keys.c manager/common/log.c; libs: -ljansson -lsodium */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "api/access/push_token.h"

static const uint8_t key[PUSH_TOKEN_KEY] = "0123456789abcdef0123456789abcde";
static const struct push_token push = {1, 2, 0xfedcba9876543210, UINT64_MAX};

static void
goes_to_text_and_back(void **state)
{
	char text[PUSH_TOKEN_TEXT];
	struct push_token got;

	(void)state;
	push_token_format(text, &push, key);
	assert_int_equal(strlen(text), PUSH_TOKEN_TEXT - 1);
	assert_memory_equal(text,
	    "push_0000000000000001"
	    "0000000000000002fedcba9876543210ffffffffffffffff_",
	    70);
	assert_int_equal(0, push_token_parse(&got, text, strlen(text), key));
	assert_memory_equal(&push, &got, sizeof(got));
}

static void
takes_nothing_else(void **state)
{
	char text[PUSH_TOKEN_TEXT + 1];
	uint8_t other[PUSH_TOKEN_KEY];
	struct push_token got;
	size_t i;

	(void)state;
	push_token_format(text, &push, key);
	for (i = 0; i < PUSH_TOKEN_TEXT - 1; i++) {
		assert_int_equal(-1, push_token_parse(&got, text, i, key));
		for (int bit = 0; bit < 8; bit++) {
			text[i] = (char)(text[i] ^ (1 << bit));
			assert_int_equal(-1, push_token_parse(&got, text,
						 PUSH_TOKEN_TEXT - 1, key));
			text[i] = (char)(text[i] ^ (1 << bit));
		}
	}
	assert_int_equal(
	    -1, push_token_parse(&got, text, PUSH_TOKEN_TEXT, key));
	memcpy(other, key, sizeof(other));
	other[PUSH_TOKEN_KEY - 1] ^= 1;
	assert_int_equal(
	    -1, push_token_parse(&got, text, PUSH_TOKEN_TEXT - 1, other));
	assert_int_equal(
	    0, push_token_parse(&got, text, PUSH_TOKEN_TEXT - 1, key));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(goes_to_text_and_back),
	    cmocka_unit_test(takes_nothing_else),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
