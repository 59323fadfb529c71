/* sources: manager/node/drain.c manager/node/fetch.c manager/store/keys.c manager/common/log.c; libs: -lsystemd -lcurl -ljansson */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <curl/curl.h>

#include "node/drain.h"

#define ID 0x10000000cULL

/* nginx's status page: a socket that answers what it is told to. */
static char dir[] = "/tmp/paas-drain-XXXXXX";
static char path[sizeof(dir) + 16];
static sd_event *event;
static struct fetch *fetch;
static struct drains *drains;
static sd_event_source *source;
static int listener = -1;
static uint64_t revision;
static int in_flight;
static int asked;
static const char *instead;

static int
talked(sd_event_source *s, int fd, uint32_t events, void *arg)
{
	char request[2048], body[512], text[1024];
	ssize_t n;

	(void)events;
	(void)arg;
	asked++;
	n = read(fd, request, sizeof(request) - 1);
	request[n > 0 ? n : 0] = '\0';
	assert_non_null(
	    strstr(request, "GET /status?instance=000000010000000c "));
	snprintf(body, sizeof(body),
	    "{\"version\":1,\"routes\":{\"revision\":%llu},\"instances\":"
	    "[{\"id\":\"000000010000000c\",\"in_flight\":%d}]}",
	    (unsigned long long)revision, in_flight);
	n = snprintf(text, sizeof(text),
	    "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
	    body);
	if (instead != NULL)
		n = snprintf(text, sizeof(text), "%s", instead);
	(void)!write(fd, text, (size_t)n);
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
	assert_true(sd_event_add_io(
			event, &peer_source, peer, EPOLLIN, talked, NULL) >= 0);
	return 0;
}

static void
serve(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 16), 0);
	assert_true(sd_event_add_io(
			event, &source, listener, EPOLLIN, served, NULL) >= 0);
}

static void
count(void *arg)
{
	++*(int *)arg;
}

static void
loop(int *done)
{
	int i;

	for (i = 0; i < 50 && *done == 0; i++)
		assert_true(sd_event_run(event, 20000) >= 0);
}

static void
nobody_routes(void **state)
{
	int done = 0;
	struct drain *d = drain_start(drains, ID, 5, count, &done);

	(void)state;
	loop(&done);
	assert_int_equal(done, 1);
	drain_stop(d);

	/* A socket whose nginx has gone is the same. */
	serve();
	close(listener);
	source = sd_event_source_disable_unref(source);
	listener = -1;
	done = 0;
	d = drain_start(drains, ID, 5, count, &done);
	loop(&done);
	assert_int_equal(done, 1);
	drain_stop(d);
}

static void
waits_for_revision_and_requests(void **state)
{
	int done = 0;
	struct drain *d;

	(void)state;
	serve();
	revision = 4;
	in_flight = 0;
	d = drain_start(drains, ID, 5, count, &done);
	loop(&done);
	assert_int_equal(done, 0);
	revision = 5;
	in_flight = 3;
	loop(&done);
	assert_int_equal(done, 0);
	assert_in_range(asked, 5, 100);
	in_flight = 0;
	loop(&done);
	assert_int_equal(done, 1);
	asked = 0;
	loop(&(int){0});
	assert_int_equal(asked, 0);
	drain_stop(d);
}

/* An answer that says nothing is no reason to let go. */
static void
not_fooled(void **state)
{
	static const char *const answers[] = {
	    "HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
	    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "nonsense", ""};
	struct drain *d;
	size_t i;
	int done;

	(void)state;
	serve();
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		instead = answers[i];
		done = 0;
		d = drain_start(drains, ID, 5, count, &done);
		loop(&done);
		assert_int_equal(done, 0);
		drain_stop(d);
	}
}

static int
after(void **state)
{
	(void)state;
	source = sd_event_source_disable_unref(source);
	if (listener != -1)
		close(listener);
	listener = -1;
	instead = NULL;
	asked = 0;
	(void)unlink(path);
	return 0;
}

static int
setup(void **state)
{
	char err[PAAS_ERRLEN];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	if (mkdtemp(dir) == NULL || sd_event_new(&event) < 0 ||
	    curl_global_init(CURL_GLOBAL_ALL) != 0 ||
	    (fetch = fetch_open(event, err)) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/status", dir);
	drains = drains_open(event, fetch, path);
	return drains == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	drains_close(drains);
	fetch_close(fetch);
	sd_event_unref(event);
	curl_global_cleanup();
	return rmdir(dir);
}

#define TEST(f) cmocka_unit_test_teardown(f, after)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(nobody_routes),
	    TEST(waits_for_revision_and_requests),
	    TEST(not_fooled),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
