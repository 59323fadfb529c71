/* sources: manager/api/http/check.c; libs: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "api/http/check.h"

static int
is_lower(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyz")] == '\0';
}

static const struct check_field fields[] = {
    {"name", CHECK_STRING, CHECK_REQUIRED, 1, 5, is_lower, "a-z"},
    {"size", CHECK_INT, 0, -3, 10, NULL, NULL},
    {"count", CHECK_NUMBER, 0, 0, 100, NULL, NULL},
    {"on", CHECK_BOOL, 0, 0, 0, NULL, NULL},
    {"list", CHECK_ARRAY, 0, 1, 2, NULL, NULL},
    {"more", CHECK_OBJECT, CHECK_NULLABLE, 0, 0, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static const struct check_field nothing[] = {
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static int
check_text(const char *text, const struct check_field *table, const char *where,
    char err[PAAS_ERRLEN])
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	int rc;

	assert_non_null(json);
	err[0] = '\0';
	rc = check_object(json, table, where, err);
	json_decref(json);
	return rc;
}

static void
takes_what_is_right(void **state)
{
	static const char *const good[] = {
	    "{\"name\": \"ab\"}",
	    "{\"name\": \"abcde\", \"size\": -3, \"on\": false}",
	    "{\"name\": \"a\", \"size\": 10, \"count\": 100}",
	    "{\"name\": \"a\", \"count\": \"0\"}",
	    "{\"name\": \"a\", \"list\": [1, 2], \"more\": null}",
	    "{\"name\": \"a\", \"more\": {}}",
	};
	char err[PAAS_ERRLEN];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(check_text(good[i], fields, "", err), 0);
	assert_int_equal(check_text("{}", nothing, "", err), 0);
}

static void
names_what_is_wrong(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} bad[] = {
	    {"[]", "the body has to be an object"},
	    {"3", "the body has to be an object"},
	    {"{}", "name is missing"},
	    {"{\"name\": null}", "name has to be a string"},
	    {"{\"name\": 3}", "name has to be a string"},
	    {"{\"name\": \"\"}", "name has to be 1 to 5 bytes long, not 0"},
	    {"{\"name\": \"abcdef\"}",
		"name has to be 1 to 5 bytes long, not 6"},
	    {"{\"name\": \"aB\"}",
		"name \"aB\" is not right: it has to be a-z"},
	    {"{\"name\": \"a\", \"size\": 11}",
		"size has to be -3 to 10, not 11"},
	    {"{\"name\": \"a\", \"size\": \"3\"}",
		"size has to be a whole number"},
	    {"{\"name\": \"a\", \"size\": 3.0}",
		"size has to be a whole number"},
	    {"{\"name\": \"a\", \"count\": -1}",
		"count has to be 0 to 100, not -1"},
	    {"{\"name\": \"a\", \"count\": \"101\"}",
		"count has to be 0 to 100, not 101"},
	    {"{\"name\": \"a\", \"count\": \"1 \"}",
		"count has to be a whole number"},
	    {"{\"name\": \"a\", \"count\": \"99999999999999999999\"}",
		"count has to be a whole number"},
	    {"{\"name\": \"a\", \"on\": 1}", "on has to be true or false"},
	    {"{\"name\": \"a\", \"on\": null}", "on has to be true or false"},
	    {"{\"name\": \"a\", \"list\": []}",
		"list has to be 1 to 2 elements long, not 0"},
	    {"{\"name\": \"a\", \"list\": {}}", "list has to be an array"},
	    {"{\"name\": \"a\", \"more\": 0}",
		"more has to be an object or null"},
	    {"{\"name\": \"a\", \"x\": 0}",
		"x is not a field of this request, which takes name, size, "
		"count, on, list, more"},
	};
	char err[PAAS_ERRLEN];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(check_text(bad[i].text, fields, "", err), -1);
		assert_string_equal(err, bad[i].says);
	}
	assert_int_equal(check_text("{\"x\": 1}", nothing, "", err), -1);
	assert_string_equal(
	    err, "x is not a field of this request, which takes none");
}

static void
says_where(void **state)
{
	char err[PAAS_ERRLEN];

	(void)state;
	assert_int_equal(check_text("{}", fields, "updates[2]", err), -1);
	assert_string_equal(err, "updates[2].name is missing");
	assert_int_equal(check_text("7", fields, "updates[2]", err), -1);
	assert_string_equal(err, "updates[2] has to be an object");
}

/* However long the names are, the sentence ends. */
static void
quotes_briefly(void **state)
{
	char err[PAAS_ERRLEN], name[4096];
	json_t *json = json_object();

	(void)state;
	memset(name, 'A', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	json_object_set_new(json, name, json_true());
	assert_int_equal(check_object(json, fields, "", err), -1);
	assert_true(strlen(err) < 200);
	json_decref(json);
	json = json_pack("{s:s}", "name", name);
	assert_int_equal(check_object(json, fields, "", err), -1);
	assert_true(strlen(err) < 200);
	json_decref(json);
}

static void
reads_numbers(void **state)
{
	json_t *text = json_string("42"), *number = json_integer(-7);
	int64_t value;

	(void)state;
	assert_int_equal(check_number(text), 42);
	assert_int_equal(check_number(number), -7);
	assert_int_equal(check_digits("9223372036854775807", &value), 0);
	assert_true(value == INT64_MAX);
	assert_int_equal(check_digits("9223372036854775808", &value), -1);
	assert_int_equal(check_digits("", &value), -1);
	assert_int_equal(check_digits("-", &value), -1);
	assert_int_equal(check_digits("+1", &value), -1);
	assert_int_equal(check_digits(" 1", &value), -1);
	assert_int_equal(check_digits("0x10", &value), -1);
	assert_int_equal(check_digits("1e3", &value), -1);
	json_decref(text);
	json_decref(number);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_what_is_right),
	    cmocka_unit_test(names_what_is_wrong),
	    cmocka_unit_test(says_where),
	    cmocka_unit_test(quotes_briefly),
	    cmocka_unit_test(reads_numbers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
