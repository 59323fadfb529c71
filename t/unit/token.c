/* sources: manager/api/access/token.c manager/api/http/id.c; libs: -ljansson -lsodium */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <string.h>

#include "api/access/token.h"

#define NOW 1000000

static json_t *
record_of(const struct token *token, int64_t expires)
{
	char hash[TOKEN_HASH];

	token_hash(hash, token);
	return json_pack(
	    "{s:s, s:I}", "hash", hash, "expires", (json_int_t)expires);
}

static void
goes_to_text_and_back(void **state)
{
	struct token token, again;
	char text[TOKEN_TEXT];

	(void)state;
	token_make(&token);
	token_format(text, &token);
	assert_int_equal(strlen(text), TOKEN_TEXT - 1);
	assert_memory_equal(text, "paas_", 5);
	assert_int_equal(0, token_parse(&again, text, strlen(text)));
	assert_int_equal(token.id, again.id);
	assert_memory_equal(token.secret, again.secret, TOKEN_SECRET);
}

static void
takes_nothing_else(void **state)
{
	struct token token;
	char text[TOKEN_TEXT + 1], bad[TOKEN_TEXT + 1];
	size_t i, len = TOKEN_TEXT - 1;

	(void)state;
	token_make(&token);
	token_format(text, &token);
	for (i = 0; i < len; i++)
		assert_int_equal(-1, token_parse(&token, text, i));
	memcpy(bad, text, len);
	bad[len] = '0';
	assert_int_equal(-1, token_parse(&token, bad, len + 1));
	/* Each byte, replaced by what it can't be. */
	for (i = 0; i < len; i++) {
		static const char never[] = {'\0', '\n', 'G', ' ', '-', '\xff'};

		for (size_t k = 0; k < sizeof(never); k++) {
			memcpy(bad, text, len);
			bad[i] = never[k];
			assert_int_equal(-1, token_parse(&token, bad, len));
		}
		if (isalpha((unsigned char)text[i])) {
			bad[i] = (char)toupper((unsigned char)text[i]);
			assert_int_equal(-1, token_parse(&token, bad, len));
		}
	}
}

static void
fits_its_own_record(void **state)
{
	struct token token, other;
	json_t *record;

	(void)state;
	token_make(&token);
	token_make(&other);
	other.id = token.id;
	record = record_of(&token, 0);
	assert_true(token_fits(&token, record, NOW));
	assert_false(token_fits(&other, record, NOW));
	token.secret[TOKEN_SECRET - 1] ^= 1;
	assert_false(token_fits(&token, record, NOW));
	json_decref(record);
}

static void
expires(void **state)
{
	struct token token;
	json_t *record;

	(void)state;
	token_make(&token);
	record = record_of(&token, NOW);
	assert_true(token_fits(&token, record, NOW - 1));
	assert_false(token_fits(&token, record, NOW));
	json_decref(record);
}

static void
fits_no_damaged_record(void **state)
{
	struct token token;
	char hash[TOKEN_HASH];
	json_t *record;

	(void)state;
	token_make(&token);
	assert_false(token_fits(&token, NULL, NOW));
	record = json_object();
	assert_false(token_fits(&token, record, NOW));
	json_object_set_new(record, "hash", json_string(""));
	assert_false(token_fits(&token, record, NOW));
	json_object_set_new(record, "hash", json_integer(1));
	assert_false(token_fits(&token, record, NOW));
	token_hash(hash, &token);
	hash[TOKEN_HASH - 2] = '\0';
	json_object_set_new(record, "hash", json_string(hash));
	assert_false(token_fits(&token, record, NOW));
	json_decref(record);
}

static void
grows(void **state)
{
	struct token a, b;

	(void)state;
	token_make(&a);
	do
		token_make(&b);
	while (a.id >> 8 == b.id >> 8);
	assert_true(a.id < b.id);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(goes_to_text_and_back),
	    cmocka_unit_test(takes_nothing_else),
	    cmocka_unit_test(fits_its_own_record),
	    cmocka_unit_test(expires),
	    cmocka_unit_test(fits_no_damaged_record),
	    cmocka_unit_test(grows),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
