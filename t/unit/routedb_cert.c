/* sources: ngx_paas_module/routedb/[!t]*.c; libs: -llmdb */
#include "routedb_fixture.h"

static paas_routedb_cert_t
make_cert(uint64_t id, const char *chain, const char *key)
{
	return (paas_routedb_cert_t){id, str(chain), str(key)};
}

static int
put_cert(paas_routedb_writer_t *w, uint64_t id, const char *chain)
{
	paas_routedb_cert_t cert = make_cert(id, chain, "secret");

	return paas_routedb_put_cert(w, &cert);
}

static int
put_cert_host(paas_routedb_writer_t *w, const char *name, uint64_t id)
{
	return paas_routedb_put_cert_host(w, str(name), (uint64_t[]){id, 0});
}

/* Commits; all is sound, and there are so many. */
static void
check_counts(paas_routedb_writer_t *w, uint64_t names, uint64_t certs)
{
	paas_routedb_reader_t *reader = paas_routedb_writer_reader(w);
	paas_routedb_meta_t meta;
	char err[256];
	uint64_t txn;

	assert_int_equal(paas_routedb_commit(w), OK);
	if (paas_routedb_verify(reader, err, sizeof(err)) != OK)
		fail_msg("%s", err);
	assert_int_equal(paas_routedb_begin(reader, &txn), OK);
	paas_routedb_get_meta(reader, &meta);
	assert_int_equal(paas_routedb_end(reader), OK);
	assert_int_equal(meta.ncerthosts, names);
	assert_int_equal(meta.ncerts, certs);
	assert_int_equal(paas_routedb_write_begin(w), OK);
}

/* ---- records ----------------------------------------------------------- */

static void
test_cert_there_and_back(void **state)
{
	static uint8_t value[PAAS_ROUTEDB_RECORD_MAX];
	uint8_t key[9];
	MDB_val k = {0, key}, v = {0, value};
	paas_routedb_cert_t got,
	    cert = make_cert(0x0102030405060708, "AB", "C");

	(void)state;
	assert_int_equal(paas_routedb_check_cert(&cert), OK);
	k.mv_size = paas_routedb_key_cert(key, cert.id);
	assert_memory_equal(key, "\x07\x01\x02\x03\x04\x05\x06\x07\x08", 9);
	v.mv_size = paas_routedb_encode_cert(value, &cert);
	paas_routedb_seal(value, v.mv_size, key, k.mv_size);
	assert_memory_equal(value + 4,
	    "\x02\0\0\0"
	    "ABC",
	    7);
	assert_int_equal(v.mv_size, 11);
	assert_int_equal(paas_routedb_decode_cert(&k, &v, &got), OK);
	assert_int_equal(got.id, cert.id);
	assert_true(is(got.chain, "AB"));
	assert_true(is(got.key, "C"));
	for (size_t i = 0; i < v.mv_size; i++) {
		value[i] ^= 2;
		assert_int_equal(paas_routedb_decode_cert(&k, &v, &got),
		    PAAS_ROUTEDB_EDAMAGED);
		value[i] ^= 2;
	}
	for (size_t n = v.mv_size; n-- > 0;) {
		MDB_val cut = {n, value};

		assert_int_equal(paas_routedb_decode_cert(&k, &cut, &got),
		    PAAS_ROUTEDB_EDAMAGED);
	}
	/* A right CRC over a chain that is none, or goes too far. */
	for (uint32_t wrong = 0; wrong < 20; wrong++) {
		if (wrong == 1 || wrong == 2)
			continue;
		paas_routedb_put32(value + CERT_CHAIN, wrong);
		paas_routedb_seal(value, v.mv_size, key, k.mv_size);
		assert_int_equal(paas_routedb_decode_cert(&k, &v, &got),
		    PAAS_ROUTEDB_EDAMAGED);
	}
}

static void
test_cert_host_there_and_back(void **state)
{
	uint8_t key[PAAS_ROUTEDB_KEY_MAX], value[CERT_HOST_SIZE_MAX + 1];
	MDB_val k = {0, key}, v = {0, value};
	uint64_t ids[PAAS_ROUTEDB_CERTS_MAX] = {0x0102030405060708, 0};

	(void)state;
	k.mv_size = paas_routedb_key_cert_host(key, str(".a.io"));
	assert_memory_equal(key, "\x06.a.io", 6);
	v.mv_size = paas_routedb_encode_cert_host(value, ids);
	assert_int_equal(v.mv_size, CERT_HOST_SIZE);
	assert_memory_equal(value + 4, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
	paas_routedb_seal(value, v.mv_size, key, k.mv_size);
	assert_int_equal(paas_routedb_decode_cert_host(&k, &v, ids), OK);
	assert_int_equal(ids[0], 0x0102030405060708);
	assert_int_equal(ids[1], 0);
	ids[1] = 9;
	v.mv_size = paas_routedb_encode_cert_host(value, ids);
	assert_int_equal(v.mv_size, CERT_HOST_SIZE_MAX);
	paas_routedb_seal(value, v.mv_size, key, k.mv_size);
	ids[0] = ids[1] = 0;
	assert_int_equal(paas_routedb_decode_cert_host(&k, &v, ids), OK);
	assert_int_equal(ids[0], 0x0102030405060708);
	assert_int_equal(ids[1], 9);
	for (size_t i = 0; i < v.mv_size; i++) {
		value[i] ^= 8;
		assert_int_equal(paas_routedb_decode_cert_host(&k, &v, ids),
		    PAAS_ROUTEDB_EDAMAGED);
		value[i] ^= 8;
	}
	for (size_t n = 0; n <= sizeof(value); n++) {
		MDB_val cut = {n, value};

		if (n > 4)
			paas_routedb_seal(value, n, key, k.mv_size);
		assert_int_equal(paas_routedb_decode_cert_host(&k, &cut, ids),
		    n == CERT_HOST_SIZE || n == CERT_HOST_SIZE_MAX
			? OK
			: PAAS_ROUTEDB_EDAMAGED);
	}
}

static void
test_cert_host_nonsense(void **state)
{
	static const uint64_t bad[][PAAS_ROUTEDB_CERTS_MAX] = {
	    {0, 0}, {0, 1}, {7, 0}, {7, 7}};
	uint8_t key[PAAS_ROUTEDB_KEY_MAX], value[CERT_HOST_SIZE_MAX];
	MDB_val k = {0, key}, v = {CERT_HOST_SIZE_MAX, value};
	uint64_t ids[PAAS_ROUTEDB_CERTS_MAX];

	(void)state;
	k.mv_size = paas_routedb_key_cert_host(key, str("a.io"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		paas_routedb_put64(
		    paas_routedb_put64(value + CERT_HOST_ID, bad[i][0]),
		    bad[i][1]);
		paas_routedb_seal(value, v.mv_size, key, k.mv_size);
		assert_int_equal(paas_routedb_decode_cert_host(&k, &v, ids),
		    PAAS_ROUTEDB_EDAMAGED);
	}
}

static void
test_rules(void **state)
{
	static uint8_t text[PAAS_ROUTEDB_CERT_MAX];
	static const char *const bad[] = {
	    "", "A.com", "a.com.", "*", "*.a.com", "..", "a b"};
	paas_routedb_cert_t cert = make_cert(1, "a", "b");

	(void)state;
	cert.chain = (paas_routedb_str_t){text, PAAS_ROUTEDB_CERT_MAX - 1};
	assert_int_equal(paas_routedb_check_cert(&cert), OK);
	cert.chain.len++;
	assert_int_equal(paas_routedb_check_cert(&cert), PAAS_ROUTEDB_EINVAL);
	cert = make_cert(1, "a", "b");
	cert.key = (paas_routedb_str_t){text, SIZE_MAX};
	assert_int_equal(paas_routedb_check_cert(&cert), PAAS_ROUTEDB_EINVAL);
	cert = make_cert(0, "a", "b");
	assert_int_equal(paas_routedb_check_cert(&cert), PAAS_ROUTEDB_EINVAL);
	cert = make_cert(1, "", "b");
	assert_int_equal(paas_routedb_check_cert(&cert), PAAS_ROUTEDB_EINVAL);
	cert = make_cert(1, "a", "");
	assert_int_equal(paas_routedb_check_cert(&cert), PAAS_ROUTEDB_EINVAL);
	assert_int_equal(
	    paas_routedb_check_cert_host(str("."), (uint64_t[]){1, 0}), OK);
	assert_int_equal(
	    paas_routedb_check_cert_host(str("."), (uint64_t[]){1, 2}), OK);
	assert_int_equal(
	    paas_routedb_check_cert_host(str("."), (uint64_t[]){1, 1}),
	    PAAS_ROUTEDB_EINVAL);
	assert_int_equal(
	    paas_routedb_check_cert_host(str(".a.com"), (uint64_t[]){1, 0}),
	    OK);
	assert_int_equal(
	    paas_routedb_check_cert_host(str("."), (uint64_t[]){0, 0}),
	    PAAS_ROUTEDB_EINVAL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(paas_routedb_check_cert_host(
				     str(bad[i]), (uint64_t[]){1, 0}),
		    PAAS_ROUTEDB_EINVAL);
}

/* ---- a database -------------------------------------------------------- */

static void
test_names(void **state)
{
	static const struct {
		const char *host;
		uint64_t without, with; /* the default; 0: none */
	} want[] = {{"example.com", 1, 1}, {"a.example.com", 2, 2},
	    {"b.a.example.com", 0, 5}, {"x.example.com", 3, 3},
	    {"y.x.example.com", 4, 4}, {"com", 0, 5}, {"other.com", 0, 5},
	    {"localhost", 6, 6}, {"10.0.0.1", 7, 7}, {"10.0.0.2", 0, 5},
	    {"[::1]", 0, 5}};
	paas_routedb_writer_t *w = begin_writer(*state);
	paas_routedb_reader_t *reader = paas_routedb_writer_reader(w);
	uint64_t ids[PAAS_ROUTEDB_CERTS_MAX], txn;

	assert_int_equal(put_cert_host(w, "example.com", 1), OK);
	assert_int_equal(put_cert_host(w, ".example.com", 2), OK);
	assert_int_equal(put_cert_host(w, "x.example.com", 3), OK);
	assert_int_equal(put_cert_host(w, ".x.example.com", 4), OK);
	assert_int_equal(put_cert_host(w, "localhost", 6), OK);
	assert_int_equal(put_cert_host(w, "10.0.0.1", 7), OK);
	for (int with = 0; with < 2; with++) {
		assert_int_equal(paas_routedb_begin(reader, &txn), OK);
		for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
			const char *host = want[i].host;
			uint64_t expected =
			    with ? want[i].with : want[i].without;
			int rc = paas_routedb_find_cert_host(
			    reader, host, strlen(host), ids);

			assert_int_equal(
			    rc, expected ? OK : PAAS_ROUTEDB_ENOTFOUND);
			if (expected && ids[0] != expected)
				fail_msg("%s: %u", host, (unsigned)ids[0]);
		}
		assert_int_equal(paas_routedb_end(reader), OK);
		assert_int_equal(put_cert_host(w, ".", 5), OK);
	}
	check_counts(w, 7, 0);
	paas_routedb_writer_close(w);
}

struct seen {
	unsigned names, certs;
};

static int
see_name(paas_routedb_str_t name, const uint64_t *ids, void *arg)
{
	struct seen *seen = arg;

	assert_true(is(name, seen->names == 0 ? ".a.com" : "b.com"));
	assert_int_equal(ids[0], seen->names++ == 0 ? 2 : 7);
	return 0;
}

static int
see_cert(const paas_routedb_cert_t *cert, void *arg)
{
	struct seen *seen = arg;

	assert_int_equal(cert->id, seen->certs == 0 ? 2 : 0xa000000000000000);
	assert_true(is(cert->chain, seen->certs++ == 0 ? "two" : "big"));
	assert_true(is(cert->key, "secret"));
	return 0;
}

static void
test_changes(void **state)
{
	paas_routedb_writer_t *w = begin_writer(*state);
	paas_routedb_reader_t *reader = paas_routedb_writer_reader(w);
	struct seen seen = {0, 0};
	paas_routedb_cert_t got;
	uint64_t txn;

	assert_int_equal(put_cert(w, 2, "two"), OK);
	assert_int_equal(put_cert(w, 0xa000000000000000, "big"), OK);
	assert_int_equal(put_cert(w, 3, "three"), OK);
	assert_int_equal(put_cert(w, 2, "two"), OK);
	assert_int_equal(put_cert(w, 2, "other"), PAAS_ROUTEDB_EINVAL);
	assert_int_equal(put_cert_host(w, "b.com", 2), OK);
	assert_int_equal(put_cert_host(w, "b.com", 7), OK);
	assert_int_equal(put_cert_host(w, ".a.com", 2), OK);
	assert_int_equal(put_cert_host(w, "c.com", 2), OK);
	check_counts(w, 3, 3);
	assert_int_equal(paas_routedb_del_cert(w, 3), OK);
	assert_int_equal(paas_routedb_del_cert(w, 3), PAAS_ROUTEDB_ENOTFOUND);
	assert_int_equal(paas_routedb_del_cert_host(w, str("c.com")), OK);
	assert_int_equal(paas_routedb_del_cert_host(w, str("c.com")),
	    PAAS_ROUTEDB_ENOTFOUND);
	assert_int_equal(
	    paas_routedb_del_cert_host(w, str("")), PAAS_ROUTEDB_EINVAL);
	check_counts(w, 2, 2);
	assert_int_equal(paas_routedb_begin(reader, &txn), OK);
	assert_int_equal(
	    paas_routedb_each_cert_host(reader, see_name, &seen), OK);
	assert_int_equal(paas_routedb_each_cert(reader, see_cert, &seen), OK);
	assert_int_equal(seen.names, 2);
	assert_int_equal(seen.certs, 2);
	assert_int_equal(paas_routedb_find_cert(reader, 2, &got), OK);
	assert_true(is(got.chain, "two"));
	assert_int_equal(
	    paas_routedb_find_cert(reader, 7, &got), PAAS_ROUTEDB_ENOTFOUND);
	assert_int_equal(paas_routedb_end(reader), OK);
	/* Once it is gone, a number may be given anew by who knows better. */
	assert_int_equal(paas_routedb_del_cert(w, 2), OK);
	assert_int_equal(put_cert(w, 2, "other"), OK);
	assert_int_equal(paas_routedb_clear(w), OK);
	check_counts(w, 0, 0);
	paas_routedb_writer_close(w);
}

/* Larger than a page by far: LMDB keeps these apart. */
static void
test_large(void **state)
{
	static uint8_t text[PAAS_ROUTEDB_CERT_MAX];
	paas_routedb_writer_t *w = begin_writer(*state);
	paas_routedb_reader_t *reader;
	paas_routedb_cert_t got, cert = make_cert(0, "", "");
	uint64_t txn;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 31);
	for (uint64_t id = 1; id < 40; id++) {
		size_t n = id == 39 ? 60000 : 1 + 137 * id * id % 60000;

		cert.id = id;
		cert.chain = (paas_routedb_str_t){text, n};
		cert.key = (paas_routedb_str_t){
		    text + n, id == 39 ? sizeof(text) - n : 1500};
		assert_int_equal(paas_routedb_put_cert(w, &cert), OK);
	}
	check_counts(w, 0, 39);
	paas_routedb_writer_close(w);
	assert_int_equal(paas_routedb_reader_open(&reader, *state), OK);
	assert_int_equal(paas_routedb_begin(reader, &txn), OK);
	assert_int_equal(paas_routedb_find_cert(reader, 39, &got), OK);
	assert_int_equal(got.chain.len, 60000);
	assert_memory_equal(got.chain.data, text, sizeof(text));
	assert_int_equal(paas_routedb_find_cert(reader, 20, &got), OK);
	assert_int_equal(got.key.len, 1500);
	assert_int_equal(paas_routedb_end(reader), OK);
	paas_routedb_reader_close(reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cert_there_and_back),
	    cmocka_unit_test(test_cert_host_there_and_back),
	    cmocka_unit_test(test_cert_host_nonsense),
	    cmocka_unit_test(test_rules),
	    T(test_names),
	    T(test_changes),
	    T(test_large),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
