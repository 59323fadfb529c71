/* sources: manager/store/keys.c manager/common/log.c; libs: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "store/keys.h"

static void
formats_keys(void **state)
{
	char key[STORE_KEY_MAX + 1];

	(void)state;
	assert_string_equal("release/hello/00000012",
	    key_format(key, "release/%s/%08u", "hello", 12));
}

static void
takes_keys_apart(void **state)
{
	char part[9];

	(void)state;
	assert_int_equal(0, key_part("event/app/1", 0, part, sizeof(part)));
	assert_string_equal("event", part);
	assert_int_equal(0, key_part("event/app/1", 1, part, sizeof(part)));
	assert_string_equal("app", part);
	assert_int_equal(0, key_part("event/app/1", 2, part, sizeof(part)));
	assert_string_equal("1", part);
	assert_int_equal(-1, key_part("event/app/1", 3, part, sizeof(part)));
	assert_int_equal(-1, key_part("event//1", 1, part, sizeof(part)));
	assert_int_equal(0, key_part("a/12345678", 1, part, sizeof(part)));
	assert_int_equal(-1, key_part("a/123456789", 1, part, sizeof(part)));
}

static void
knows_names(void **state)
{
	static const char *const good[] = {
	    "a", "hello", "a-1", "x9-y", "abcdefghijklmnopqrstuvwxyz0123"};
	static const char *const bad[] = {"", "1a", "-a", "A", "a_b", "a.b",
	    "a/b", "a b", "a\n", "\xc3\xa4", "abcdefghijklmnopqrstuvwxyz01234"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(key_app_valid(good[i]));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(key_app_valid(bad[i]));
}

static void
keeps_names_for_the_platform(void **state)
{
	static const char *const kept[] = {"abuse", "api", "console", "git",
	    "www", "mail", "internal", "admin", "paas", "status", "registry",
	    "ns1", "ns2", "localhost", "wpad"};
	static const char *const free_names[] = {
	    "", "a", "hello", "apis", "ap", "zzz", "www2", "static", "router"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		assert_true(key_app_reserved(kept[i]));
	for (i = 0; i < sizeof(free_names) / sizeof(free_names[0]); i++)
		assert_false(key_app_reserved(free_names[i]));
}

static void
formats_and_parses_ids(void **state)
{
	static const char *const bad[] = {"", "0", "00000000000000000",
	    "000000000000000g", "000000000000000A", "-000000000000001",
	    "0x00000000000001"};
	char text[17];
	uint64_t id;
	size_t i;

	(void)state;
	key_format_id(text, UINT64_C(0x1f0000000000ab));
	assert_string_equal("001f0000000000ab", text);
	assert_int_equal(0, key_parse_id(text, &id));
	assert_true(id == UINT64_C(0x1f0000000000ab));
	assert_int_equal(0, key_parse_id("ffffffffffffffff", &id));
	assert_true(id == UINT64_MAX);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(-1, key_parse_id(bad[i], &id));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(formats_keys),
	    cmocka_unit_test(takes_keys_apart),
	    cmocka_unit_test(knows_names),
	    cmocka_unit_test(keeps_names_for_the_platform),
	    cmocka_unit_test(formats_and_parses_ids),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
