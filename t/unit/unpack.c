/* sources: manager/sandbox/build_unpack.c manager/sandbox/build_paths.c manager/sandbox/common_text.c; libs: -larchive */
/*
 * Archives are made header by header here: the ones that matter are those
 * that no archiver would write.
 */
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "sandbox/build.h"

#define BLOCK 512

static int tar = -1, root = -1;
static char base[64], err[SANDBOX_ERRLEN];
static struct unpack_limits limits;
static struct unpack_stats stats;

#define assert_says(words) assert_non_null(strstr(err, words))

/* ---- making archives --------------------------------------------------- */

static void
put(const void *data, size_t len)
{
	assert_int_equal(write(tar, data, len), (ssize_t)len);
}

static void
octal(unsigned char *at, int digits, size_t value)
{
	for (; digits > 0; digits--, value >>= 3)
		at[digits - 1] = (unsigned char)('0' + (value & 7));
}

static void
put_header(
    char type, const char *name, const char *link, unsigned mode, size_t size)
{
	unsigned char h[BLOCK] = {0};
	unsigned sum = 0;
	size_t i;

	memcpy(h, name, strlen(name) < 100 ? strlen(name) : 100);
	octal(h + 100, 7, mode);
	octal(h + 108, 7, 0);
	octal(h + 116, 7, 0);
	octal(h + 124, 11, size);
	octal(h + 136, 11, 1000000000);
	h[156] = (unsigned char)type;
	if (link != NULL)
		memcpy(h + 157, link, strlen(link) < 100 ? strlen(link) : 100);
	memcpy(h + 257,
	    "ustar\0"
	    "00",
	    8);
	memset(h + 148, ' ', 8);
	for (i = 0; i < BLOCK; i++)
		sum += h[i];
	octal(h + 148, 6, sum);
	h[154] = 0;
	put(h, BLOCK);
}

static void
put_file(const char *name, unsigned mode, const char *text)
{
	static const char zeros[BLOCK];
	size_t len = strlen(text);

	put_header('0', name, NULL, mode, len);
	put(text, len);
	if (len % BLOCK != 0)
		put(zeros, BLOCK - len % BLOCK);
}

static void
put_end(void)
{
	static const char zeros[2 * BLOCK];

	put(zeros, sizeof(zeros));
}

static int
unpack(void)
{
	err[0] = '\0';
	assert_return_code(lseek(tar, 0, SEEK_SET), errno);
	return unpack_stream(tar, root, &limits, &stats, err);
}

static int
set_up(void **state)
{
	char path[80];
	int fd;

	(void)state;
	strcpy(base, "/tmp/unpack.XXXXXX");
	assert_non_null(mkdtemp(base));
	snprintf(path, sizeof(path), "%s/root", base);
	assert_int_equal(mkdir(path, 0755), 0);
	root = open(path, O_RDONLY | O_DIRECTORY);
	snprintf(path, sizeof(path), "%s/secret", base);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "untouched", 9), 9);
	close(fd);
	tar = memfd_create("tar", 0);
	limits.bytes = 1000000;
	limits.entries = 1000;
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

/* Whatever a test did: beside the root nothing came, and nothing changed. */
static int
tear_down(void **state)
{
	char path[80], text[32] = "";
	struct dirent *entry;
	struct stat st;
	int fd, n = 0;
	DIR *dir = opendir(base);

	(void)state;
	while ((entry = readdir(dir)) != NULL)
		n++;
	closedir(dir);
	snprintf(path, sizeof(path), "%s/secret", base);
	fd = open(path, O_RDONLY);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(read(fd, text, sizeof(text) - 1), 9);
	close(fd);
	close(root);
	close(tar);
	nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	assert_string_equal(text, "untouched");
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(n, 4);
	return 0;
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode;
}

/* ---- what is fine ------------------------------------------------------ */

static void
usual(void **state)
{
	char text[16] = "", before[PATH_MAX], after[PATH_MAX];
	int fd;

	(void)state;
	assert_non_null(getcwd(before, sizeof(before)));
	put_header('5', "./", NULL, 0777, 0);
	put_file("./index.js", 0644, "hello");
	put_header('5', "./bin/", NULL, 0700, 0);
	put_file("./bin/run", 0711, "#!");
	put_file("deep/in/it.txt", 0600, "x");
	put_header('2', "link", "bin/run", 0777, 0);
	put_header('2', "bin/up", "../index.js", 0777, 0);
	put_header('1', "again", "./index.js", 0644, 0);
	put_end();
	assert_int_equal(unpack(), 0);
	assert_int_equal(stats.entries, 8);
	assert_int_equal(stats.bytes, 8);
	assert_int_equal(mode_of("index.js"), S_IFREG | 0644);
	assert_int_equal(mode_of("bin"), S_IFDIR | 0755);
	assert_int_equal(mode_of("bin/run"), S_IFREG | 0755);
	assert_int_equal(mode_of("deep/in/it.txt"), S_IFREG | 0644);
	assert_true(S_ISLNK(mode_of("link")));
	fd = openat(root, "again", O_RDONLY);
	assert_int_equal(read(fd, text, sizeof(text)), 5);
	close(fd);
	assert_string_equal(text, "hello");
	assert_non_null(getcwd(after, sizeof(after)));
	assert_string_equal(before, after);
}

static void
gzipped(void **state)
{
	char plain[BLOCK * 4];
	struct archive *a = archive_write_new();
	struct archive_entry *entry;
	size_t used = 0;
	static char zipped[65536];

	(void)state;
	put_file("a", 0644, "hello");
	put_end();
	assert_int_equal(pread(tar, plain, sizeof(plain), 0), 4 * BLOCK);
	assert_int_equal(archive_write_add_filter_gzip(a), ARCHIVE_OK);
	assert_int_equal(archive_write_set_format_raw(a), ARCHIVE_OK);
	assert_int_equal(
	    archive_write_open_memory(a, zipped, sizeof(zipped), &used),
	    ARCHIVE_OK);
	entry = archive_entry_new();
	archive_entry_set_filetype(entry, AE_IFREG);
	assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
	assert_int_equal(
	    archive_write_data(a, plain, sizeof(plain)), sizeof(plain));
	archive_entry_free(entry);
	archive_write_free(a);
	assert_int_equal(ftruncate(tar, 0), 0);
	lseek(tar, 0, SEEK_SET);
	put(zipped, used);
	assert_int_equal(unpack(), 0);
	assert_int_equal(mode_of("a"), S_IFREG | 0644);

	/* Cut short, it is no whole archive. */
	assert_int_equal(ftruncate(tar, (off_t)used / 2), 0);
	assert_int_equal(unpack(), -1);
	assert_says("not a whole tar");
}

static void
setuid_is_stripped(void **state)
{
	(void)state;
	put_file("su", 06755, "x");
	put_header('5', "sticky", NULL, 03777, 0);
	put_end();
	assert_int_equal(unpack(), 0);
	assert_int_equal(mode_of("su"), S_IFREG | 0755);
	assert_int_equal(mode_of("sticky"), S_IFDIR | 0755);
}

/* ---- paths ------------------------------------------------------------- */

static void
one_hostile_path(const char *name, const char *words)
{
	assert_int_equal(ftruncate(tar, 0), 0);
	lseek(tar, 0, SEEK_SET);
	put_file(name, 0644, "x");
	put_end();
	assert_int_equal(unpack(), -1);
	assert_says(words);
}

static void
hostile_paths(void **state)
{
	(void)state;
	one_hostile_path("/etc/passwd", "absolute path");
	one_hostile_path("//x", "absolute path");
	one_hostile_path("../secret", "'..'");
	one_hostile_path("a/../../secret", "'..'");
	one_hostile_path("a/..", "'..'");
	one_hostile_path("..", "'..'");
	one_hostile_path("./../secret", "'..'");
	one_hostile_path(".", "is not a folder");
}

static void
names_are_escaped(void **state)
{
	(void)state;
	one_hostile_path("../\x1b[31m\nred", "\\x1b[31m\\x0ared");
	assert_null(strchr(err, '\x1b'));
	assert_null(strchr(err, '\n'));

	/* As names they are odd, but names. */
	assert_int_equal(ftruncate(tar, 0), 0);
	lseek(tar, 0, SEEK_SET);
	put_file("new\nline\x1b[0m", 0644, "x");
	put_end();
	assert_int_equal(unpack(), 0);
}

static void
cleaning(void **state)
{
	char out[PATH_MAX], *lengthy = malloc(PATH_MAX + 10);

	(void)state;
	assert_int_equal(path_clean("./a//b/./c/", out), PATH_OK);
	assert_string_equal(out, "a/b/c");
	assert_int_equal(path_clean("./", out), PATH_OK);
	assert_string_equal(out, "");
	assert_int_equal(path_clean("...", out), PATH_OK);
	assert_int_equal(path_clean("a..b/..c", out), PATH_OK);
	assert_int_equal(path_clean("", out), PATH_NONE);
	assert_int_equal(path_clean(NULL, out), PATH_NONE);
	memset(lengthy, 'a', 300);
	lengthy[300] = '\0';
	assert_int_equal(path_clean(lengthy, out), PATH_LONG);
	for (size_t i = 0; i < PATH_MAX; i += 2)
		memcpy(lengthy + i, "a/", 2);
	strcpy(lengthy + PATH_MAX, "a");
	assert_int_equal(path_clean(lengthy, out), PATH_LONG);
	free(lengthy);
}

/* ---- links ------------------------------------------------------------- */

static void
links_that_leave(void **state)
{
	static const char *const targets[] = {
	    "/etc", "..", "../secret", "a/../../secret", "./..", "../root/x"};

	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		assert_int_equal(ftruncate(tar, 0), 0);
		lseek(tar, 0, SEEK_SET);
		put_header('2', "link", targets[i], 0777, 0);
		put_end();
		assert_int_equal(unpack(), -1);
		assert_says("leaves the tree");
	}
}

/* Each stays inside by its words; both together do not. */
static void
two_hops(void **state)
{
	(void)state;
	put_header('2', "deep", ".", 0777, 0);
	put_header('2', "out", "deep/..", 0777, 0);
	put_end();
	assert_int_equal(unpack(), -1);
	assert_says("by way of another one");
}

static void
two_hops_with_a_file(void **state)
{
	(void)state;
	put_header('2', "deep", ".", 0777, 0);
	put_header('2', "out", "deep/../secret", 0777, 0);
	put_file("out", 0644, "changed");
	put_end();
	/* Writing to a link's name replaces the link. */
	assert_int_equal(unpack(), 0);
	assert_true(S_ISREG(mode_of("out")));
}

static void
through_a_link(void **state)
{
	(void)state;
	put_header('5', "a/b", NULL, 0755, 0);
	put_header('2', "link", "a/b", 0777, 0);
	put_file("link/x", 0644, "x");
	put_end();
	assert_int_equal(unpack(), -1);
	assert_says("\"link/x\"");
}

static void
circles_and_nowhere(void **state)
{
	(void)state;
	put_header('2', "a", "b", 0777, 0);
	put_header('2', "b", "a", 0777, 0);
	put_header('2', "c", "not/there/../yet", 0777, 0);
	put_end();
	assert_int_equal(unpack(), 0);
}

static void
hard_links(void **state)
{
	static const char *const targets[] = {"../secret", "/etc/passwd",
	    "missing", "dir", "deep/../secret", "out/secret", ""};

	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		assert_int_equal(ftruncate(tar, 0), 0);
		lseek(tar, 0, SEEK_SET);
		put_header('5', "dir", NULL, 0755, 0);
		put_header('2', "deep", ".", 0777, 0);
		put_header('2', "out", "deep/..", 0777, 0);
		put_header('1', "link", targets[i], 0644, 0);
		put_end();
		assert_int_equal(unpack(), -1);
		assert_says("is a hard link to something");
	}
}

/* A hard link to a link, written through later, is the old trick. */
static void
hard_link_to_link(void **state)
{
	(void)state;
	put_header('2', "deep", ".", 0777, 0);
	put_header('1', "again", "deep", 0644, 0);
	put_end();
	assert_int_equal(unpack(), -1);
	assert_says("is a hard link to something");
}

/* ---- kinds and bombs --------------------------------------------------- */

static void
no_devices(void **state)
{
	static const struct {
		char type;
		const char *words;
	} kinds[] = {{'3', "is a device"}, {'4', "is a device"},
	    {'6', "is a named pipe"}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(ftruncate(tar, 0), 0);
		lseek(tar, 0, SEEK_SET);
		put_header(kinds[i].type, "dev", NULL, 0666, 0);
		put_end();
		assert_int_equal(unpack(), -1);
		assert_says(kinds[i].words);
		assert_int_equal(faccessat(root, "dev", F_OK, 0), -1);
	}
}

static void
too_many_bytes(void **state)
{
	(void)state;
	limits.bytes = 10;
	put_file("a", 0644, "12345");
	put_file("b", 0644, "12345");
	put_end();
	assert_int_equal(unpack(), 0);
	assert_int_equal(ftruncate(tar, 0), 0);
	lseek(tar, 0, SEEK_SET);
	put_file("a", 0644, "12345");
	put_file("b", 0644, "123456");
	put_end();
	assert_int_equal(unpack(), -1);
	assert_says("larger than");
}

/* It says so before a byte of it is written, or read. */
static void
promised_bytes(void **state)
{
	(void)state;
	put_header('0', "bomb", NULL, 0644, 0777777777);
	assert_int_equal(unpack(), -1);
	assert_says("larger than");
	assert_int_equal(faccessat(root, "bomb", F_OK, 0), -1);
}

static void
too_many_entries(void **state)
{
	char name[16];

	(void)state;
	limits.entries = 20;
	for (int i = 0; i < 21; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		put_header('5', name, NULL, 0755, 0);
	}
	put_end();
	assert_int_equal(unpack(), -1);
	assert_says("more than 20 files");
}

static void
no_archive(void **state)
{
	(void)state;
	assert_int_equal(unpack(), -1);
	assert_says("empty");
	put("this is not an archive, but words", 33);
	assert_int_equal(unpack(), -1);
	assert_says("not a whole tar");
	assert_int_equal(ftruncate(tar, 0), 0);
	lseek(tar, 0, SEEK_SET);
	put_header('0', "cut", NULL, 0644, 100);
	put("short", 5);
	assert_int_equal(unpack(), -1);
	assert_says("not a whole tar");
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    test(usual),
	    test(gzipped),
	    test(setuid_is_stripped),
	    test(hostile_paths),
	    test(names_are_escaped),
	    test(cleaning),
	    test(links_that_leave),
	    test(two_hops),
	    test(two_hops_with_a_file),
	    test(through_a_link),
	    test(circles_and_nowhere),
	    test(hard_links),
	    test(hard_link_to_link),
	    test(no_devices),
	    test(too_many_bytes),
	    test(promised_bytes),
	    test(too_many_entries),
	    test(no_archive),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
