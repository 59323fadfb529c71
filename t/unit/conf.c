/* sources: manager/common/conf.c; libs: */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "common/conf.h"

/* Loads text as a file; 0 or -1 as conf_load, the message in err. */
static int
load(struct conf *c, const char *text, char err[PAAS_ERRLEN])
{
	char path[] = "/tmp/paas-conf-XXXXXX";
	int fd, rc;

	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	rc = conf_load(c, path, err);
	unlink(path);
	return rc;
}

static void
test_defaults(void **state)
{
	struct conf c;
	char err[PAAS_ERRLEN];

	(void)state;
	assert_int_equal(conf_load(&c, NULL, err), 0);
	assert_string_equal(c.domain, "paas.localhost");
	assert_int_equal(c.http_port, 8080);
	assert_int_equal(c.instance_memory, 512ULL << 20);
	assert_string_equal(inet_ntoa(conf_slot_addr(&c, 1)), "198.18.0.1");
	assert_string_equal(inet_ntoa(conf_slot_addr(&c, 256)), "198.18.1.0");
	assert_int_equal(conf_slot_last(&c), 65534);
}

static void
test_file(void **state)
{
	struct conf c;
	char err[PAAS_ERRLEN];

	(void)state;
	assert_int_equal(load(&c,
			     "# ours\n\n domain = apps.example.com # yes\n"
			     "http_port=80\nsubnet = 198.19.0.0/24\n"
			     "upload_max = 3G\nstate_dir=/srv/paas\n"
			     "trusted_proxies = 10.0.0.1  ::1/128 fd00::/8\n"
			     "proxy_protocol = on\n",
			     err),
	    0);
	assert_string_equal(c.trusted_proxies, "10.0.0.1  ::1/128 fd00::/8");
	assert_int_equal(c.proxy_protocol, 1);
	assert_string_equal(c.domain, "apps.example.com");
	assert_int_equal(c.http_port, 80);
	assert_int_equal(c.upload_max, 3ULL << 30);
	assert_string_equal(c.state_dir, "/srv/paas");
	assert_int_equal(conf_slot_last(&c), 254);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
	    {"colour = red\n", ":1: colour is no setting"},
	    {"domain\n", ":1: line must be \"key = value\""},
	    {"domain = a b\n", "domain takes letters"},
	    {"domain =\n", "domain must not be empty"},
	    {"state_dir = var\n", "state_dir must be an absolute path"},
	    {"state_dir = /a/../b\n", "without '..'"},
	    {"http_port = 80\nhttp_port = 81\n",
		":2: http_port is given twice"},
	    {"http_port = 0\n", "http_port is out of range"},
	    {"http_port = 70000\n", "http_port is out of range"},
	    {"http_port = 80x\n", "http_port is not a number"},
	    {"http_port = 8K\n", "http_port is not a number"},
	    {"upload_max = -1\n", "upload_max is not a number"},
	    {"upload_max = 10T\n", "upload_max is not a number"},
	    {"upload_max = 999999999999G\n", "upload_max is not a number"},
	    {"subnet = 198.18.0.1/16\n", "first address of its network"},
	    {"subnet = 198.18.0.0/30\n", "with /8 to /28"},
	    {"subnet = 198.18.0.0\n", "must look like"},
	    {"subnet = pear/16\n", "must look like"},
	    {"trusted_proxies = 10.0.0.0/8 pear\n",
		"trusted_proxies takes addresses and networks"},
	    {"trusted_proxies = 10.0.0.0/33\n", "takes addresses"},
	    {"trusted_proxies = ::1/129\n", "takes addresses"},
	    {"trusted_proxies = 10.0.0.0/\n", "takes addresses"},
	    {"trusted_proxies = 10.0.0.0,10.0.0.1\n", "takes addresses"},
	    {"proxy_protocol = yes\n", "proxy_protocol must be on or off"},
	    {"proxy_protocol =\n", "proxy_protocol must be on or off"},
	};
	struct conf c;
	char err[PAAS_ERRLEN];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err[0] = '\0';
		assert_int_equal(load(&c, cases[i].text, err), -1);
		if (strstr(err, cases[i].says) == NULL)
			fail_msg("\"%s\" said: %s", cases[i].text, err);
	}
	assert_int_equal(conf_load(&c, "/nonexistent/paas.conf", err), -1);
	assert_non_null(strstr(err, "No such file"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
