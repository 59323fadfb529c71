/* sources: ngx_paas_module/routedb/[!t]*.c; libs: -llmdb */
/*
 * Hosts as people write them, and as the database has them.
 */
#include "routedb_fixture.h"

/* L1 is 63 letters. */
#define L1  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L61 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *in;
	int allow;
	const char *out; /* NULL: refused */
} hosts[] = {
    {"example.com", 0, "example.com"},
    {"EXAMPLE.Com", 0, "example.com"},
    {"example.com.", 0, "example.com"},
    {"example.com:8080", 0, "example.com"},
    {"example.com.:80", 0, "example.com"},
    {"example.com:", 0, "example.com"},
    {"example.com:65535", 0, "example.com"},
    {"localhost", 0, "localhost"},
    {"a_b.example.com", 0, "a_b.example.com"},
    {"_dmarc.example.com", 0, "_dmarc.example.com"},
    {"xn--bcher-kva.example", 0, "xn--bcher-kva.example"},
    {"127.0.0.1", 0, "127.0.0.1"},
    {"127.0.0.1:80", 0, "127.0.0.1"},
    {"127.0.0.1.", 0, "127.0.0.1"},
    {"1.2.3.4.example.com", 0, "1.2.3.4.example.com"},
    {"4.com", 0, "4.com"},
    {"[::1]", 0, "[::1]"},
    {"[::1]:8080", 0, "[::1]"},
    {"[2001:DB8:0:0::1]", 0, "[2001:db8::1]"},
    {"[::ffff:10.0.0.1]", 0, "[::ffff:10.0.0.1]"},
    {L1 "." L1 "." L1 "." L61, 0, L1 "." L1 "." L1 "." L61},
    {L1 "." L1 "." L1 "." L61 ".", 0, L1 "." L1 "." L1 "." L61},
    {L1 "." L1 "." L1 "." L61 ".:65535", 0, L1 "." L1 "." L1 "." L61},
    {"*.example.com", 1, ".example.com"},
    {".example.com", 1, ".example.com"},
    {"*.Example.com.:443", 1, ".example.com"},
    {"*.com", 1, ".com"},
    {"example.com", 1, "example.com"},
    /* What Debian's nginx lets through, and we don't. */
    {"u@a.com", 0, NULL},
    {"*.a.com", 0, NULL},
    {"<script>", 0, NULL},
    {"a%00.com", 0, NULL},
    {"b\xc3\xbc"
     "cher.example",
	0, NULL},
    {".a.com", 0, NULL},
    {"[::1", 0, NULL},
    {"a.com:80x", 0, NULL},
    {"a.com:655360", 0, NULL},
    {"a.com:65536", 0, NULL},
    {"a.com:80:80", 0, NULL},
    {"", 0, NULL},
    {".", 0, NULL},
    {"..", 0, NULL},
    {":80", 0, NULL},
    {".:80", 0, NULL},
    {"a..com", 0, NULL},
    {"a.com..", 0, NULL},
    {"a com", 0, NULL},
    {"a/com", 0, NULL},
    {"a.com\n", 0, NULL},
    {L1 "a.com", 0, NULL},
    {"com." L1 "a", 0, NULL},
    {L1 "." L1 "." L1 "." L61 "a", 0, NULL},
    {"[::g]", 0, NULL},
    {"[]", 0, NULL},
    {"[::1]x", 0, NULL},
    {"[::1].", 0, NULL},
    {"[fe80::1%eth0]", 0, NULL},
    {"[127.0.0.1]", 0, NULL},
    {"256.1.1.1", 0, NULL},
    {"127.1", 0, NULL},
    {"127.0.0.01", 0, NULL},
    {"2130706433", 0, NULL},
    {"a.1", 0, NULL},
    {"*", 1, NULL},
    {"*.", 1, NULL},
    {"*..", 1, NULL},
    {"*..com", 1, NULL},
    {"*a.com", 1, NULL},
    {"a.*.com", 1, NULL},
    {"*.*.com", 1, NULL},
    {"*.1.2.3", 1, NULL},
    {"*.127.0.0.1", 1, NULL},
    {"*.[::1]", 1, NULL},
    /* The default route. */
    {"*", 2, "."},
    {".", 2, "."},
    {"*", 3, "."},
    {"*.com", 3, ".com"},
    {"*.com", 2, NULL},
    {".", 1, NULL},
    {"*", 0, NULL},
    {"*.", 3, NULL},
    {"..", 3, NULL},
    {"*:80", 3, NULL},
    {"**", 3, NULL},
    {"", 3, NULL},
};

static void
test_canonical(void **state)
{
	char out[PAAS_ROUTEDB_HOST_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		const char *in = hosts[i].in, *want = hosts[i].out;
		/* Of its exact size, so that a byte too far is seen. */
		uint8_t *copy = malloc(strlen(in) + 1);
		int len;

		memcpy(copy, in, strlen(in));
		len = paas_routedb_canonical(
		    copy, strlen(in), hosts[i].allow, out);
		free(copy);
		if (want == NULL && len != PAAS_ROUTEDB_EINVAL)
			fail_msg("'%s' gives '%s'", in, out);
		if (want == NULL)
			continue;
		if (len != (int)strlen(want) || strcmp(out, want) != 0)
			fail_msg("'%s': %d, want '%s'", in, len, want);
	}
}

static void
test_canonical_zero_byte(void **state)
{
	char out[PAAS_ROUTEDB_HOST_MAX + 1];

	(void)state;
	assert_int_equal(
	    paas_routedb_canonical((const uint8_t *)"a\0b.com", 7, 0, out),
	    PAAS_ROUTEDB_EINVAL);
	assert_int_equal(
	    paas_routedb_canonical((const uint8_t *)"[::1\0]", 6, 0, out),
	    PAAS_ROUTEDB_EINVAL);
}

static void
test_canonical_is_stable(void **state)
{
	char once[PAAS_ROUTEDB_HOST_MAX + 1], twice[PAAS_ROUTEDB_HOST_MAX + 1];
	size_t i;
	int len;

	(void)state;
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		len = paas_routedb_canonical(
		    (const uint8_t *)hosts[i].in, strlen(hosts[i].in), 1, once);
		if (len < 0)
			continue;
		assert_int_equal(paas_routedb_canonical((const uint8_t *)once,
				     (size_t)len, 1, twice),
		    len);
		assert_string_equal(once, twice);
	}
}

static void
test_canonical_many_labels(void **state)
{
	char in[2 * 127], out[PAAS_ROUTEDB_HOST_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = i % 2 ? '.' : 'a';
	assert_int_equal(
	    paas_routedb_canonical((const uint8_t *)in, 253, 0, out), 253);
	assert_int_equal(
	    paas_routedb_canonical((const uint8_t *)in, 254, 0, out), 253);
	assert_int_equal(paas_routedb_labels(str(out)), 127);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_canonical),
	    cmocka_unit_test(test_canonical_zero_byte),
	    cmocka_unit_test(test_canonical_is_stable),
	    cmocka_unit_test(test_canonical_many_labels),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
