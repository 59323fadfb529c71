/* sources: manager/store/[k-s]*.c manager/common/log.c; libs: -llmdb -ljansson -lsystemd -lsodium */
#include "store_fixture.h"

#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/log.h"
#include "store/seal.h"

#define CANARY "canary-0123456789abcdef"
#define SECRET "{\"TOKEN\":\"" CANARY "\"}"

static char key_file[192];

static void
open_sealed(struct fixture *fx)
{
	char err[PAAS_ERRLEN] = "";
	int locked = 0;

	assert_int_equal(0, sd_event_new(&fx->loop));
	fx->store =
	    store_open_lmdb_sealed(fx->path, key_file, fx->loop, &locked, err);
	assert_string_equal("", err);
	assert_non_null(fx->store);
	assert_int_equal(0, locked);
}

static void
is_locked(struct fixture *fx, const char *what)
{
	char err[PAAS_ERRLEN] = "";
	sd_event *loop;
	int locked = 0;

	assert_int_equal(0, sd_event_new(&loop));
	assert_null(
	    store_open_lmdb_sealed(fx->path, key_file, loop, &locked, err));
	assert_int_equal(1, locked);
	assert_non_null(strstr(err, what));
	assert_non_null(strstr(err, key_file));
	sd_event_unref(loop);
}

static void
holds(struct fixture *fx, const char *key)
{
	json_t *value = store_get(fx->store, key, NULL);

	assert_string_equal(
	    CANARY, json_string_value(json_object_get(value, "TOKEN")));
	json_decref(value);
}

/* How often a text is in a file; -1: there is no such file. */
static int
count_in(const char *dir, const char *name, const char *text)
{
	char path[256], *bytes;
	struct stat st;
	int fd, n = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((fd = open(path, O_RDONLY)) == -1)
		return -1;
	assert_int_equal(0, fstat(fd, &st));
	bytes = malloc((size_t)st.st_size + 1);
	assert_int_equal(st.st_size, read(fd, bytes, (size_t)st.st_size));
	for (char *p = bytes, *end = bytes + st.st_size;
	     (p = memmem(p, (size_t)(end - p), text, strlen(text))) != NULL;
	     p++)
		n++;
	free(bytes);
	close(fd);
	return n;
}

static int
setup(void **state)
{
	struct fixture *fx;

	assert_int_equal(0, fixture_setup(state));
	fx = *state;
	snprintf(key_file, sizeof(key_file), "%s/keys/store.key", fx->dir);
	return 0;
}

/* ---- sealed ------------------------------------------------------------ */

static void
only_secrets_are_sealed(void **state)
{
	struct fixture *fx = *state;
	char path[256];
	struct stat st;

	fixture_close(fx);
	open_sealed(fx);
	assert_int_equal(0, stat(key_file, &st));
	assert_int_equal(0600, st.st_mode & 07777);
	snprintf(path, sizeof(path), "%s/data.mdb", fx->path);
	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0600, st.st_mode & 07777);
	fixture_put(fx, "config/shop", SECRET);
	fixture_put(fx, "app/shop", "{\"note\":\"in-the-clear\"}");
	holds(fx, "config/shop");
	assert_int_equal(0, count_in(fx->path, "data.mdb", CANARY));
	assert_true(count_in(fx->path, "data.mdb", "in-the-clear") > 0);
	fixture_close(fx);
	open_sealed(fx);
	holds(fx, "config/shop");
}

static void
watch_sees(const char *key, json_t *value, uint64_t rev, void *arg)
{
	(void)key, (void)rev;
	*(int *)arg +=
	    strcmp(CANARY,
		json_string_value(json_object_get(value, "TOKEN"))) == 0;
}

static void
watches_see_the_text(void **state)
{
	struct fixture *fx = *state;
	struct store_watch *watch;
	int seen = 0;

	fixture_close(fx);
	open_sealed(fx);
	watch = store_watch(fx->store, "config/", watch_sees, &seen);
	fixture_put(fx, "config/shop", SECRET);
	assert_int_equal(1, seen);
	store_unwatch(watch);
}

/* ---- a text ------------------------------------------------------------ */

static void
opens_nowhere_else(void **state)
{
	char err[PAAS_ERRLEN] = "", *shut, *text;
	struct seal *seal;
	size_t len, plain;
	int missing;

	(void)state;
	assert_int_equal(0, seal_make(key_file, err));
	seal = seal_load(key_file, &missing, err);
	assert_non_null(seal);
	shut = seal_shut(seal, "config/a", SECRET, strlen(SECRET), &len);
	assert_int_equal(strlen(SECRET) + SEAL_OVERHEAD, len);
	assert_true(seal_is(shut, len));
	assert_false(seal_is(SECRET, strlen(SECRET)));
	text = seal_open(seal, "config/a", shut, len, &plain);
	assert_int_equal(strlen(SECRET), plain);
	assert_memory_equal(SECRET, text, plain);
	free(text);
	assert_null(seal_open(seal, "config/b", shut, len, &plain));
	for (size_t i = 0; i < len; i++) {
		shut[i] ^= 4;
		assert_null(seal_open(seal, "config/a", shut, len, &plain));
		shut[i] ^= 4;
	}
	for (size_t i = 0; i < len; i++)
		assert_null(seal_open(seal, "config/a", shut, i, &plain));
	free(shut);
	seal_free(seal);
}

static void
raw_swap(const char *path)
{
	MDB_val a = {8, "config/a"}, b = {8, "config/b"}, v;
	char value[512];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	assert_int_equal(0, mdb_env_create(&env));
	assert_int_equal(0, mdb_env_set_maxdbs(env, 2));
	assert_int_equal(0, mdb_env_open(env, path, MDB_NOLOCK, 0600));
	assert_int_equal(0, mdb_txn_begin(env, NULL, 0, &txn));
	assert_int_equal(0, mdb_dbi_open(txn, "data", 0, &dbi));
	assert_int_equal(0, mdb_get(txn, dbi, &a, &v));
	memcpy(value, v.mv_data, v.mv_size);
	v.mv_data = value;
	assert_int_equal(0, mdb_put(txn, dbi, &b, &v, 0));
	assert_int_equal(0, mdb_txn_commit(txn));
	mdb_env_close(env);
}

/* A value put into another record by whoever writes to the disk. */
static void
swapped_values_are_damaged(void **state)
{
	struct fixture *fx = *state;
	int status;
	pid_t pid;

	fixture_close(fx);
	open_sealed(fx);
	fixture_put(fx, "config/a", SECRET);
	fixture_put(fx, "config/b", "{}");
	fixture_close(fx);
	raw_swap(fx->path);
	if ((pid = fork()) == 0) {
		log_init("child", 0),
		    (void)dup2(open("/dev/null", O_WRONLY), 2);
		open_sealed(fx);
		(void)store_get(fx->store, "config/b", NULL);
		_exit(0);
	}
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_int_equal(1, WEXITSTATUS(status));
	open_sealed(fx);
	holds(fx, "config/a");
}

/* ---- what was there before ----------------------------------------------- */

/* More than one batch, and some that went meanwhile, into free pages. */
static void
put_many(struct fixture *fx)
{
	char key[64];

	for (int i = 0; i < 600; i++) {
		snprintf(key, sizeof(key), "release/shop/%08d", i);
		fixture_put(fx, key, SECRET);
	}
	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "release/shop/%08d", i);
		fixture_del(fx, key);
	}
}

static void
older_stores_are_sealed(void **state)
{
	struct fixture *fx = *state;
	uint64_t rev, before;

	put_many(fx);
	fixture_put(fx, "config/shop", SECRET);
	before = store_revision(fx->store);
	json_decref(store_get(fx->store, "config/shop", &rev));
	fixture_close(fx);
	assert_true(count_in(fx->path, "data.mdb", CANARY) > 300);
	open_sealed(fx);
	assert_int_equal(before, store_revision(fx->store));
	json_decref(store_get(fx->store, "config/shop", &before));
	assert_int_equal(rev, before);
	holds(fx, "config/shop");
	holds(fx, "release/shop/00000300");
	holds(fx, "release/shop/00000599");
	assert_int_equal(0, count_in(fx->path, "data.mdb", CANARY));
}

/* Killed after some milliseconds, again and again: it goes on. */
static void
sealing_goes_on(void **state)
{
	struct fixture *fx = *state;
	int status, times = 0;
	pid_t pid;

	put_many(fx);
	fixture_close(fx);
	for (useconds_t wait = 200; times < 40; wait += 300, times++) {
		if ((pid = fork()) == 0) {
			log_init("child", 0),
			    (void)dup2(open("/dev/null", O_WRONLY), 2);
			open_sealed(fx);
			_exit(0);
		}
		usleep(wait);
		kill(pid, SIGKILL);
		assert_int_equal(pid, waitpid(pid, &status, 0));
		if (WIFEXITED(status))
			break;
	}
	open_sealed(fx);
	for (int i = 300; i < 600; i++) {
		char key[64];

		snprintf(key, sizeof(key), "release/shop/%08d", i);
		holds(fx, key);
	}
	assert_int_equal(0, count_in(fx->path, "data.mdb", CANARY));
	assert_int_equal(-1, count_in(fx->path, "sealed.new/data.mdb", ""));
}

/* ---- keys -------------------------------------------------------------- */

static void
a_new_key_takes_over(void **state)
{
	struct fixture *fx = *state;
	char err[PAAS_ERRLEN] = "", old[96] = "";
	struct stat st;
	int fd;

	fixture_close(fx);
	open_sealed(fx);
	fixture_put(fx, "config/shop", SECRET);
	fixture_close(fx);
	fd = open(key_file, O_RDONLY);
	assert_int_equal(65, read(fd, old, sizeof(old)));
	close(fd);
	assert_int_equal(0, seal_rotate(key_file, err));
	assert_int_equal(0, stat(key_file, &st));
	assert_int_equal(130, st.st_size);
	open_sealed(fx);
	holds(fx, "config/shop");
	assert_int_equal(0, stat(key_file, &st));
	assert_int_equal(65, st.st_size);
	assert_int_equal(0600, st.st_mode & 07777);
	assert_int_equal(0, count_in(fx->dir, "keys/store.key", old));
	fixture_close(fx);
	open_sealed(fx);
	holds(fx, "config/shop");
}

static void
write_key(const char *text, mode_t mode)
{
	int fd = open(key_file, O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_int_equal(strlen(text), write(fd, text, strlen(text)));
	assert_int_equal(0, fchmod(fd, mode));
	close(fd);
}

static void
nothing_happens_without_the_key(void **state)
{
	static const char other[] = "00112233445566778899aabbccddeeff"
				    "00112233445566778899aabbccddeeff\n";
	struct fixture *fx = *state;
	char kept[256];

	fixture_close(fx);
	open_sealed(fx);
	fixture_put(fx, "config/shop", SECRET);
	fixture_close(fx);
	snprintf(kept, sizeof(kept), "%s.kept", key_file);
	assert_int_equal(0, rename(key_file, kept));
	is_locked(fx, "is missing");
	assert_int_equal(-1, access(key_file, F_OK));
	write_key(other, 0600);
	is_locked(fx, "is another one");
	write_key(other, 0640);
	is_locked(fx, "others may read");
	write_key("00\n", 0600);
	is_locked(fx, "is damaged");
	write_key("", 0600);
	is_locked(fx, "is damaged");
	assert_int_equal(0, rename(kept, key_file));
	open_sealed(fx);
	holds(fx, "config/shop");
}

int
main(void)
{
#define SEAL_TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    SEAL_TEST(only_secrets_are_sealed),
	    SEAL_TEST(watches_see_the_text),
	    SEAL_TEST(opens_nowhere_else),
	    SEAL_TEST(swapped_values_are_damaged),
	    SEAL_TEST(older_stores_are_sealed),
	    SEAL_TEST(sealing_goes_on),
	    SEAL_TEST(a_new_key_takes_over),
	    SEAL_TEST(nothing_happens_without_the_key),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
