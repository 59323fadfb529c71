/* sources: manager/node/health.c manager/node/fetch.c manager/common/log.c manager/node/probe.c manager/node/probe_command.c manager/common/health_rule.c; libs: -lsystemd -lcurl -ljansson */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <curl/curl.h>

#include "node/health.h"

/* An instance: a socket that listens, and answers what it is told to. */
static sd_event *event;
static struct fetch *fetch;
static struct sockaddr_in addr;
static int listener = -1;
static sd_event_source *source;
static const char *answer;
static char request[4096];
static const char *statuses; /* those that are good, if not the usual ones */
static json_t *headers;
static int checks;

static int
talked(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	ssize_t n;

	(void)events;
	(void)arg;
	if (answer != NULL) {
		n = read(fd, request, sizeof(request) - 1);
		request[n > 0 ? n : 0] = '\0';
		(void)!write(fd, answer, strlen(answer));
	}
	sd_event_source_disable_unref(s);
	close(fd);
	return 0;
}

static int
served(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	sd_event_source *peer_source;
	int peer;

	(void)s;
	(void)events;
	(void)arg;
	if ((peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) == -1)
		return 0;
	checks++;
	assert_true(sd_event_add_io(
			event, &peer_source, peer, EPOLLIN, talked, NULL) >= 0);
	return 0;
}

static void
serve(void)
{
	int one = 1;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 16), 0);
	assert_true(sd_event_add_io(
			event, &source, listener, EPOLLIN, served, NULL) >= 0);
}

static void
serve_not(void)
{
	source = sd_event_source_disable_unref(source);
	if (listener != -1)
		close(listener);
	listener = -1;
}

static void
changed(void *arg)
{
	++*(int *)arg;
}

static struct health *
watch(const char *path, int live, int good, int *changes)
{
	struct health_what what = {
	    .probe = {.type = path != NULL ? HEALTH_HTTP : HEALTH_PORT,
		.address = addr.sin_addr,
		.port = ntohs(addr.sin_port),
		.path = path,
		.host = "hello.example.com",
		.status = statuses,
		.headers = headers},
	    .interval = 1,
	    .restart = 5,
	    .live = live,
	    .good = good};
	struct health *h = health_open(event, fetch, &what, changed, changes);

	assert_non_null(h);
	return h;
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
loop(double seconds, const int *changes, int until)
{
	double end = now() + seconds;

	while (now() < end && *changes < until)
		assert_true(sd_event_run(event, 10000) >= 0);
}

static void
waits_for_the_port(void **state)
{
	int changes = 0;
	struct health *h = watch(NULL, 0, 0, &changes);
	double begun;

	(void)state;
	loop(0.3, &changes, 1);
	assert_int_equal(changes, 0);
	assert_false(health_good(h));
	assert_string_equal(health_why(h), "Connection refused");
	begun = now();
	serve();
	loop(5, &changes, 1);
	assert_int_equal(changes, 1);
	assert_true(health_good(h));
	assert_true(now() - begun < 1);
	health_close(h);
}

static void
http_by_its_status(void **state)
{
	int changes = 0;
	struct health *h;

	(void)state;
	answer = "HTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n";
	serve();
	h = watch("/up?x=1", 0, 0, &changes);
	loop(0.3, &changes, 1);
	assert_int_equal(changes, 0);
	assert_string_equal(health_why(h), "it answered 503");
	answer = "HTTP/1.1 500 no\r\n\r\n\x1b[1mno \"database\"\r\n  at \xff"
		 "all\r\n";
	loop(0.3, &changes, 1);
	assert_string_equal(
	    health_why(h), "it answered 500: \"[1mno database at all\"");
	assert_non_null(strstr(request, "GET /up?x=1 HTTP/1.1\r\n"));
	assert_non_null(strstr(request, "Host: hello.example.com\r\n"));
	answer = "HTTP/1.1 204 yes\r\n\r\n";
	loop(5, &changes, 1);
	assert_int_equal(changes, 1);
	assert_true(health_good(h));
	health_close(h);
}

/* Of an endless body only the beginning is read. */
static void
http_endless(void **state)
{
	char *big = malloc(1 << 20);
	int changes = 0, n;
	struct health *h;

	(void)state;
	assert_non_null(big);
	n = snprintf(big, 1 << 20, "HTTP/1.1 200 yes\r\n\r\n");
	memset(big + n, 'x', 8192);
	big[n + 8192] = '\0';
	answer = big;
	serve();
	h = watch("/", 0, 0, &changes);
	loop(5, &changes, 1);
	assert_true(health_good(h));
	health_close(h);
	answer = NULL;
	free(big);
}

static void
live_needs_three_failures(void **state)
{
	int changes = 0;
	struct health *h = watch(NULL, 1, 1, &changes);
	double begun = now();

	(void)state;
	assert_true(health_good(h));
	loop(8, &changes, 1);
	assert_int_equal(changes, 1);
	assert_false(health_good(h));
	assert_true(now() - begun > 1.5);
	assert_false(health_dead(h));

	/* And five, before it is to be restarted. */
	loop(8, &changes, 2);
	assert_int_equal(changes, 2);
	assert_true(health_dead(h));
	assert_false(health_good(h));
	health_close(h);
}

static void
live_gets_well(void **state)
{
	int changes = 0;
	struct health *h;

	(void)state;
	serve();
	h = watch(NULL, 1, 0, &changes);
	assert_false(health_good(h));
	loop(5, &changes, 1);
	assert_true(health_good(h));

	/* And then it is left alone for most of a second. */
	checks = 0;
	loop(1, &changes, 2);
	assert_in_range(checks, 0, 3);
	health_close(h);
}

static void
http_as_it_is_told(void **state)
{
	int changes = 0;
	struct health *h;

	(void)state;
	answer = "HTTP/1.1 200 yes\r\nContent-Length: 0\r\n\r\n";
	statuses = "204,401-403";
	headers = json_pack(
	    "{s:s, s:s}", "X-Check", "yes: it is", "host", "other.example");
	serve();
	h = watch("/", 0, 0, &changes);
	loop(0.2, &changes, 1);
	assert_int_equal(changes, 0);
	assert_string_equal(health_why(h), "it answered 200");
	answer = "HTTP/1.1 402 pay\r\nContent-Length: 0\r\n\r\n";
	loop(5, &changes, 1);
	assert_true(health_good(h));
	assert_non_null(strstr(request, "X-Check: yes: it is\r\n"));
	assert_non_null(strcasestr(request, "host: other.example\r\n"));
	assert_null(strstr(request, "hello.example.com"));
	health_close(h);
}

/* ---- by a command ------------------------------------------------------ */

static const struct {
	const char *bytes; /* what the session says */
	size_t len;
	int error;
	const char *why; /* NULL: it did well */
} sessions[] = {
    {"d\0\0\3yes"
     "x\0\0\2\0\0",
	13, 0, NULL},
    {"e\0\0\7no\n\033[1m"
     "x\0\0\2\0\3",
	17, 0, "the command exited with status 3: \"no [1m\""},
    {"x\0\0\2\1\11", 6, 0, "the command was killed by signal 9"},
    {"m\0\0\4gone", 8, 0, "the command could not be run"},
    {"x\1\0\2\0\0", 6, 0, "the command could not be run"},
    {"", 0, -ECONNREFUSED, "Connection refused"},
};

static int
session_open(void *arg)
{
	size_t i = *(size_t *)arg;
	int fds[2];

	if (sessions[i].error != 0)
		return sessions[i].error;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == -1)
		return -errno;
	(void)!write(fds[1], sessions[i].bytes, sessions[i].len);
	close(fds[1]);
	return fds[0];
}

static void
command_by_its_status(void **state)
{
	struct health_what what = {
	    .probe = {.type = HEALTH_COMMAND, .command = session_open}};
	int changes;
	struct health *h;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
		changes = 0;
		what.probe.command_arg = &i;
		h = health_open(event, fetch, &what, changed, &changes);
		assert_non_null(h);
		loop(sessions[i].why == NULL ? 5 : 0.1, &changes, 1);
		assert_int_equal(health_good(h), sessions[i].why == NULL);
		if (sessions[i].why != NULL)
			assert_string_equal(health_why(h), sessions[i].why);
		health_close(h);
	}
}

static void
process_while_it_runs(void **state)
{
	struct health_what what = {.probe = {.type = HEALTH_PROCESS}};
	struct health *h;
	int changes = 0;

	(void)state;
	h = health_open(event, fetch, &what, changed, &changes);
	assert_non_null(h);
	loop(0.5, &changes, 1);
	assert_false(health_good(h));
	loop(5, &changes, 1);
	assert_true(health_good(h));
	health_close(h);
}

/* ---- what may be set --------------------------------------------------- */

static void
rules(void **state)
{
	static const struct {
		const char *json;
		int readiness;
		const char *field; /* NULL: it is fine */
	} cases[] = {
	    {"{}", 0, NULL},
	    {"{\"path\": \"/up\", \"timeout\": 3, \"restart\": 0}", 0, NULL},
	    {"{\"type\": \"http\", \"status\": \"200,204-299\", "
	     "\"headers\": {\"X-A\": \"b\"}}",
		1, NULL},
	    {"{\"command\": \"test -e /tmp/up\", \"failures\": 1000}", 0, NULL},
	    {"[]", 0, "health"},
	    {"{\"type\": \"ping\"}", 0, "type"},
	    {"{\"type\": \"port\", \"path\": \"/\"}", 0, "path"},
	    {"{\"type\": \"command\"}", 0, "command"},
	    {"{\"command\": \"a\\nb\"}", 0, "command"},
	    {"{\"path\": \"/\", \"status\": \"2xx\"}", 0, "status"},
	    {"{\"path\": \"/\", \"status\": \"299-200\"}", 0, "status"},
	    {"{\"path\": \"/\", \"status\": \"200,\"}", 0, "status"},
	    {"{\"path\": \"/\", \"status\": \"20\"}", 0, "status"},
	    {"{\"path\": \"/\", \"headers\": {\"A b\": \"c\"}}", 0, "headers"},
	    {"{\"path\": \"/\", \"headers\": {\"A\": \"c\\r\\nB: d\"}}", 0,
		"headers"},
	    {"{\"path\": \"/\", \"headers\": {\"Content-Length\": \"1\"}}", 0,
		"headers"},
	    {"{\"timeout\": 0}", 0, "timeout"},
	    {"{\"interval\": 3601}", 0, "interval"},
	    {"{\"interval\": \"1\"}", 0, "interval"},
	    {"{\"restart\": 3}", 1, "restart"},
	    {"{\"start_timeout\": 3}", 1, "start_timeout"},
	    {"{\"grace\": 3}", 0, "grace"},
	};
	const char *field, *form;
	json_t *check;
	size_t i;
	int error;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_non_null(check = json_loads(cases[i].json, 0, NULL));
		error = health_check(check, cases[i].readiness, &field, &form);
		assert_int_equal(error, cases[i].field == NULL ? 0 : -1);
		if (error == -1)
			assert_string_equal(field, cases[i].field);
		json_decref(check);
	}
}

static void
paths(void **state)
{
	char path[2048];

	(void)state;
	assert_true(health_path_valid("/"));
	assert_true(health_path_valid("/up?a=b&c"));
	assert_false(health_path_valid(""));
	assert_false(health_path_valid("up"));
	assert_false(health_path_valid("/a b"));
	assert_false(health_path_valid("/a\r\nX: y"));
	assert_false(health_path_valid("/\xc3\xa4"));
	memset(path, '/', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_false(health_path_valid(path));
}

static int
after(void **state)
{
	(void)state;
	serve_not();
	answer = statuses = NULL;
	json_decref(headers);
	headers = NULL;
	checks = 0;
	return 0;
}

static int
setup(void **state)
{
	char err[PAAS_ERRLEN];
	socklen_t len = sizeof(addr);
	int fd;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	if (curl_global_init(CURL_GLOBAL_ALL) != 0 ||
	    sd_event_new(&event) < 0 ||
	    (fetch = fetch_open(event, err)) == NULL)
		return -1;

	/* A port that is free. */
	addr.sin_family = AF_INET;
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == -1 ||
	    getsockname(fd, (struct sockaddr *)&addr, &len) == -1)
		return -1;
	close(fd);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fetch_close(fetch);
	sd_event_unref(event);
	curl_global_cleanup();
	return 0;
}

#define TEST(f) cmocka_unit_test_teardown(f, after)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(waits_for_the_port),
	    TEST(http_by_its_status),
	    TEST(http_endless),
	    TEST(live_needs_three_failures),
	    TEST(live_gets_well),
	    TEST(http_as_it_is_told),
	    TEST(command_by_its_status),
	    TEST(process_while_it_runs),
	    TEST(paths),
	    TEST(rules),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
