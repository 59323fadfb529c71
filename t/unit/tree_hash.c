/* sources: manager/sandbox/inspect_tree_hash.c manager/sandbox/inspect_walk.c manager/sandbox/inspect_result.c manager/sandbox/common_types.c manager/sandbox/common_text.c; libs: -lsodium -ljansson */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <jansson.h>
#include <cmocka.h>

#include "sandbox/inspect.h"

static char base[64], err[SANDBOX_ERRLEN], hex[2 * TREE_HASH_LEN + 1];
static int dir = -1;
static struct tree_limits limits;
static struct tree_stats stats;

#define assert_says(words) assert_non_null(strstr(err, words))

static int
set_up(void **state)
{
	(void)state;
	strcpy(base, "/tmp/tree.XXXXXX");
	assert_non_null(mkdtemp(base));
	dir = open(base, O_RDONLY | O_DIRECTORY);
	limits.bytes = 100000;
	limits.entries = 100;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int
tear_down(void **state)
{
	(void)state;
	close(dir);
	return nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
make_file(const char *path, mode_t mode, const char *text)
{
	int fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int
hash(void)
{
	uint8_t bytes[TREE_HASH_LEN];
	int result;

	err[0] = '\0';
	result = tree_hash(dir, &limits, &stats, bytes, err);
	sodium_bin2hex(hex, sizeof(hex), bytes, sizeof(bytes));
	return result;
}

/* The formula of inspect.h, written down once more, by hand. */
static void
formula(void **state)
{
	static const char manifest[] =
	    "paas-tree 1\n"
	    "d 755 0 -\0a\0"
	    "f 644 5 "
	    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	    "\0a/x\0"
	    "f 755 0 "
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	    "\0a-b\0"
	    "l 777 3 -\0z\0a/x";
	uint8_t digest[TREE_HASH_LEN];
	char expected[2 * TREE_HASH_LEN + 1];

	(void)state;
	mkdirat(dir, "a", 0755);
	make_file("a/x", 0644, "hello");
	make_file("a-b", 0755, "");
	assert_int_equal(symlinkat("a/x", dir, "z"), 0);
	assert_int_equal(hash(), 0);
	crypto_hash_sha256(digest, (const uint8_t *)manifest, sizeof(manifest));
	sodium_bin2hex(expected, sizeof(expected), digest, sizeof(digest));
	assert_string_equal(hex, expected);
	assert_int_equal(stats.entries, 4);
	assert_int_equal(stats.bytes, 5);
}

static void
says_what_changed(void **state)
{
	char first[sizeof(hex)];

	(void)state;
	make_file("a", 0644, "one");
	assert_int_equal(hash(), 0);
	strcpy(first, hex);
	assert_int_equal(hash(), 0);
	assert_string_equal(hex, first);

	/* Times and bits beyond 0755 don't count; these do. */
	make_file("a", 06666, "one");
	assert_int_equal(utimensat(dir, "a", NULL, 0), 0);
	assert_int_equal(hash(), 0);
	assert_string_equal(hex, first);
	make_file("a", 0755, "one");
	assert_int_equal(hash(), 0);
	assert_string_not_equal(hex, first);
	make_file("a", 0644, "two");
	assert_int_equal(hash(), 0);
	assert_string_not_equal(hex, first);
	make_file("a", 0644, "one");
	assert_int_equal(hash(), 0);
	assert_string_equal(hex, first);
	assert_int_equal(renameat(dir, "a", dir, "b"), 0);
	assert_int_equal(hash(), 0);
	assert_string_not_equal(hex, first);
}

/* A newline in a name is not the end of a record. */
static void
names_can_not_lie(void **state)
{
	char first[sizeof(hex)];

	(void)state;
	make_file("a\nf 644 0 -", 0644, "");
	assert_int_equal(hash(), 0);
	strcpy(first, hex);
	unlinkat(dir, "a\nf 644 0 -", 0);
	make_file("a", 0644, "");
	make_file("f 644 0 -", 0644, "");
	assert_int_equal(hash(), 0);
	assert_string_not_equal(hex, first);
}

static void
follows_nothing(void **state)
{
	(void)state;
	assert_int_equal(symlinkat("/etc", dir, "etc"), 0);
	assert_int_equal(symlinkat("/etc/shadow", dir, "shadow"), 0);
	assert_int_equal(hash(), 0);
	assert_int_equal(stats.entries, 2);
	assert_int_equal(stats.bytes, 0);
}

static void
refuses(void **state)
{
	(void)state;
	assert_int_equal(mkfifoat(dir, "pipe\x1b", 0600), 0);
	assert_int_equal(hash(), -1);
	assert_says("\"pipe\\x1b\", which is no file");
	unlinkat(dir, "pipe\x1b", 0);
	limits.bytes = 4;
	make_file("a", 0644, "12345");
	assert_int_equal(hash(), -1);
	assert_says("larger than");
	limits.bytes = 5;
	assert_int_equal(hash(), 0);
	limits.entries = 1;
	make_file("b", 0644, "");
	assert_int_equal(hash(), -1);
	assert_says("more than 1 files");
}

static void
not_too_deep(void **state)
{
	int fd = dup(dir), next;

	(void)state;
	limits.entries = 1000;
	for (int i = 0; i < TREE_DEPTH_MAX + 1; i++) {
		mkdirat(fd, "d", 0755);
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY);
		close(fd);
		fd = next;
	}
	close(fd);
	assert_int_equal(hash(), -1);
	assert_says("too many folders deep");
}

/* ---- result.json ------------------------------------------------------- */

static int
result(const char *json)
{
	struct inspect_found found = {.config = NULL};
	int status;

	make_file("result.json", 0644, json);
	status = inspect_result(dir, &found, err);
	inspect_free(&found);
	return status;
}

static void
hostile_results(void **state)
{
	(void)state;
	assert_int_equal(
	    result("{\"buildpack\":\"X\",\"types\":{\"web\":\"run\"}}"), 0);
	assert_int_equal(result("{\"types\":{\"web\":\"run\"}}"), 0);
	assert_int_equal(
	    result("{\"types\":{\"web\":\"run\"},\"settings\":{}}"), 0);
	assert_int_equal(
	    result("{\"types\":{\"web\":\"run\"},\"settings\":[]}"), -1);
	assert_int_equal(result(""), -1);
	assert_int_equal(result("[]"), -1);
	assert_int_equal(result("{\"types\":{}}"), -1);
	assert_int_equal(result("{\"types\":[\"web\"]}"), -1);
	assert_int_equal(result("{\"types\":{\"web\":1}}"), -1);
	assert_int_equal(result("{\"types\":{\"web\":\"\"}}"), -1);
	assert_int_equal(result("{\"types\":{\"We b\":\"run\"}}"), -1);
	assert_int_equal(result("{\"types\":{\"web\":\"a\\u0000b\"}}"), -1);
	assert_int_equal(result("{\"types\":{\"web\":\"a\\nb\"}}"), -1);
	assert_int_equal(
	    result("{\"types\":{\"web\":\"a\"},\"types\":{\"x\":\"b\"}}"), -1);
#define WITH_CONFIG(text) "{\"types\":{\"web\":\"a\"},\"config\":" text "}"
	assert_int_equal(result(WITH_CONFIG("{\"A_1\":\"b\\nc\"}")), 0);
	assert_int_equal(result(WITH_CONFIG("{}")), 0);
	assert_int_equal(result(WITH_CONFIG("[]")), -1);
	assert_int_equal(result(WITH_CONFIG("{\"A\":1}")), -1);
	assert_int_equal(result(WITH_CONFIG("{\"A=B\":\"x\"}")), -1);
	assert_int_equal(result(WITH_CONFIG("{\"\":\"x\"}")), -1);
	assert_int_equal(result(WITH_CONFIG("{\"1\":\"x\"}")), -1);
	assert_int_equal(result(WITH_CONFIG("{\"A\":\"a\\u0000b\"}")), -1);
}

static void
results_are_files(void **state)
{
	struct inspect_found found = {.config = NULL};
	int fd;

	(void)state;
	assert_int_equal(inspect_result(dir, &found, err), -1);
	assert_says("left no result");
	assert_int_equal(symlinkat("/etc/passwd", dir, "result.json"), 0);
	assert_int_equal(inspect_result(dir, &found, err), -1);
	unlinkat(dir, "result.json", 0);
	assert_int_equal(mkfifoat(dir, "result.json", 0600), 0);
	assert_int_equal(inspect_result(dir, &found, err), -1);
	unlinkat(dir, "result.json", 0);
	make_file("result.json", 0644, "");
	fd = openat(dir, "result.json", O_WRONLY);
	assert_int_equal(ftruncate(fd, RESULT_MAX + 1), 0);
	close(fd);
	assert_int_equal(inspect_result(dir, &found, err), -1);
	assert_says("at most");
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    test(formula),
	    test(says_what_changed),
	    test(names_can_not_lie),
	    test(follows_nothing),
	    test(refuses),
	    test(not_too_deep),
	    test(hostile_results),
	    test(results_are_files),
	};

	if (sodium_init() == -1)
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
