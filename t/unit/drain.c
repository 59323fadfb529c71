/* sources: manager/common/drain.c manager/drain/drain_allow.c manager/drain/drain_frame.c manager/drain/drain_queue.c; libs: */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "drain/drain.h"

static void
urls_are_read(void **state)
{
	static const struct {
		const char *text, *host;
		enum drain_scheme scheme;
		uint16_t port;
	} good[] = {
	    {"syslog://a.test", "a.test", DRAIN_SYSLOG, 514},
	    {"syslog://a.test:1/", "a.test", DRAIN_SYSLOG, 1},
	    {"syslog+tls://[2001:db8::1]:65535", "2001:db8::1",
		DRAIN_SYSLOG_TLS, 65535},
	    {"syslog+tls://[::1]", "::1", DRAIN_SYSLOG_TLS, 6514},
	    {"HTTPS://u:p@a.test/x?y@z", "a.test", DRAIN_HTTPS, 443},
	    {"https://a.test:8443", "a.test", DRAIN_HTTPS, 8443},
	};
	static const char *const bad[] = {"", "syslog:", "syslog://",
	    "syslog://:1", "syslog://a:", "syslog://a:0", "syslog://a:65536",
	    "syslog://a:1x", "syslog://a b", "syslog://a/b", "syslog://u@a",
	    "syslog://[::1", "syslog://[a]", "syslog://[::1]1",
	    "syslog://[::1]:", "http://a", "https:///x", "https://a\x7f",
	    "https://-a", "https://a\\b@c d", "file:///etc/passwd"};
	char err[PAAS_ERRLEN];
	struct drain_url url;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(drain_url_parse(good[i].text, &url, err), 0);
		assert_string_equal(url.host, good[i].host);
		assert_int_equal(url.scheme, good[i].scheme);
		assert_int_equal(url.port, good[i].port);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(drain_url_parse(bad[i], &url, err), -1);
}

static int
may_reach(const char *address, const char *allow)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET};

	if (inet_pton(AF_INET, address, &four.sin_addr) == 1)
		return drain_may_reach((struct sockaddr *)&four, allow);
	assert_int_equal(inet_pton(AF_INET6, address, &six.sin6_addr), 1);
	return drain_may_reach((struct sockaddr *)&six, allow);
}

static void
only_public_addresses_are_reached(void **state)
{
	static const char *const closed[] = {"0.0.0.0", "10.1.2.3",
	    "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1",
	    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.1.1",
	    "198.18.0.1", "198.19.255.255", "224.0.0.1", "255.255.255.255",
	    "::1", "::", "fe80::1", "fc00::1", "fd00::1", "ff02::1",
	    "::ffff:127.0.0.1", "64:ff9b::7f00:1",
	    "2002:7f00:1::", "2001:db8::1", "2001:0:1::"};
	static const char *const open[] = {"1.1.1.1", "9.255.255.255",
	    "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0",
	    "223.255.255.255", "2606:4700::1111", "2a00::1"};
	static const char allow[] =
	    "10.1.0.0/16,127.0.0.1  fd00::/8, 10.3.0.0/24";
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
		assert_false(may_reach(closed[i], ""));
	for (i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		assert_true(may_reach(open[i], ""));
	assert_true(may_reach("10.1.255.255", allow));
	assert_true(may_reach("127.0.0.1", allow));
	assert_true(may_reach("fd12::1", allow));
	assert_true(may_reach("10.3.0.9", allow));
	assert_false(may_reach("10.2.0.0", allow));
	assert_false(may_reach("127.0.0.2", allow));
	assert_false(may_reach("fe80::1", allow));
}

static size_t
message_make(char *out, char kind, const char *name, const char *text)
{
	struct drain_line line = {.time = 1795348800123456, .kind = kind};

	line.len = (uint32_t)strlen(text);
	line.name = (uint8_t)strlen(name);
	memcpy(out, &line, sizeof(line));
	memcpy(out + sizeof(line), name, line.name);
	memcpy(out + sizeof(line) + line.name, text, line.len);
	return sizeof(line) + line.name + line.len;
}

static void
lines_become_frames(void **state)
{
	struct drain_head head = {.type = DRAIN_LINES, .count = 2, .seq = 7};
	char message[512];
	struct frame frame = {0};
	struct queue queue;
	size_t n;

	(void)state;
	queue_init(&queue);
	n = message_make(message, 'o', "web.1", "hello <1>");
	n += message_make(message + n, 'r', "", "at=info");
	assert_int_equal(queue_add(&queue, &head, message, n), 0);
	assert_int_equal(queue.count, 2);
	assert_int_equal(
	    frame_add(&frame, STAILQ_FIRST(&queue.lines), "d.1", 0), 0);
	assert_int_equal(
	    frame_add(&frame, STAILQ_FIRST(&queue.lines), "d.1", 1), 0);
	queue_drop(&queue, 7);
	assert_int_equal(
	    frame_add(&frame, STAILQ_FIRST(&queue.lines), "d.1", 0), 0);
	frame.data[frame.len] = '\0';
	assert_string_equal(frame.data,
	    "67 <190>1 2026-11-22T12:00:00.123456+00:00 d.1 app web.1 - - "
	    "hello <1>"
	    "67 <190>1 2026-11-22T12:00:00.123456+00:00 host app web.1 - "
	    "hello <1>\n"
	    "64 <158>1 2026-11-22T12:00:00.123456+00:00 d.1 router - - - "
	    "at=info");
	queue_drop(&queue, 8);
	assert_int_equal(queue.count, 0);
	assert_int_equal(queue.bytes, 0);
	frame_free(&frame);
}

static void
messages_have_to_fit(void **state)
{
	struct drain_head head = {.type = DRAIN_LINES, .count = 1, .seq = 1};
	struct drain_line line;
	char message[512];
	struct queue queue;
	size_t i, n;

	(void)state;
	queue_init(&queue);
	n = message_make(message, 'o', "web.1", "hello");
	for (i = 0; i < n; i++)
		assert_int_equal(queue_add(&queue, &head, message, i), -1);
	assert_int_equal(queue_add(&queue, &head, message, n + 1), -1);
	queue_clear(&queue);
	memcpy(&line, message, sizeof(line));
	line.len = UINT32_MAX;
	memcpy(message, &line, sizeof(line));
	assert_int_equal(queue_add(&queue, &head, message, n), -1);
	assert_int_equal(queue.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(urls_are_read),
	    cmocka_unit_test(only_public_addresses_are_reached),
	    cmocka_unit_test(lines_become_frames),
	    cmocka_unit_test(messages_have_to_fit),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
