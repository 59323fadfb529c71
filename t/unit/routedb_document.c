/* sources: ngx_paas_module/routedb/[!t]*.c; libs: -llmdb */
/*
 * The example of the format, byte by byte, in its document.
 */
#include "routedb_fixture.h"

/*
 * FORMAT.md's example is a list of lines "k HEX... | what" and "v HEX... |
 * what"; a k begins a record.  The same routes, written, must be these bytes.
 */
#define EXAMPLES 8

struct example {
	uint8_t key[64], value[512];
	size_t keylen, len;
};

static size_t
read_hex(const char *s, uint8_t *out, size_t len)
{
	unsigned byte;
	int n;

	while (sscanf(s, " %2x%n", &byte, &n) == 1) {
		out[len++] = (uint8_t)byte;
		s += n;
	}
	return len;
}

static size_t
read_examples(struct example *e)
{
	const char *file = "ngx_paas_module/routedb/FORMAT.md";
	char line[256];
	size_t n = 0;
	FILE *f = fopen(file, "r");

	if (f == NULL)
		fail_msg("cannot open %s: run from the repository", file);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "    k ", 6) == 0) {
			assert_true(n < EXAMPLES);
			e[n].keylen = read_hex(line + 6, e[n].key, 0);
			n++;
		} else if (strncmp(line, "    v ", 6) == 0 && n > 0) {
			e[n - 1].len =
			    read_hex(line + 6, e[n - 1].value, e[n - 1].len);
		}
	}
	fclose(f);
	return n;
}

static void
write_example(const char *dir)
{
	paas_routedb_writer_t *w = open_writer(dir);
	paas_routedb_instance_t in[2];
	paas_routedb_pool_t pool = {
	    .id = 10, .app = str("hello"), .type = str("web"), .ninstances = 2};
	paas_routedb_path_t path = make_path("/shop", 10);
	paas_routedb_key_t key = {.id = 1};

	make_instances(in, 2, UINT64_C(1) << 40 | 3);
	in[0].number = 1;
	in[1].number = 2;
	in[1].flags = PAAS_ROUTEDB_DRAINING;
	assert_int_equal(paas_routedb_write_begin(w), OK);
	assert_int_equal(paas_routedb_put_revision(w, 42), OK);
	assert_int_equal(paas_routedb_put_pool(w, &pool, in), OK);
	pool = (paas_routedb_pool_t){.id = 11, .retry_budget = 30};
	assert_int_equal(paas_routedb_put_pool(w, &pool, NULL), OK);
	assert_int_equal(put_host(w, "hello.io", 10), OK);
	path.flags = PAAS_ROUTEDB_STRIP;
	path.ntargets = 2;
	path.targets[0].weight = 90;
	path.targets[1] = (paas_routedb_target_t){11, 10};
	assert_int_equal(paas_routedb_put_host(w, str(".io"), &path, 1), OK);
	path = make_path("/", 0);
	path.ntargets = 0;
	path.flags = PAAS_ROUTEDB_TO_HOST;
	path.redirect_host = str("hello.io");
	assert_int_equal(paas_routedb_put_host(w, str("."), &path, 1), OK);
	path = make_path("/", 11);
	assert_int_equal(
	    paas_routedb_put_pattern(w, 5, str("pr-(?<n>\\d+)\\.io"), &path, 1),
	    OK);
	for (uint8_t i = 0; i < sizeof(key.key); i++)
		key.key[i] = i;
	assert_int_equal(paas_routedb_put_keys(w, &key, 1), OK);
	assert_int_equal(paas_routedb_commit(w), OK);
	paas_routedb_writer_close(w);
}

struct compare {
	struct example *examples;
	size_t n, seen;
};

static int
compare_example(const MDB_val *key, const MDB_val *value, void *arg)
{
	struct compare *c = arg;
	struct example *e = &c->examples[c->seen++];

	assert_true(c->seen <= c->n);
	assert_int_equal(e->keylen, key->mv_size);
	assert_memory_equal(e->key, key->mv_data, e->keylen);
	if (e->len != value->mv_size ||
	    memcmp(e->value, value->mv_data, e->len) != 0) {
		print_message("# the writer's bytes:");
		for (size_t i = 0; i < value->mv_size; i++)
			print_message(
			    " %02x", ((const uint8_t *)value->mv_data)[i]);
		fail_msg("record %zu of FORMAT.md has other bytes", c->seen);
	}
	return 0;
}

static void
test_document(void **state)
{
	static struct example examples[EXAMPLES];
	struct compare c = {examples, read_examples(examples), 0};
	paas_routedb_reader_t *reader;
	uint64_t txn;

	write_example(*state);
	assert_int_equal(paas_routedb_reader_open(&reader, *state), OK);
	assert_int_equal(paas_routedb_begin(reader, &txn), OK);
	assert_int_equal(paas_routedb_each(reader, 0, compare_example, &c), 0);
	assert_int_equal(c.seen, c.n);
	assert_int_equal(c.n, 8);
	paas_routedb_end(reader);
	paas_routedb_reader_close(reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_document, make_place, remove_place),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
