/* sources: manager/api/api_table.c manager/api/http/uri.c; libs: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "api/api_table.h"
#include "api/verbs.h"

/* The verbs themselves are not asked for here: each is a name only. */
#define VERB_STAND_IN(name)          \
	void name(struct request *r) \
	{                            \
		(void)r;             \
	}
API_VERBS(VERB_STAND_IN)

void
build_upload_head(struct request *r)
{
	(void)r;
}

void
build_upload_data(struct request *r, const void *data, size_t len)
{
	(void)r, (void)data, (void)len;
}

void
import_upload_head(struct request *r)
{
	(void)r;
}

void
import_upload_data(struct request *r, const void *data, size_t len)
{
	(void)r, (void)data, (void)len;
}

void
source_upload_head(struct request *r)
{
	(void)r;
}

void
source_upload_data(struct request *r, const void *data, size_t len)
{
	(void)r, (void)data, (void)len;
}

struct match {
	enum api_match result;
	const struct api_route *route;
	const char *params[API_PARAMS_MAX];
	char allow[64];
	struct uri uri;
};

static void
match(struct match *m, const char *method, const char *path)
{
	memset(m, 0, sizeof(*m));
	m->result = API_NO_PATH;
	if (uri_split(&m->uri, path) == 0)
		m->result = api_match(method, &m->uri, &m->route, m->params,
		    m->allow, sizeof(m->allow));
}

static void
finds_verbs(void **state)
{
	static const struct {
		const char *method, *path;
		void (*verb)(struct request *);
		const char *params[API_PARAMS_MAX];
	} cases[] = {
	    {"GET", "/health", health, {0}},
	    {"HEAD", "/health", health, {0}},
	    {"GET", "/apps", app_list, {0}},
	    {"GET", "/apps/", app_list, {0}},
	    {"POST", "/apps", app_create, {0}},
	    {"DELETE", "/apps/a", app_destroy, {"a"}},
	    {"POST", "/apps/a/actions/stop", app_action, {"a", "stop"}},
	    {"PATCH", "/apps/a/formation", formation_batch, {"a"}},
	    {"PATCH", "/apps/a/formation/web", formation_update, {"a", "web"}},
	    {"DELETE", "/apps/a/dynos/web.1", dyno_restart, {"a", "web.1"}},
	    {"POST", "/apps/a/dynos/web.1/actions/stop", dyno_restart,
		{"a", "web.1"}},
	    {"DELETE", "/apps/a/domains/%2a.b.c", domain_delete,
		{"a", "*.b.c"}},
	    {"GET", "/apps/a/builds/0f/log", build_log, {"a", "0f"}},
	    {"PUT", "/routes/x.y", route_put, {"x.y"}},
	    {"PUT", "/routes/a%2Fb", route_put, {"a/b"}},
	};
	struct match m;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		match(&m, cases[i].method, cases[i].path);
		assert_int_equal(m.result, API_FOUND);
		assert_ptr_equal(m.route->verb, cases[i].verb);
		for (j = 0; j < API_PARAMS_MAX; j++) {
			if (cases[i].params[j] == NULL)
				assert_null(m.params[j]);
			else
				assert_string_equal(
				    m.params[j], cases[i].params[j]);
		}
		uri_free(&m.uri);
	}
}

static void
finds_no_path(void **state)
{
	static const char *const paths[] = {
	    "/",
	    "",
	    "*",
	    "health",
	    "//",
	    "/apps//",
	    "//apps",
	    "/app",
	    "/appsx",
	    "/apps/a/b",
	    "/apps/a/formation/web/x",
	    "/apps/%00",
	    "/apps/%0a",
	    "/apps/%",
	    "/apps/%4",
	    "/apps/%zz",
	    "/apps/%ff",
	    "/apps/%7f",
	    "/a/b/c/d/e/f/g/h/i/j",
	    "/health/x",
	    "/:",
	    "/apps/a/:",
	};
	struct match m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		match(&m, "GET", paths[i]);
		assert_int_equal(m.result, API_NO_PATH);
		uri_free(&m.uri);
	}
}

static void
says_what_is_allowed(void **state)
{
	struct match m;

	(void)state;
	match(&m, "PUT", "/apps");
	assert_int_equal(m.result, API_NO_METHOD);
	assert_string_equal(m.allow, "GET, POST");
	uri_free(&m.uri);
	match(&m, "get", "/health");
	assert_int_equal(m.result, API_NO_METHOD);
	assert_string_equal(m.allow, "GET");
	uri_free(&m.uri);
	match(&m, "OPTIONS", "/apps/a");
	assert_int_equal(m.result, API_NO_METHOD);
	assert_string_equal(m.allow, "GET, PATCH, DELETE");
	uri_free(&m.uri);
}

/* Every line can be reached, and none hides another. */
static void
has_no_dead_line(void **state)
{
	const struct api_route *route;
	char path[128], *colon;
	struct match m;

	(void)state;
	for (route = api_routes; route->method != NULL; route++) {
		assert_true(strlen(route->path) < sizeof(path));
		strcpy(path, route->path);
		while ((colon = strchr(path, ':')) != NULL)
			*colon = 'x';
		match(&m, route->method, path);
		assert_int_equal(m.result, API_FOUND);
		assert_ptr_equal(m.route, route);
		uri_free(&m.uri);
	}
}

static void
decodes(void **state)
{
	char text[64];

	(void)state;
	strcpy(text, "a%20b%C3%a9");
	assert_int_equal(uri_decode(text), 0);
	assert_string_equal(text, "a b\xc3\xa9");
	strcpy(text, "%C3");
	assert_int_equal(uri_decode(text), -1);
	strcpy(text, "\x01");
	assert_int_equal(uri_decode(text), -1);
	strcpy(text, "");
	assert_int_equal(uri_decode(text), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_verbs),
	    cmocka_unit_test(finds_no_path),
	    cmocka_unit_test(says_what_is_allowed),
	    cmocka_unit_test(has_no_dead_line),
	    cmocka_unit_test(decodes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
