/* sources: ngx_paas_module/routedb/[!t]*.c; libs: -llmdb */
#include "routedb_fixture.h"

/* ---- checksums --------------------------------------------------------- */

static void
test_crc32c(void **state)
{
	uint8_t zeros[32] = {0}, ones[32], rising[32];

	(void)state;
	/* RFC 3720, B.4. */
	memset(ones, 0xff, sizeof(ones));
	for (uint8_t i = 0; i < 32; i++)
		rising[i] = i;
	assert_int_equal(paas_routedb_crc32c(0, zeros, 32), 0x8a9136aa);
	assert_int_equal(paas_routedb_crc32c(0, ones, 32), 0x62a8ab43);
	assert_int_equal(paas_routedb_crc32c(0, rising, 32), 0x46dd794e);
	assert_int_equal(paas_routedb_crc32c(0, "123456789", 9), 0xe3069283);
	for (size_t i = 0; i <= 32; i++)
		assert_int_equal(
		    paas_routedb_crc32c(
			paas_routedb_crc32c(0, rising, i), rising + i, 32 - i),
		    0x46dd794e);
}

static void
test_crc32c_without_sse(void **state)
{
	uint8_t bytes[301];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + 3);
	for (size_t len = 0; len <= sizeof(bytes); len++)
		assert_int_equal(paas_routedb_crc32c(0, bytes, len),
		    paas_routedb_crc32c_portable(0, bytes, len));
}

/* ---- records ----------------------------------------------------------- */

static void
test_pool_there_and_back(void **state)
{
	static uint8_t value[PAAS_ROUTEDB_RECORD_MAX];
	uint8_t key[9], text[PAAS_ROUTEDB_RECORD_MAX / 64];
	paas_routedb_instance_t in[3], got;
	paas_routedb_pool_record_t record;
	paas_routedb_pool_t out,
	    pool = {.id = 0x0102030405060708,
		.state = PAAS_ROUTEDB_CRASHED,
		.protocol = PAAS_ROUTEDB_H2C,
		.balance = PAAS_ROUTEDB_HASH,
		.hash_on = PAAS_ROUTEDB_ON_COOKIE,
		.flags = PAAS_ROUTEDB_STICKY | PAAS_ROUTEDB_NO_RETRY,
		.retry_budget = 100,
		.concurrency = 1,
		.queue = 2,
		.slow_start = 3,
		.hold = UINT32_MAX,
		.app = str("hello"),
		.type = str("web"),
		.hash_name = str("sid"),
		.ninstances = 3};
	paas_routedb_str_t body = {text, 0};
	MDB_val k = {sizeof(key), key}, v = {0, value};

	(void)state;
	make_instances(in, 3, UINT64_MAX - 2);
	in[1].flags = PAAS_ROUTEDB_DRAINING;
	in[2].weight = 1000;
	in[2].since = 1800000000;
	in[2].number = UINT16_MAX;
	assert_int_equal(paas_routedb_check_pool(&pool, in), OK);
	body.len = paas_routedb_encode_body(text, &pool, in);
	v.mv_size = paas_routedb_encode_pool(value, str("a.b"), &body);
	paas_routedb_key_pool(key, pool.id);
	paas_routedb_seal(value, v.mv_size, key, sizeof(key));

	assert_int_equal(paas_routedb_decode_pool(&k, &v, &record), OK);
	assert_true(is(record.home, "a.b"));
	assert_int_equal(
	    paas_routedb_decode_body(record.body, pool.id, &out), OK);
	assert_int_equal(out.id, pool.id);
	assert_int_equal(out.state, pool.state);
	assert_int_equal(out.protocol, pool.protocol);
	assert_int_equal(out.balance, pool.balance);
	assert_int_equal(out.hash_on, pool.hash_on);
	assert_int_equal(out.flags, pool.flags);
	assert_int_equal(out.retry_budget, 100);
	assert_int_equal(out.concurrency, 1);
	assert_int_equal(out.queue, 2);
	assert_int_equal(out.slow_start, 3);
	assert_int_equal(out.hold, UINT32_MAX);
	assert_true(is(out.app, "hello"));
	assert_true(is(out.type, "web"));
	assert_true(is(out.hash_name, "sid"));
	for (uint32_t i = 0; i < 3; i++) {
		memset(&got, 0, sizeof(got));
		assert_int_equal(paas_routedb_get_instance(&out, i, &got), OK);
		assert_memory_equal(&got, &in[i], sizeof(got));
	}
	assert_int_equal(
	    paas_routedb_get_instance(&out, 3, &got), PAAS_ROUTEDB_ENOTFOUND);
	/* Any wrong byte, any wrong length. */
	for (size_t i = 0; i < v.mv_size; i++) {
		value[i] ^= 0x10;
		assert_int_equal(paas_routedb_decode_pool(&k, &v, &record),
		    PAAS_ROUTEDB_EDAMAGED);
		value[i] ^= 0x10;
	}
	for (size_t n = v.mv_size; n-- > 0;) {
		v.mv_size = n;
		assert_int_equal(paas_routedb_decode_pool(&k, &v, &record),
		    PAAS_ROUTEDB_EDAMAGED);
	}
}

/* Each of these breaks one rule. */
static void
test_pool_rules(void **state)
{
	const paas_routedb_pool_t good = {.id = 1, .ninstances = 2};
	paas_routedb_instance_t in[2];
	paas_routedb_pool_t p;
	char long_name[66];

	(void)state;
#define BAD(change)                                                        \
	do {                                                               \
		p = good;                                                  \
		make_instances(in, 2, 1);                                  \
		assert_int_equal(paas_routedb_check_pool(&p, in), OK);     \
		change;                                                    \
		assert_int_equal(                                          \
		    paas_routedb_check_pool(&p, in), PAAS_ROUTEDB_EINVAL); \
	} while (0)
	memset(long_name, 'a', 65);
	long_name[65] = '\0';
	BAD(p.id = 0);
	BAD(p.state = 6);
	BAD(p.protocol = 3);
	BAD(p.balance = 5);
	BAD(p.hash_on = 3);
	BAD(p.hash_on = PAAS_ROUTEDB_ON_HEADER);
	BAD(p.hash_name = str("x"));
	BAD(p.flags = 0x8000);
	BAD(p.retry_budget = 101);
	BAD(p.app = str("a b"));
	BAD(p.app = str("\xc3\xbc"));
	BAD(p.type = str("<b>"));
	BAD(p.app = str(long_name));
	BAD(p.home = str("Example.com"));
	BAD(p.ninstances = PAAS_ROUTEDB_INSTS_MAX + 1);
	BAD(in[1].id = 0);
	BAD(in[1].id = 1);
	BAD(in[1].port = 0);
	BAD(in[1].weight = 0);
	BAD(in[1].weight = 1001);
	BAD(in[1].flags = 0x8000);
#undef BAD
}

static void
test_host_rules(void **state)
{
	static const char *const prefixes[] = {"", "x", "/x/", "//", "/x//y",
	    "/.", "/x/..", "/../x", "/x/./y", "/a b", "/a?b", "/a#b", "/a\x7f"};
	static const char *const names[] = {"", "A.com", "a.com.", "*.a.com",
	    "a.com:80", "a b", "*", "1.2.3", "[0::1]"};
	paas_routedb_path_t p = make_path("/", 1), two[2];
	char prefix[PAAS_ROUTEDB_PREFIX_MAX + 2];
	size_t i;

	(void)state;
#define CHECK(n) paas_routedb_check_host(str("a.com"), &p, n)
	assert_int_equal(CHECK(1), OK);
	assert_int_equal(CHECK(0), PAAS_ROUTEDB_EINVAL);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(paas_routedb_check_host(str(names[i]), &p, 1),
		    PAAS_ROUTEDB_EINVAL);
	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		p.prefix = str(prefixes[i]);
		assert_int_equal(CHECK(1), PAAS_ROUTEDB_EINVAL);
	}
	p.prefix = str("/.well-known/..x/a.b/...");
	assert_int_equal(CHECK(1), OK);
	memset(prefix, 'a', sizeof(prefix));
	prefix[0] = '/';
	p.prefix = (paas_routedb_str_t){
	    (const uint8_t *)prefix, PAAS_ROUTEDB_PREFIX_MAX};
	assert_int_equal(CHECK(1), OK);
	p.prefix.len++;
	assert_int_equal(CHECK(1), PAAS_ROUTEDB_EINVAL);
	p = make_path("/", 0);
	assert_int_equal(CHECK(1), PAAS_ROUTEDB_EINVAL);
	p = make_path("/", 1);
	p.targets[0].weight = 10001;
	assert_int_equal(CHECK(1), PAAS_ROUTEDB_EINVAL);
	p = make_path("/", 1);
	p.ntargets = 2;
	p.targets[1] = p.targets[0];
	assert_int_equal(CHECK(1), PAAS_ROUTEDB_EINVAL);
	p.ntargets = 0;
	assert_int_equal(CHECK(1), PAAS_ROUTEDB_EINVAL);
	p.flags = PAAS_ROUTEDB_TO_HOST;
	assert_int_equal(CHECK(1), PAAS_ROUTEDB_EINVAL);
	p.redirect_host = str("www.a.com");
	assert_int_equal(CHECK(1), OK);
	p.redirect_host = str(".a.com");
	assert_int_equal(CHECK(1), PAAS_ROUTEDB_EINVAL);
	two[0] = two[1] = make_path("/x", 1);
	assert_int_equal(
	    paas_routedb_check_host(str("a.com"), two, 2), PAAS_ROUTEDB_EINVAL);
#undef CHECK
}

static void
test_paths(void **state)
{
	static const struct {
		const char *path;
		uint64_t pool;
	} want[] = {{"/", 1}, {"", 1}, {"*", 1}, {"/sho", 1}, {"/shop", 2},
	    {"/shop/", 2}, {"/shop/x", 2}, {"/shopper", 1}, {"/shop/cart", 3},
	    {"/shop/cart/1", 3}, {"/shop/carts", 2}, {"/shop/car", 2},
	    {"/abcd", 4}, {"/SHOP", 1}};
	static uint8_t value[PAAS_ROUTEDB_RECORD_MAX];
	paas_routedb_path_t path,
	    in[] = {make_path("/", 1), make_path("/shop/cart", 3),
		make_path("/abcd", 4), make_path("/shop", 2)};
	paas_routedb_host_t view, host;
	uint8_t key[PAAS_ROUTEDB_KEY_MAX];
	MDB_val k = {0, key}, v = {0, value};

	(void)state;
	in[3].flags = PAAS_ROUTEDB_STRIP | PAAS_ROUTEDB_TO_HTTPS;
	assert_int_equal(paas_routedb_check_host(str("a.com"), in, 4), OK);
	v.mv_size = paas_routedb_encode_host(value, in, 4, &view);
	k.mv_size = paas_routedb_key_host(key, str("a.com"));
	paas_routedb_seal(value, v.mv_size, key, k.mv_size);
	assert_int_equal(paas_routedb_decode_host(&k, &v, &host), OK);
	assert_true(is(host.name, "a.com"));
	assert_int_equal(host.npaths, 4);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(
		    paas_routedb_find_path(&host, (const uint8_t *)want[i].path,
			strlen(want[i].path), &path),
		    OK);
		assert_int_equal(path.targets[0].pool, want[i].pool);
		assert_int_equal(
		    path.flags, want[i].pool == 2 ? in[3].flags : 0);
	}
	assert_int_equal(paas_routedb_get_path(&host, 0, &path), OK);
	assert_true(is(path.prefix, "/shop/cart"));
	assert_int_equal(paas_routedb_get_path(&host, 3, &path), OK);
	assert_true(is(path.prefix, "/"));
	assert_int_equal(
	    paas_routedb_get_path(&host, 4, &path), PAAS_ROUTEDB_ENOTFOUND);
	for (size_t i = 0; i < v.mv_size; i++) {
		value[i] ^= 1;
		assert_int_equal(paas_routedb_decode_host(&k, &v, &host),
		    PAAS_ROUTEDB_EDAMAGED);
		value[i] ^= 1;
	}
	key[1] ^= 1;
	assert_int_equal(
	    paas_routedb_decode_host(&k, &v, &host), PAAS_ROUTEDB_EDAMAGED);
}

/* With a right CRC, lengths alone must not lead out of the value. */
static void
test_lengths_behind_a_right_crc(void **state)
{
	uint8_t key[PAAS_ROUTEDB_KEY_MAX], value[64], *exact;
	paas_routedb_path_t path, in = make_path("/x", 1);
	paas_routedb_host_t host;
	size_t keylen = paas_routedb_key_host(key, str("a.com"));
	size_t len = paas_routedb_encode_host(value, &in, 1, &host);

	(void)state;
	for (size_t i = 4; i < len; i++) {
		for (int byte = 0; byte < 256; byte++) {
			MDB_val k = {keylen, key}, v;

			exact = malloc(len);
			memcpy(exact, value, len);
			exact[i] = (uint8_t)byte;
			paas_routedb_seal(exact, len, key, keylen);
			v = (MDB_val){len, exact};
			if (paas_routedb_decode_host(&k, &v, &host) == OK)
				for (uint32_t n = 0; n < host.npaths; n++)
					assert_int_equal(paas_routedb_get_path(
							     &host, n, &path),
					    OK);
			free(exact);
		}
	}
}

static void
test_meta(void **state)
{
	uint8_t value[256], key[1];
	paas_routedb_head_t got, head = {.meta = {.generation = 5,
					     .revision = 6,
					     .nhosts = 7,
					     .npools = 8,
					     .ncerthosts = 9,
					     .ncerts = 10,
					     .patterns = 3,
					     .keys = 4,
					     .npatterns = 11}};
	MDB_val k = {1, key}, v = {0, value};

	(void)state;
	head.wildcards[0] = 1;
	head.wildcards[2] = 3;
	head.wildcards[127] = 1;
	paas_routedb_key_meta(key);
	v.mv_size = paas_routedb_encode_meta(value, &head);
	paas_routedb_seal(value, v.mv_size, key, 1);
	assert_int_equal(paas_routedb_decode_meta(&k, &v, &got), OK);
	assert_int_equal(got.meta.version, PAAS_ROUTEDB_VERSION);
	assert_int_equal(got.meta.generation, 5);
	assert_int_equal(got.meta.revision, 6);
	assert_int_equal(got.meta.nhosts, 7);
	assert_int_equal(got.meta.npools, 8);
	assert_int_equal(got.meta.ncerthosts, 9);
	assert_int_equal(got.meta.ncerts, 10);
	assert_int_equal(got.meta.patterns, 3);
	assert_int_equal(got.meta.keys, 4);
	assert_int_equal(got.meta.npatterns, 11);
	assert_int_equal(got.meta.depths[0], 1 << 2 | 1);
	assert_int_equal(got.meta.depths[1], UINT64_C(1) << 63);
	assert_memory_equal(
	    got.wildcards, head.wildcards, sizeof(head.wildcards));
	/* Another version is told from damage, whatever else it changed. */
	value[4] = PAAS_ROUTEDB_VERSION - 1;
	assert_int_equal(
	    paas_routedb_decode_meta(&k, &v, &got), PAAS_ROUTEDB_EDAMAGED);
	v.mv_size = 12;
	paas_routedb_seal(value, v.mv_size, key, 1);
	assert_int_equal(
	    paas_routedb_decode_meta(&k, &v, &got), PAAS_ROUTEDB_EVERSION);
}

static void
test_pattern(void **state)
{
	static const struct {
		const char *text;
		int good;
	} texts[] = {{"pr-(?<n>\\d+)\\.io", 1}, {"x", 1}, {"(", 1}, {"", 0},
	    {"a b", 0}, {"a\n", 0}, {"\x7f", 0}, {"\xc3\xbc", 0}};
	static uint8_t value[PAAS_ROUTEDB_RECORD_MAX];
	uint8_t key[5], text[PAAS_ROUTEDB_PATTERN_MAX + 1];
	paas_routedb_str_t longest = {text, PAAS_ROUTEDB_PATTERN_MAX};
	paas_routedb_path_t got, in[] = {make_path("/", 1), make_path("/x", 2)};
	MDB_val k = {0, key}, v = {0, value};
	paas_routedb_host_t pattern;
	uint32_t order;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(
		    paas_routedb_check_pattern(str(texts[i].text), in, 2),
		    texts[i].good ? OK : PAAS_ROUTEDB_EINVAL);
	memset(text, 'a', sizeof(text));
	assert_int_equal(paas_routedb_check_pattern(longest, in, 2), OK);
	longest.len++;
	assert_int_equal(
	    paas_routedb_check_pattern(longest, in, 2), PAAS_ROUTEDB_EINVAL);
	longest.len--;
	assert_int_equal(
	    paas_routedb_check_pattern(longest, in, 0), PAAS_ROUTEDB_EINVAL);
	k.mv_size = paas_routedb_key_pattern(key, 0x01020304);
	assert_memory_equal(key, "\x04\x01\x02\x03\x04", 5);
	v.mv_size = paas_routedb_encode_pattern(value, longest, in, 2);
	paas_routedb_seal(value, v.mv_size, key, k.mv_size);
	assert_int_equal(
	    paas_routedb_decode_pattern(&k, &v, &order, &pattern), OK);
	assert_int_equal(order, 0x01020304);
	assert_int_equal(paas_routedb_compare(pattern.name, longest), 0);
	assert_int_equal(pattern.inline_pool.len, 0);
	assert_int_equal(pattern.npaths, 2);
	assert_int_equal(paas_routedb_get_path(&pattern, 0, &got), OK);
	assert_true(is(got.prefix, "/x"));
	for (size_t i = 0; i < v.mv_size; i++) {
		value[i] ^= 0x40;
		assert_int_equal(
		    paas_routedb_decode_pattern(&k, &v, &order, &pattern),
		    PAAS_ROUTEDB_EDAMAGED);
		value[i] ^= 0x40;
	}
	/* A right CRC over lengths that don't add up. */
	for (uint32_t wrong = 0; wrong < 2 * v.mv_size; wrong++) {
		if (wrong == longest.len)
			continue;
		paas_routedb_put32(value + HOST_INLINE, wrong);
		paas_routedb_seal(value, v.mv_size, key, k.mv_size);
		assert_int_equal(
		    paas_routedb_decode_pattern(&k, &v, &order, &pattern),
		    PAAS_ROUTEDB_EDAMAGED);
	}
}

static void
test_keys(void **state)
{
	uint8_t value[512], key[1];
	paas_routedb_key_t got[PAAS_ROUTEDB_KEYS_MAX];
	paas_routedb_key_t keys[PAAS_ROUTEDB_KEYS_MAX + 1];
	MDB_val k = {1, key}, v = {0, value};
	uint32_t n;

	(void)state;
	for (uint32_t i = 0; i < PAAS_ROUTEDB_KEYS_MAX + 1; i++) {
		keys[i].id = UINT32_MAX - i;
		memset(keys[i].key, (int)i + 1, sizeof(keys[i].key));
	}
	assert_int_equal(
	    paas_routedb_check_keys(keys, PAAS_ROUTEDB_KEYS_MAX + 1),
	    PAAS_ROUTEDB_EINVAL);
	assert_int_equal(
	    paas_routedb_check_keys(keys, PAAS_ROUTEDB_KEYS_MAX), OK);
	paas_routedb_key_keys(key);
	v.mv_size =
	    paas_routedb_encode_keys(value, keys, PAAS_ROUTEDB_KEYS_MAX);
	paas_routedb_seal(value, v.mv_size, key, 1);
	assert_int_equal(paas_routedb_decode_keys(&k, &v, got, &n), OK);
	assert_int_equal(n, PAAS_ROUTEDB_KEYS_MAX);
	assert_memory_equal(got, keys, sizeof(got));
	for (size_t i = 0; i < v.mv_size; i++) {
		value[i] ^= 0x20;
		assert_int_equal(paas_routedb_decode_keys(&k, &v, got, &n),
		    PAAS_ROUTEDB_EDAMAGED);
		value[i] ^= 0x20;
	}
	/* With a right CRC, a wrong number of keys. */
	for (uint32_t wrong = 0; wrong < 512; wrong++) {
		if (wrong == PAAS_ROUTEDB_KEYS_MAX)
			continue;
		paas_routedb_put32(value + KEYS_N, wrong);
		paas_routedb_seal(value, v.mv_size, key, 1);
		assert_int_equal(paas_routedb_decode_keys(&k, &v, got, &n),
		    PAAS_ROUTEDB_EDAMAGED);
	}
	keys[3].id = keys[0].id;
	assert_int_equal(paas_routedb_check_keys(keys, 3), OK);
	assert_int_equal(paas_routedb_check_keys(keys, 4), PAAS_ROUTEDB_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_crc32c),
	    cmocka_unit_test(test_crc32c_without_sse),
	    cmocka_unit_test(test_pool_there_and_back),
	    cmocka_unit_test(test_pool_rules),
	    cmocka_unit_test(test_host_rules),
	    cmocka_unit_test(test_paths),
	    cmocka_unit_test(test_lengths_behind_a_right_crc),
	    cmocka_unit_test(test_meta),
	    cmocka_unit_test(test_pattern),
	    cmocka_unit_test(test_keys),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
