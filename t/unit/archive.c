/* sources: manager/sandbox/inspect_archive.c manager/sandbox/inspect_unpack.c manager/sandbox/inspect_walk.c manager/sandbox/inspect_tree_hash.c manager/sandbox/common_text.c; libs: -lsodium -larchive */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

#include "common/unpack.h"
#include "sandbox/inspect.h"

static char base[64], err[SANDBOX_ERRLEN];
static int top = -1, tree = -1, pack = -1;
static uint8_t hash[TREE_HASH_LEN];
static uint64_t bytes;
static const struct tree_limits limits = {8 * 1024 * 1024, 100};

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void
make_file(const char *path, mode_t mode, size_t len)
{
	int fd = openat(tree, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	char *text = malloc(len);
	size_t i;

	assert_true(fd >= 0);
	/* Nothing that gets smaller. */
	for (i = 0; i < len; i++)
		text[i] = (char)(random() >> 8);
	assert_int_equal(write(fd, text, len), len);
	free(text);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void
set_time(const char *path, time_t seconds)
{
	struct timespec times[2] = {{seconds, 5}, {seconds, 7}};

	assert_int_equal(utimensat(tree, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static int
make_dir(const char *name)
{
	assert_int_equal(mkdirat(top, name, 0755), 0);
	return openat(top, name, O_RDONLY | O_DIRECTORY);
}

static int
set_up(void **state)
{
	struct tree_stats stats;
	char deep[220];

	(void)state;
	srandom(1);
	strcpy(base, "/tmp/archive.XXXXXX");
	assert_non_null(mkdtemp(base));
	top = open(base, O_RDONLY | O_DIRECTORY);
	tree = make_dir("tree");
	pack = make_dir("pack");
	assert_int_equal(mkdirat(tree, "dir", 0755), 0);
	memset(deep, 'd', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	memcpy(deep, "dir/", 4);
	assert_int_equal(mkdirat(tree, deep, 0755), 0);
	make_file("run", 0755, 10);
	make_file("dir/secret", 0600, 3 * 1024 * 1024);
	make_file("new\nline", 0644, 0);
	make_file("latin\xe9", 0644, 1);
	make_file("utf\xc3\xbc", 0644, 1);
	assert_int_equal(symlinkat("/etc/passwd", tree, "away"), 0);
	assert_int_equal(symlinkat("../../..", tree, "dir/up"), 0);
	set_time("run", 1234567890);
	assert_int_equal(fchmodat(tree, "dir", 0555, 0), 0);
	set_time("dir", 1000000000);
	assert_int_equal(tree_hash(tree, &limits, &stats, hash, err), 0);
	assert_int_equal(archive_tree(tree, pack, &limits, &bytes, err), 0);
	return chdir(base);
}

static int
tear_down(void **state)
{
	(void)state;
	(void)!fchmodat(tree, "dir", 0755, 0);
	(void)!fchmodat(top, "made/dir", 0755, 0);
	close(tree);
	close(pack);
	close(top);
	return chdir("/") == 0
		   ? nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS)
		   : -1;
}

/* Into an empty folder `made`. */
static int
unpack(const uint8_t *wanted)
{
	int fd = open("pack/" ARCHIVE_NAME, O_RDONLY), result;

	assert_true(fd >= 0);
	assert_int_equal(mkdir("made", 0755), 0);
	assert_int_equal(chdir("made"), 0);
	err[0] = '\0';
	result = archive_unpack(fd, &limits, wanted, err);
	assert_int_equal(chdir(base), 0);
	close(fd);
	return result;
}

static char *
slurp(size_t *len)
{
	FILE *file = fopen("pack/" ARCHIVE_NAME, "r");
	char *text = malloc(8 * 1024 * 1024);

	assert_non_null(file);
	*len = fread(text, 1, 8 * 1024 * 1024, file);
	fclose(file);
	return text;
}

static void
archive_comes_back(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(unpack(hash), 0);
	assert_int_equal(stat("made/run", &st), 0);
	assert_int_equal(st.st_mtime, 1234567890);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(stat("made/dir", &st), 0);
	assert_int_equal(st.st_mtime, 1000000000);
	assert_int_equal(st.st_mode & 07777, 0555);
	assert_int_equal(stat("made/dir/secret", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void
archive_is_zstd(void **state)
{
	size_t len;
	char *text = slurp(&len);

	(void)state;
	/* RFC 8878, section 3.1.1. */
	assert_memory_equal(text, "\x28\xb5\x2f\xfd", 4);
	assert_int_equal(len, bytes);
	free(text);
}

static void
archive_is_the_same_again(void **state)
{
	size_t len, again;
	char *one = slurp(&len), *two;

	(void)state;
	assert_int_equal(archive_tree(tree, pack, &limits, &bytes, err), 0);
	two = slurp(&again);
	assert_int_equal(len, again);
	assert_memory_equal(one, two, len);
	free(one);
	free(two);
}

static void
archive_of_another(void **state)
{
	uint8_t other[TREE_HASH_LEN];

	(void)state;
	memcpy(other, hash, sizeof(other));
	other[31] ^= 1;
	assert_int_equal(unpack(other), UNPACK_DAMAGED);
	assert_string_equal(err, "its content has another hash");
}

static void
archive_flipped(void **state)
{
	size_t len;
	char *text = slurp(&len);
	int fd = openat(pack, ARCHIVE_NAME, O_WRONLY);

	(void)state;
	text[len / 2] ^= 1;
	assert_int_equal(pwrite(fd, text + len / 2, 1, (off_t)len / 2), 1);
	close(fd);
	free(text);
	assert_int_equal(unpack(hash), UNPACK_DAMAGED);
	assert_string_not_equal(err, "");
}

static void
archive_cut_off(void **state)
{
	(void)state;
	assert_int_equal(truncate("pack/" ARCHIVE_NAME, (off_t)bytes - 20), 0);
	assert_int_equal(unpack(hash), UNPACK_DAMAGED);
	assert_string_not_equal(err, "");
}

static void
archive_empty(void **state)
{
	(void)state;
	assert_int_equal(truncate("pack/" ARCHIVE_NAME, 0), 0);
	assert_int_equal(unpack(hash), UNPACK_DAMAGED);
}

/* One that nobody here writes: its link leads out, its file goes after it. */
static void
archive_that_means_harm(void **state)
{
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();

	(void)state;
	archive_write_add_filter_zstd(a);
	archive_write_set_format_pax(a);
	assert_int_equal(
	    archive_write_open_filename(a, "pack/" ARCHIVE_NAME), 0);
	archive_entry_set_pathname(entry, "out");
	archive_entry_set_filetype(entry, AE_IFLNK);
	archive_entry_set_symlink(entry, base);
	assert_int_equal(archive_write_header(a, entry), 0);
	archive_entry_clear(entry);
	archive_entry_set_pathname(entry, "out/evil");
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, 4);
	assert_int_equal(archive_write_header(a, entry), 0);
	assert_int_equal(archive_write_data(a, "evil", 4), 4);
	archive_entry_free(entry);
	assert_int_equal(archive_write_free(a), 0);
	assert_int_equal(unpack(hash), UNPACK_DAMAGED);
	assert_int_equal(access("evil", F_OK), -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(archive_comes_back),
	    TEST(archive_is_zstd),
	    TEST(archive_is_the_same_again),
	    TEST(archive_of_another),
	    TEST(archive_flipped),
	    TEST(archive_cut_off),
	    TEST(archive_empty),
	    TEST(archive_that_means_harm),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
