/* sources: ngx_paas_module/routedb/[!t]*.c; libs: -llmdb */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "routedb_fixture.h"

static paas_routedb_reader_t *
open_reader(const char *dir)
{
	paas_routedb_reader_t *reader = NULL;
	uint64_t txn;

	assert_int_equal(paas_routedb_reader_open(&reader, dir), OK);
	assert_int_equal(paas_routedb_begin(reader, &txn), OK);
	return reader;
}

static void
close_reader(paas_routedb_reader_t *reader)
{
	assert_int_equal(paas_routedb_end(reader), OK);
	paas_routedb_reader_close(reader);
}

static void
write_hosts(const char *dir, const char *const *names, size_t n)
{
	paas_routedb_writer_t *w = open_writer(dir);

	assert_int_equal(paas_routedb_write_begin(w), OK);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(put_pool(w, i + 1, 2), OK);
		assert_int_equal(put_host(w, names[i], i + 1), OK);
	}
	assert_int_equal(paas_routedb_commit(w), OK);
	paas_routedb_writer_close(w);
}

#define A10  "a.a.a.a.a.a.a.a.a.a."
#define A120 A10 A10 A10 A10 A10 A10 A10 A10 A10 A10 A10 A10

static void
test_wildcards(void **state)
{
	static const char *const names[] = {"example.com", ".example.com",
	    ".b.example.com", "x.b.example.com", ".com", ".org", ".a.a.a.org",
	    "." A120 "a.a.a.a.org"};
	static const struct {
		const char *host, *found; /* NULL: none */
	} want[] = {{"example.com", "example.com"},
	    {"a.example.com", ".example.com"},
	    {"b.example.com", ".example.com"},
	    {"a.b.example.com", ".b.example.com"},
	    {"x.b.example.com", "x.b.example.com"},
	    {"y.x.b.example.com", ".b.example.com"}, {"other.com", ".com"},
	    {"badexample.com", ".com"}, {"com", NULL}, {"net", NULL},
	    {"a.net", NULL}, {"a.org", ".org"}, {"a.a.a.org", ".org"},
	    {"a.a.a.a.org", ".a.a.a.org"}, {"b.a.a.a.a.org", ".a.a.a.org"},
	    {A120 "a.a.a.a.org", ".a.a.a.org"},
	    {"b." A120 "a.a.a.a.org", "." A120 "a.a.a.a.org"},
	    {"127.0.0.1", NULL}, {"[::1]", NULL}};
	paas_routedb_reader_t *reader;
	paas_routedb_host_t host;
	paas_routedb_path_t path;
	paas_routedb_pool_t pool;
	paas_routedb_meta_t meta;
	int rc;

	write_hosts(*state, names, 8);
	reader = open_reader(*state);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		rc = paas_routedb_find_host(
		    reader, want[i].host, strlen(want[i].host), &host);
		if (want[i].found == NULL) {
			assert_int_equal(rc, PAAS_ROUTEDB_ENOTFOUND);
			continue;
		}
		assert_int_equal(rc, OK);
		if (!is(host.name, want[i].found))
			fail_msg("%s: %.*s, want %s", want[i].host,
			    (int)host.name.len, (const char *)host.name.data,
			    want[i].found);
		/* Each has its own pool in it, and that is of its number. */
		assert_int_equal(paas_routedb_find_path(
				     &host, (const uint8_t *)"/", 1, &path),
		    OK);
		assert_true(host.inline_pool.len > 0);
		assert_int_equal(paas_routedb_find_pool(reader, &host,
				     path.targets[0].pool, &pool),
		    OK);
		assert_true(is(host.name, names[pool.id - 1]));
	}
	assert_int_equal(paas_routedb_get_meta(reader, &meta), OK);
	assert_int_equal(meta.nhosts, 8);
	assert_int_equal(meta.npools, 8);
	close_reader(reader);
}

/* find_host never gives the default route, and find_default nothing else. */
static void
test_default(void **state)
{
	static const char *const names[] = {".com", ".", "a.org"};
	paas_routedb_reader_t *reader;
	paas_routedb_host_t host;
	paas_routedb_path_t path;
	paas_routedb_pool_t pool;
	paas_routedb_meta_t meta;

	write_hosts(*state, names, 3);
	reader = open_reader(*state);
	assert_int_equal(paas_routedb_get_meta(reader, &meta), OK);
	assert_int_equal(meta.depths[0], 1 | 1 << 1);
	assert_int_equal(paas_routedb_find_host(reader, "x.com", 5, &host), OK);
	assert_true(is(host.name, ".com"));
	assert_int_equal(paas_routedb_find_host(reader, "x.org", 5, &host),
	    PAAS_ROUTEDB_ENOTFOUND);
	assert_int_equal(paas_routedb_find_host(reader, "com", 3, &host),
	    PAAS_ROUTEDB_ENOTFOUND);
	assert_int_equal(paas_routedb_find_default(reader, &host), OK);
	assert_true(is(host.name, "."));
	assert_int_equal(paas_routedb_get_path(&host, 0, &path), OK);
	assert_int_equal(path.targets[0].pool, 2);
	assert_int_equal(host.inline_pool.len, 0);
	assert_int_equal(paas_routedb_find_pool(reader, &host, 2, &pool), OK);
	assert_int_equal(pool.home.len, 0);
	close_reader(reader);
}

static void
test_no_default(void **state)
{
	static const char *const names[] = {".com", "a.org"};
	paas_routedb_reader_t *reader;
	paas_routedb_host_t host;

	write_hosts(*state, names, 2);
	reader = open_reader(*state);
	assert_int_equal(
	    paas_routedb_find_default(reader, &host), PAAS_ROUTEDB_ENOTFOUND);
	close_reader(reader);
}

/* Against a plain matcher, over names that overlap as much as they can. */
static size_t
random_name(char *out, unsigned labels)
{
	size_t n = 0;

	while (labels-- > 0) {
		n += (size_t)sprintf(out + n, "%c", "ab-"[rand() % 3]);
		n += (size_t)sprintf(out + n, labels > 0 ? "." : "");
	}
	return n;
}

static const char *
plain_match(char names[][16], size_t n, const char *host)
{
	const char *best = NULL, *tail;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], host) == 0)
			return names[i];
		if (names[i][0] != '.' || strlen(host) <= strlen(names[i]))
			continue;
		tail = host + strlen(host) - strlen(names[i]);
		if (strcmp(tail, names[i]) == 0 &&
		    (best == NULL || strlen(names[i]) > strlen(best)))
			best = names[i];
	}
	return best;
}

static void
test_against_plain_matcher(void **state)
{
	static char names[400][16];
	const char *list[400], *want;
	paas_routedb_reader_t *reader;
	paas_routedb_host_t host;
	size_t n = 0, len;
	char name[16];
	int rc;

	srand(1);
	while (n < 400) {
		len = 0;
		if (rand() % 2)
			names[n][len++] = '.';
		random_name(names[n] + len, 1 + (unsigned)rand() % 6);
		list[n] = names[n];
		n++;
	}
	write_hosts(*state, list, n);
	reader = open_reader(*state);
	for (int i = 0; i < 20000; i++) {
		len = random_name(name, 1 + (unsigned)rand() % 7);
		want = plain_match(names, n, name);
		rc = paas_routedb_find_host(reader, name, len, &host);
		assert_int_equal(rc, want ? OK : PAAS_ROUTEDB_ENOTFOUND);
		if (want != NULL && !is(host.name, want))
			fail_msg("%s: want %s", name, want);
	}
	close_reader(reader);
}

static void
test_split_and_draining(void **state)
{
	paas_routedb_writer_t *w = open_writer(*state);
	paas_routedb_path_t path = make_path("/", 1);
	paas_routedb_reader_t *reader;
	paas_routedb_instance_t in[2];
	paas_routedb_pool_t pool = {.id = 2, .ninstances = 2};
	paas_routedb_host_t host;

	path.ntargets = 3;
	path.targets[0] = (paas_routedb_target_t){1, 90};
	path.targets[1] = (paas_routedb_target_t){2, 10};
	path.targets[2] = (paas_routedb_target_t){3, 10000};
	make_instances(in, 2, 1);
	in[1].flags = PAAS_ROUTEDB_DRAINING;
	assert_int_equal(paas_routedb_write_begin(w), OK);
	assert_int_equal(put_pool(w, 1, 1), OK);
	assert_int_equal(paas_routedb_put_pool(w, &pool, in), OK);
	assert_int_equal(paas_routedb_put_host(w, str("a.com"), &path, 1), OK);
	assert_int_equal(paas_routedb_commit(w), OK);
	paas_routedb_writer_close(w);

	reader = open_reader(*state);
	assert_int_equal(paas_routedb_find_host(reader, "a.com", 5, &host), OK);
	assert_int_equal(host.inline_pool.len, 0);
	memset(&path, 0, sizeof(path));
	assert_int_equal(paas_routedb_get_path(&host, 0, &path), OK);
	assert_int_equal(path.ntargets, 3);
	assert_int_equal(path.targets[1].pool, 2);
	assert_int_equal(path.targets[2].weight, 10000);
	assert_int_equal(paas_routedb_find_pool(reader, &host, 2, &pool), OK);
	assert_int_equal(paas_routedb_get_instance(&pool, 0, &in[0]), OK);
	assert_int_equal(in[0].flags, 0);
	assert_int_equal(paas_routedb_get_instance(&pool, 1, &in[1]), OK);
	assert_int_equal(in[1].flags, PAAS_ROUTEDB_DRAINING);
	assert_int_equal(paas_routedb_find_pool(reader, &host, 3, &pool),
	    PAAS_ROUTEDB_ENOTFOUND);
	close_reader(reader);
}

static void
test_missing(void **state)
{
	paas_routedb_reader_t *reader;
	paas_routedb_writer_t *w;
	uint64_t txn;

	assert_int_equal(
	    paas_routedb_reader_open(&reader, *state), PAAS_ROUTEDB_EMISSING);
	assert_null(reader);
	/* Made, but nothing was committed yet. */
	w = open_writer(*state);
	assert_int_equal(
	    paas_routedb_reader_open(&reader, *state), PAAS_ROUTEDB_EMISSING);
	assert_int_equal(
	    paas_routedb_begin(paas_routedb_writer_reader(w), &txn),
	    PAAS_ROUTEDB_EMISSING);
	assert_int_equal(paas_routedb_write_begin(w), OK);
	assert_int_equal(paas_routedb_commit(w), OK);
	assert_int_equal(paas_routedb_reader_open(&reader, *state), OK);
	paas_routedb_reader_close(reader);
	paas_routedb_writer_close(w);
}

static char *
data_path(const char *dir)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	return path;
}

static void
test_no_database_at_all(void **state)
{
	static const char junk[8192] = "not a database";
	paas_routedb_reader_t *reader;
	int fd;

	assert_int_equal(mkdir(*state, 0700), 0);
	fd = open(data_path(*state), O_WRONLY | O_CREAT, 0600);
	assert_int_equal(
	    paas_routedb_reader_open(&reader, *state), PAAS_ROUTEDB_EMISSING);
	assert_int_equal(write(fd, junk, sizeof(junk)), sizeof(junk));
	close(fd);
	assert_int_equal(
	    paas_routedb_reader_open(&reader, *state), PAAS_ROUTEDB_EDAMAGED);
	assert_null(reader);
}

/* Writes raw records, as someone else's program would. */
static void
write_raw(const char *dir, MDB_val key, MDB_val value)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_open(env, dir, 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
	assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void
test_other_version(void **state)
{
	uint8_t key[1], value[8] = {[4] = PAAS_ROUTEDB_VERSION + 1};
	paas_routedb_reader_t *reader;
	paas_routedb_writer_t *w;

	assert_int_equal(mkdir(*state, 0700), 0);
	paas_routedb_key_meta(key);
	paas_routedb_seal(value, sizeof(value), key, sizeof(key));
	write_raw(*state, (MDB_val){1, key}, (MDB_val){8, value});
	assert_int_equal(
	    paas_routedb_reader_open(&reader, *state), PAAS_ROUTEDB_EVERSION);
	/* A writer may clear it, and nothing else. */
	w = open_writer(*state);
	assert_int_equal(paas_routedb_write_begin(w), OK);
	assert_int_equal(put_pool(w, 1, 1), PAAS_ROUTEDB_EVERSION);
	assert_int_equal(paas_routedb_commit(w), PAAS_ROUTEDB_EVERSION);
	assert_int_equal(paas_routedb_write_begin(w), OK);
	assert_int_equal(paas_routedb_clear(w), OK);
	assert_int_equal(put_pool(w, 1, 1), OK);
	assert_int_equal(paas_routedb_commit(w), OK);
	paas_routedb_writer_close(w);
	assert_int_equal(paas_routedb_reader_open(&reader, *state), OK);
	paas_routedb_reader_close(reader);
}

static void
test_records_without_meta(void **state)
{
	paas_routedb_reader_t *reader;

	assert_int_equal(mkdir(*state, 0700), 0);
	write_raw(*state, (MDB_val){2, "ab"}, (MDB_val){2, "cd"});
	assert_int_equal(
	    paas_routedb_reader_open(&reader, *state), PAAS_ROUTEDB_EDAMAGED);
}

/* ---- damage ------------------------------------------------------------ */

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

#define T(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_wildcards),
	    T(test_default),
	    T(test_no_default),
	    T(test_against_plain_matcher),
	    T(test_split_and_draining),
	    T(test_missing),
	    T(test_no_database_at_all),
	    T(test_other_version),
	    T(test_records_without_meta),
	    T(test_every_byte_flipped),
	    T(test_truncated),
	    T(test_read_for_too_long),
	    T(test_grown_map),
	    T(test_verify),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
