/* sources: manager/build/settings.c manager/build/text.c manager/store/keys.c manager/common/config_name.c manager/common/log.c manager/common/health_rule.c; libs: -ljansson -lsodium */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "build/settings.h"

static const struct conf conf = {
    .scale_max = 5, .memory_max = 1ULL << 30, .instance_memory = 512ULL << 20};
static char err[SETTINGS_ERRLEN];

static json_t *
parse(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	err[0] = '\0';
	return json;
}

static void
refused(const char *text, const char *says)
{
	json_t *settings = parse(text);

	assert_int_equal(settings_check(settings, &conf, err), -1);
	if (strstr(err, says) == NULL)
		fail_msg("%s: %s", text, err);
	json_decref(settings);
}

/* Whatever comes out of a sandbox is no crash, and no setting. */
static void
hostile(void **state)
{
	static const char *const cases[] = {
	    "[]",
	    "{\"processes\": []}",
	    "{\"processes\": {\"We b\": {}}}",
	    "{\"processes\": {\"web\": 3}}",
	    "{\"processes\": {\"web\": {\"command\": 3}}}",
	    "{\"processes\": {\"web\": {\"memory\": \"1G\"}}}",
	    "{\"processes\": {\"web\": {\"memory\": -1}}}",
	    "{\"processes\": {\"web\": {\"quantity\": 1e3}}}",
	    "{\"processes\": {\"web\": {\"health\": []}}}",
	    "{\"processes\": {\"web\": {\"health\": {\"type\": \"x\"}}}}",
	    "{\"processes\": {\"web\": {\"health\": {\"path\": \"a b\"}}}}",
	    "{\"processes\": {\"web\": {\"health\": {\"timeout\": 0}}}}",
	    "{\"env\": []}",
	    "{\"env\": {\"A-B\": \"x\"}}",
	    "{\"env\": {\"PAAS_APP\": \"x\"}}",
	    "{\"env\": {\"A\": 3}}",
	    "{\"secrets\": {}}",
	    "{\"secrets\": [3]}",
	    "{\"required\": [\"PORT\"]}",
	    "{\"hosts\": \"a.b\"}",
	    "{\"hosts\": [3]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		refused(cases[i], "");
	refused("{\"file\": \"m\\u001b[1m\\n\", \"at\": "
		"{\"processes.web.quantity\": \"3:4\"}, "
		"\"processes\": {\"web\": {\"quantity\": 6}}}",
	    ":3:4: quantity of web has to be 0 to 5 (scale_max");
	assert_null(strchr(err, '\033'));
	assert_null(strchr(err, '\n'));
}

static void
defaults(void **state)
{
	json_t *settings =
	    parse("{\"defaults\": true, \"processes\": {\"web\": "
		  "{\"quantity\": 9, \"memory\": 9999999999}}}");
	json_t *web;

	(void)state;
	assert_int_equal(settings_check(settings, &conf, err), 0);
	web = settings_formation(settings, "web");
	assert_int_equal(
	    json_integer_value(json_object_get(web, "quantity")), 5);
	assert_int_equal(
	    json_integer_value(json_object_get(web, "memory")), 1LL << 30);
	json_decref(web);
	assert_null(settings_release(settings, 3, NULL));
	json_decref(settings);
}

static void
config(void **state)
{
	json_t *manifest = parse("{\"env\": {\"A\": \"new\", \"B\": null}}");
	json_t *begin = parse("{\"defaults\": true, \"env\": {\"A\": \"x\", "
			      "\"C\": \"c\"}, \"secrets\": [\"KEY\"]}");
	json_t *wants = parse("{\"file\": \"app.json\", \"required\": "
			      "[\"A\", \"NONE\"]}");
	json_t *is = parse("{\"A\": \"old\", \"B\": \"b\"}");
	int changed = 0;

	(void)state;
	assert_int_equal(settings_config(begin, is, &changed, err), 0);
	assert_int_equal(changed, 1);
	assert_string_equal(json_string_value(json_object_get(is, "A")), "old");
	assert_int_equal(json_string_length(json_object_get(is, "KEY")), 64);
	changed = 0;
	assert_int_equal(settings_config(begin, is, &changed, err), 0);
	assert_int_equal(changed, 0);
	assert_int_equal(settings_config(manifest, is, &changed, err), 0);
	assert_string_equal(json_string_value(json_object_get(is, "A")), "new");
	assert_null(json_object_get(is, "B"));
	changed = 0;
	assert_int_equal(settings_config(manifest, is, &changed, err), 0);
	assert_int_equal(changed, 0);
	assert_int_equal(settings_config(wants, is, &changed, err), -1);
	assert_non_null(strstr(err, "app.json: NONE is required"));
	json_decref(manifest);
	json_decref(begin);
	json_decref(wants);
	json_decref(is);
}

/* A release without settings of its own goes by those before it. */
static void
releases(void **state)
{
	json_t *settings = parse("{\"processes\": {\"web\": {\"command\": "
				 "\"x\", \"quantity\": 2}, \"a\": "
				 "{\"command\": \"y\"}}}");
	json_t *types = parse("{\"web\": \"x\"}"), *own, *before, *again;

	(void)state;
	assert_int_equal(settings_fit(settings, types, err), -1);
	assert_non_null(strstr(err, "the process a has no command"));
	own = settings_release(settings, 7, NULL);
	before =
	    parse("{\"settings\": {\"version\": 7, \"processes\": {\"web\": "
		  "{\"quantity\": 2}}}}");
	assert_true(json_equal(own, json_object_get(before, "settings")));
	again = settings_release(NULL, 8, before);
	assert_true(json_equal(own, again));
	json_decref(settings);
	json_decref(types);
	json_decref(own);
	json_decref(before);
	json_decref(again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hostile),
	    cmocka_unit_test(defaults),
	    cmocka_unit_test(config),
	    cmocka_unit_test(releases),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
