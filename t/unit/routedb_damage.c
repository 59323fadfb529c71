/* sources: ngx_paas_module/routedb/[!t]*.c; libs: -llmdb */
/*
 * What readers make of a database that is missing, damaged or cut.
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "routedb_fixture.h"

static const char *const few[] = {
    "a.example.com", "b.example.com", ".example.com"};

/*
 * What a router would learn from dir.  0: all is as it was written; 1: told
 * that something is wrong; 2: something else was believed.
 */
static int
look_around(const char *dir)
{
	paas_routedb_reader_t *reader;
	paas_routedb_instance_t in;
	paas_routedb_host_t host;
	paas_routedb_path_t path;
	paas_routedb_pool_t pool;
	uint64_t txn;
	int bad = 0;

	if (paas_routedb_reader_open(&reader, dir) != OK)
		return 1;
	if (paas_routedb_begin(reader, &txn) != OK)
		return 1;
	for (uint64_t i = 0; i < 3; i++) {
		if (paas_routedb_find_host(
			reader, few[i], strlen(few[i]), &host) != OK ||
		    paas_routedb_get_path(&host, 0, &path) != OK ||
		    paas_routedb_find_pool(
			reader, &host, path.targets[0].pool, &pool) != OK ||
		    paas_routedb_get_instance(&pool, 1, &in) != OK) {
			bad |= 1;
			continue;
		}
		/* A lost host may still fall to the wildcard. */
		if (!is(host.name, few[i]) && !is(host.name, few[2]))
			bad |= 2;
		if (!is(host.name, few[pool.id - 1]) || pool.id > 3 ||
		    in.id != pool.id * 1000 + 1 || in.port != 9000)
			bad |= 2;
	}
	paas_routedb_end(reader);
	paas_routedb_reader_close(reader);
	return bad & 2 ? 2 : bad;
}

/* In a process of its own: what it returned, or minus the signal. */
static int
look_around_apart(const char *dir)
{
	struct rlimit none = {0, 0};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &none);
		signal(SIGSEGV, SIG_DFL); /* cmocka takes them */
		signal(SIGBUS, SIG_DFL);
		signal(SIGFPE, SIG_DFL);
		_exit(look_around(dir));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

struct ranges {
	const uint8_t *map;
	uint8_t *is_record; /* for each byte of the file */
	size_t size;
};

static int
mark_record(const MDB_val *key, const MDB_val *value, void *arg)
{
	struct ranges *r = arg;

	for (size_t i = 0; i + key->mv_size <= r->size; i++)
		if (memcmp(r->map + i, key->mv_data, key->mv_size) == 0 &&
		    i + key->mv_size + value->mv_size <= r->size &&
		    memcmp(r->map + i + key->mv_size, value->mv_data,
			value->mv_size) == 0)
			memset(
			    r->is_record + i, 1, key->mv_size + value->mv_size);
	return 0;
}

static void
test_every_byte_flipped(void **state)
{
	static uint8_t file[1 << 16], marks[1 << 16];
	unsigned records = 0, told = 0, same = 0, signals = 0;
	struct ranges r = {file, marks, 0};
	paas_routedb_reader_t *reader;
	int fd, got;

	write_hosts(*state, few, 3);
	fd = open(data_path(*state), O_RDWR);
	r.size = (size_t)read(fd, file, sizeof(file));
	reader = open_reader(*state);
	assert_int_equal(paas_routedb_each(reader, 0, mark_record, &r), 0);
	close_reader(reader);
	for (size_t i = 0; i < r.size; i++) {
		if (file[i] == 0 && !marks[i] && i % 16 != 0)
			continue; /* hardly any of them is in use */
		for (int bit = 0; bit < 8; bit += 3) {
			uint8_t b = file[i] ^ (uint8_t)(1 << bit);

			assert_int_equal(pwrite(fd, &b, 1, (off_t)i), 1);
			got = look_around_apart(*state);
			if (got == 2)
				fail_msg("byte %zu: believed", i);
			if (marks[i] && got < 0)
				fail_msg("byte %zu: signal %d", i, -got);
			if (got < 0 && got != -SIGSEGV && got != -SIGBUS)
				fail_msg("byte %zu: signal %d", i, -got);
			records += marks[i];
			signals += got < 0;
			told += got == 1;
			same += got == 0;
		}
		assert_int_equal(pwrite(fd, &file[i], 1, (off_t)i), 1);
	}
	close(fd);
	assert_true(records > 1000);
	assert_int_equal(look_around(*state), 0);
	print_message("# flips: %u in records, %u told, %u harmless, %u for "
		      "a fault handler\n",
	    records, told, same, signals);
}

static void
test_truncated(void **state)
{
	struct stat st;
	int got;

	write_hosts(*state, few, 3);
	assert_int_equal(stat(data_path(*state), &st), 0);
	for (off_t size = st.st_size - 1; size >= 0; size -= 500) {
		assert_int_equal(truncate(data_path(*state), size), 0);
		got = look_around_apart(*state);
		assert_true(got == 1 || got == 0 || got == -SIGBUS);
	}
}

static void
commit_something(const char *dir)
{
	paas_routedb_writer_t *w = open_writer(dir);

	assert_int_equal(paas_routedb_write_begin(w), OK);
	assert_int_equal(put_pool(w, 1, 2), OK);
	assert_int_equal(paas_routedb_commit(w), OK);
	paas_routedb_writer_close(w);
}

/* A long read without a lock must not be believed after a commit. */
static void
test_read_for_too_long(void **state)
{
	paas_routedb_reader_t *reader;
	uint64_t txn, now;

	write_hosts(*state, few, 3);
	reader = open_reader(*state);
	usleep((PAAS_ROUTEDB_READ_MAX + 50) * 1000);
	assert_int_equal(paas_routedb_end(reader), OK);
	assert_int_equal(paas_routedb_begin(reader, &txn), OK);
	commit_something(*state); /* waits out its grace */
	assert_int_equal(paas_routedb_end(reader), PAAS_ROUTEDB_EAGAIN);
	/* The caller's clock counts, if it has one. */
	now = paas_routedb_now();
	assert_int_equal(paas_routedb_begin_at(reader, now, &txn), OK);
	commit_something(*state);
	assert_int_equal(paas_routedb_end(reader), PAAS_ROUTEDB_EAGAIN);
	assert_int_equal(paas_routedb_begin(reader, &txn), OK);
	assert_int_equal(paas_routedb_end(reader), OK);
	paas_routedb_reader_close(reader);
	assert_int_equal(paas_routedb_reader_open_locked(&reader, *state), OK);
	assert_int_equal(paas_routedb_begin(reader, &txn), OK);
	commit_something(*state);
	close_reader(reader);
}

/* The writer's map may grow while a reader has the old size. */
static void
test_grown_map(void **state)
{
	paas_routedb_reader_t *reader;
	paas_routedb_writer_t *w;
	paas_routedb_host_t host;
	char name[32];
	uint64_t txn;
	int rc = OK, len;

	assert_int_equal(paas_routedb_writer_open(&w, *state, 1 << 20), OK);
	assert_int_equal(paas_routedb_write_begin(w), OK);
	assert_int_equal(put_host(w, "a.com", 1), OK);
	assert_int_equal(paas_routedb_commit(w), OK);
	assert_int_equal(paas_routedb_reader_open(&reader, *state), OK);
	/* Full, in one transaction: nothing of it stays. */
	assert_int_equal(paas_routedb_write_begin(w), OK);
	for (int i = 0; i < 100000 && rc == OK; i++) {
		snprintf(name, sizeof(name), "h%d.example.com", i);
		rc = put_host(w, name, 1);
	}
	assert_int_equal(rc, PAAS_ROUTEDB_EFULL);
	assert_int_equal(put_host(w, "b.com", 1), PAAS_ROUTEDB_EFULL);
	assert_int_equal(paas_routedb_commit(w), PAAS_ROUTEDB_EFULL);
	paas_routedb_writer_close(w);
	assert_int_equal(paas_routedb_writer_open(&w, *state, 64 << 20), OK);
	while (paas_routedb_writer_wait(w) > 0)
		usleep(1000);
	assert_int_equal(paas_routedb_write_begin(w), OK);
	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "h%d.example.com", i);
		assert_int_equal(put_host(w, name, 1), OK);
	}
	assert_int_equal(paas_routedb_commit(w), OK);
	assert_int_equal(paas_routedb_begin(reader, &txn), OK);
	len = (int)strlen(strcpy(name, "h99999.example.com"));
	assert_int_equal(
	    paas_routedb_find_host(reader, name, (size_t)len, &host), OK);
	close_reader(reader);
	paas_routedb_writer_close(w);
}

static void
test_verify(void **state)
{
	uint8_t key[PAAS_ROUTEDB_KEY_MAX], value[256];
	paas_routedb_path_t path = make_path("/", 1);
	paas_routedb_reader_t *reader;
	paas_routedb_host_t view;
	size_t keylen, len;
	char err[256];

	write_hosts(*state, few, 3);
	assert_int_equal(paas_routedb_reader_open(&reader, *state), OK);
	assert_int_equal(paas_routedb_verify(reader, err, sizeof(err)), OK);
	paas_routedb_reader_close(reader);
	/* A host that meta does not count, written by a careless program. */
	keylen = paas_routedb_key_host(key, str("c.example.com"));
	len = paas_routedb_encode_host(value, &path, 1, &view);
	paas_routedb_seal(value, len, key, keylen);
	write_raw(*state, (MDB_val){keylen, key}, (MDB_val){len, value});
	assert_int_equal(paas_routedb_reader_open(&reader, *state), OK);
	assert_int_equal(paas_routedb_verify(reader, err, sizeof(err)),
	    PAAS_ROUTEDB_EDAMAGED);
	assert_non_null(strstr(err, "counts 3 hosts, there are 4"));
	paas_routedb_reader_close(reader);
	value[0] ^= 1;
	write_raw(*state, (MDB_val){keylen, key}, (MDB_val){len, value});
	assert_int_equal(paas_routedb_reader_open(&reader, *state), OK);
	assert_int_equal(paas_routedb_verify(reader, err, sizeof(err)),
	    PAAS_ROUTEDB_EDAMAGED);
	assert_string_equal(err, "host c.example.com: wrong length or CRC");
	paas_routedb_reader_close(reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_every_byte_flipped),
	    T(test_truncated),
	    T(test_read_for_too_long),
	    T(test_grown_map),
	    T(test_verify),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
