/* sources: ngx_paas_module/routedb/[!t]*.c; libs: -llmdb */
#include <fcntl.h>
#include <sys/stat.h>

#include "routedb_fixture.h"

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
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
