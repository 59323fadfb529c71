/* sources: manager/common/push.c; libs: */
/*
 * The head and the records of a push with a list: one spelled out byte by
 * byte, and every way to be cut short or wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/push.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A copy that ends where it ends: a read behind it is seen by the checkers. */
static ssize_t
parse(const char *text, size_t len, struct push_record *record)
{
	char *copy = malloc(len > 0 ? len : 1);
	ssize_t n;

	assert_non_null(copy);
	memcpy(copy, text, len);
	n = push_record_parse(copy, len, record);
	free(copy);
	return n;
}

static void
test_file(void **state)
{
	static const char text[] = "f 755 12 " HASH " -3\0src/a b\nc\0rest";
	const size_t len = sizeof(text) - sizeof("rest");
	struct push_record r;
	char hex[2 * PUSH_HASH + 1];

	(void)state;
	assert_int_equal(push_record_parse(text, sizeof(text), &r), len);
	assert_int_equal(r.kind, 'f');
	assert_int_equal(r.mode, 0755);
	assert_int_equal(r.size, 12);
	assert_int_equal(r.mtime, -3);
	assert_string_equal(r.path, "src/a b\nc");
	assert_null(r.target);
	push_hash_format(hex, r.hash);
	assert_string_equal(hex, HASH);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(parse(text, i, &r), 0);
}

static void
test_others(void **state)
{
	static const char folder[] = "d 755 0 - 7\0src";
	static const char link[] = "l 777 0 - 7\0a\0../b";
	struct push_record r;

	(void)state;
	assert_int_equal(
	    push_record_parse(folder, sizeof(folder), &r), sizeof(folder));
	assert_string_equal(r.path, "src");
	assert_int_equal(
	    push_record_parse(link, sizeof(link), &r), sizeof(link));
	assert_string_equal(r.path, "a");
	assert_string_equal(r.target, "../b");
	for (size_t i = 0; i < sizeof(link); i++)
		assert_int_equal(parse(link, i, &r), 0);
}

static void
test_wrong(void **state)
{
	static const char *const wrong[] = {
	    "x 755 1 " HASH " 0",
	    "f755 1 " HASH " 0",
	    "f 758 1 " HASH " 0",
	    "f 10000 1 " HASH " 0",
	    "f -1 1 " HASH " 0",
	    "f 755 -1 " HASH " 0",
	    "f 755 99999999999999999999 " HASH " 0",
	    "f 755 1 - 0",
	    "f 755 1 " HASH "0 0",
	    "f 755 1 0123 0",
	    "f 755 1 " HASH " ",
	    "f 755 1 " HASH " 0 ",
	    "f 755 1 " HASH,
	    "f 755  1 " HASH " 0",
	    "f 755 1 0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789"
	    "abcdef 0",
	    "d 755 0 0",
	    "d 755 0 " HASH " 0",
	    "",
	};
	struct push_record r;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		size_t len = strlen(wrong[i]);

		memcpy(text, wrong[i], len + 1);
		memcpy(text + len + 1, "path", 5);
		assert_int_equal(parse(text, len + 6, &r), -1);
	}
}

/* Without an end it is given up, however much there is. */
static void
test_long(void **state)
{
	char *text = malloc(PUSH_RECORD_MAX + 1);
	struct push_record r;

	(void)state;
	assert_non_null(text);
	memset(text, 'f', PUSH_RECORD_MAX + 1);
	assert_int_equal(push_record_parse(text, PUSH_RECORD_MAX - 1, &r), 0);
	assert_int_equal(push_record_parse(text, PUSH_RECORD_MAX, &r), -1);
	free(text);
}

static void
test_head(void **state)
{
	static const char good[] = "paas-push 1 4096\nx";
	static const char *const wrong[] = {"paas-push 2 1\n", "x",
	    "paas-push 1 \n", "paas-push 1 0\n", "paas-push 1 -1\n",
	    "paas-push 1 268435457\n", "paas-push 1 1 \n", "\n", "paas\n",
	    "paas-push 1 00000000000000000000000000000001\n"};
	uint64_t bytes = 0;
	char out[PUSH_HEAD_MAX + 1];

	(void)state;
	assert_int_equal(push_head_parse(good, sizeof(good), &bytes), 17);
	assert_int_equal(bytes, 4096);
	for (size_t i = 0; i < 17; i++)
		assert_int_equal(push_head_parse(good, i, &bytes), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(
		    push_head_parse(wrong[i], strlen(wrong[i]), &bytes), -1);
	assert_int_equal(push_head_format(out, sizeof(out), 4096), 17);
	assert_memory_equal(out, good, 17);
}

static void
test_format(void **state)
{
	struct push_record r = {.kind = 'f', .mode = 0644, .size = 5};
	char text[160], copy[300];
	struct push_record again;
	int n;

	(void)state;
	for (int i = 0; i < PUSH_HASH; i++)
		r.hash[i] = (uint8_t)(i * 8);
	r.mtime = 1700000000;
	n = push_record_format(text, sizeof(text), &r);
	memcpy(copy, text, (size_t)n + 1);
	memcpy(copy + n + 1, "p", 2);
	assert_int_equal(push_record_parse(copy, (size_t)n + 3, &again), n + 3);
	assert_memory_equal(r.hash, again.hash, PUSH_HASH);
	assert_int_equal(again.mtime, r.mtime);
	r.kind = 'd';
	push_record_format(text, sizeof(text), &r);
	assert_string_equal(text, "d 644 5 - 1700000000");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_others),
	    cmocka_unit_test(test_wrong),
	    cmocka_unit_test(test_long),
	    cmocka_unit_test(test_head),
	    cmocka_unit_test(test_format),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
