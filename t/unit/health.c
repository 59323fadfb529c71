/* sources: manager/node/health.c manager/node/fetch.c manager/common/log.c; libs: -lsystemd -lcurl */
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
	struct health_what what = {.address = addr.sin_addr,
	    .port = ntohs(addr.sin_port),
	    .path = path,
	    .host = "hello.example.com",
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

	/* And then it is left alone for ten seconds. */
	checks = 0;
	loop(1, &changes, 2);
	assert_in_range(checks, 0, 1);
	health_close(h);
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
	answer = NULL;
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
	    TEST(paths),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
