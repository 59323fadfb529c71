/* sources: manager/git/serve_env.c manager/common/conf.c; */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "git/serve.h"

static const char *const push[][2] = {
    {SERVE_REPOSITORY, "000000000000002a"},
    {SERVE_APP, "shop"},
    {SERVE_USER, "root"},
    {SERVE_TOKEN, "push_0123456789abcdef_0123456789abcdef"},
    {SERVE_SERVICE, "git-receive-pack"},
    {"REQUEST_METHOD", "POST"},
    {"QUERY_STRING", ""},
    {"CONTENT_TYPE", "application/x-git-receive-pack-request"},
    {"CONTENT_LENGTH", ""},
    {"HTTP_CONTENT_ENCODING", "gzip"},
    {"GIT_PROTOCOL", "version=2"},
    {"REMOTE_ADDR", "2001:db8::1"},
};

#define NPUSH (sizeof(push) / sizeof(push[0]))

/* What the next request has in place of the one above. */
static const char *name, *value;
static char conf[] = "/tmp/paas-git-unit-XXXXXX";
static char err[PAAS_ERRLEN];

static char *
get(const char *wanted)
{
	if (strcmp(wanted, SERVE_CONF) == 0)
		return conf;
	if (name != NULL && strcmp(wanted, name) == 0)
		return (char *)(uintptr_t)value;
	for (size_t i = 0; i < NPUSH; i++)
		if (strcmp(wanted, push[i][0]) == 0)
			return (char *)(uintptr_t)push[i][1];
	return NULL;
}

static int
read_with(const char *which, const char *what)
{
	struct serve s;

	name = which;
	value = what;
	return serve_read(&s, get, err);
}

static int
setup(void **state)
{
	int fd = mkstemp(conf);

	(void)state;
	if (fd == -1)
		return -1;
	dprintf(fd, "state_dir = /srv/paas\nupload_max = 3M\n");
	return close(fd);
}

static int
teardown(void **state)
{
	(void)state;
	return unlink(conf);
}

static int
has(char *const *list, const char *text)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, text) == 0)
			return 1;
	return 0;
}

static void
makes_an_environment_of_its_own(void **state)
{
	struct serve s;
	char **list;

	(void)state;
	name = NULL;
	(void)setenv("GIT_DIR", "/etc", 1);
	(void)setenv("GIT_TRACE", "/tmp/x", 1);
	assert_int_equal(0, serve_read(&s, get, err));
	assert_true(s.push);
	list = serve_environment(&s, "/usr/libexec/paas", 21);
	assert_non_null(list);
	assert_true(has(list, "GIT_PROJECT_ROOT=/srv/paas/git"));
	assert_true(has(list, "PATH_INFO=/000000000000002a.git/"
			      "git-receive-pack"));
	assert_true(has(list, "REMOTE_USER=root"));
	assert_true(has(list, "GIT_PROTOCOL=version=2"));
	assert_true(has(list, "PAAS_GIT_LOCK=21"));
	assert_true(has(list, "GIT_CONFIG_GLOBAL=/dev/null"));
	assert_false(has(list, "CONTENT_LENGTH="));
	for (char **p = list; *p != NULL; p++) {
		assert_null(strstr(*p, "GIT_DIR"));
		assert_null(strstr(*p, "GIT_TRACE"));
	}
	/* Every setting has a key, a value and a place in the count. */
	for (char **p = list; *p != NULL; p++) {
		unsigned int n;
		char wanted[64];

		if (sscanf(*p, "GIT_CONFIG_COUNT=%u", &n) != 1)
			continue;
		for (unsigned int i = 0; i <= n; i++) {
			int keys = 0, values = 0;

			for (char **q = list; *q != NULL; q++) {
				snprintf(wanted, sizeof(wanted),
				    "GIT_CONFIG_KEY_%u=", i);
				keys +=
				    strncmp(*q, wanted, strlen(wanted)) == 0;
				snprintf(wanted, sizeof(wanted),
				    "GIT_CONFIG_VALUE_%u=", i);
				values +=
				    strncmp(*q, wanted, strlen(wanted)) == 0;
			}
			assert_int_equal(i < n, keys);
			assert_int_equal(i < n, values);
		}
	}
	for (char **p = list; *p != NULL; p++)
		free(*p);
	free(list);
}

static void
refuses_every_word_that_is_wrong(void **state)
{
	static const char *const bad[][2] = {
	    {SERVE_REPOSITORY, ""},
	    {SERVE_REPOSITORY, "2a"},
	    {SERVE_REPOSITORY, "../../../../../etc"},
	    {SERVE_REPOSITORY, "000000000000002A"},
	    {SERVE_REPOSITORY, "000000000000002a\n"},
	    {SERVE_REPOSITORY, "000000000000002a0"},
	    {SERVE_APP, ""},
	    {SERVE_APP, "a/b"},
	    {SERVE_APP, "a\nb"},
	    {SERVE_APP, "abcdefghijklmnopqrstuvwxyz01234"},
	    {SERVE_USER, ""},
	    {SERVE_USER, "a\x1b[31m"},
	    {SERVE_USER, "a\nGIT_DIR=/etc"},
	    {SERVE_USER, "\xc3\xa4"},
	    {SERVE_TOKEN, ""},
	    {SERVE_TOKEN, "push_0 X-Header: y"},
	    {SERVE_SERVICE, ""},
	    {SERVE_SERVICE, "HEAD"},
	    {SERVE_SERVICE, "objects/info/packs"},
	    {SERVE_SERVICE, "git-upload-archive"},
	    {"REQUEST_METHOD", "GET"},
	    {"REQUEST_METHOD", "PUT"},
	    {"QUERY_STRING", "service=git-receive-pack"},
	    {"QUERY_STRING", "x"},
	    {"CONTENT_TYPE", "text/plain"},
	    {"CONTENT_TYPE", "application/x-git-upload-pack-request"},
	    {"CONTENT_LENGTH", "-1"},
	    {"CONTENT_LENGTH", "1e9"},
	    {"CONTENT_LENGTH", "9999999999999999999999999"},
	    {"HTTP_CONTENT_ENCODING", "br"},
	    {"HTTP_CONTENT_ENCODING", "gzip, gzip"},
	    {"GIT_PROTOCOL", "version=2\nGIT_DIR=/etc"},
	    {"GIT_PROTOCOL", "$(id)"},
	    {"REMOTE_ADDR", "1.2.3.4 GIT_DIR=/etc"},
	};
	size_t i;

	(void)state;
	assert_int_equal(0, read_with(NULL, NULL));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (read_with(bad[i][0], bad[i][1]) < 400)
			fail_msg("%s=%s", bad[i][0], bad[i][1]);
	assert_int_equal(0, read_with("HTTP_CONTENT_ENCODING", ""));
	assert_int_equal(0, read_with("HTTP_CONTENT_ENCODING", NULL));
	assert_int_equal(0, read_with("GIT_PROTOCOL", NULL));
	assert_int_equal(0, read_with("CONTENT_LENGTH", "1234"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(makes_an_environment_of_its_own),
	    cmocka_unit_test(refuses_every_word_that_is_wrong),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
