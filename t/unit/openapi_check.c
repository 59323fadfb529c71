/* sources: manager/api/http/openapi_check.c; libs: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "api/http/openapi.h"

/* In single quotes: every keyword that is obeyed. */
static const char schema_text[] =
    "{'type': 'object', 'required': ['name'], 'additionalProperties': false,"
    " 'properties': {"
    "  'name': {'type': 'string', 'minLength': 1, 'maxLength': 5},"
    "  'role': {'$ref': '#/components/schemas/Role'},"
    "  'size': {'type': 'integer', 'minimum': -3, 'maximum': 10,"
    "   'x-unit': 'seconds'},"
    "  'count': {'anyOf': [{'type': 'integer', 'minimum': 0,"
    "   'nullable': true}, {'type': 'string'}]},"
    "  'on': {'type': 'boolean', 'nullable': true},"
    "  'list': {'type': 'array', 'minItems': 1, 'maxItems': 2, 'items':"
    "   {'type': 'object', 'required': ['a'], 'properties': {'a':"
    "   {'type': 'integer'}}, 'additionalProperties': false}},"
    "  'env': {'type': 'object', 'maxProperties': 2,"
    "   'additionalProperties': {'type': 'string', 'nullable': true}},"
    "  'none': {'type': 'object', 'additionalProperties': false},"
    "  'any': {}}}";

static const char schemas_text[] =
    "{'Role': {'$ref': '#/components/schemas/Word'},"
    " 'Word': {'type': 'string', 'enum': ['viewer', 'admin']}}";

static json_t *
parse(const char *text)
{
	char json[2048];
	json_t *value;
	size_t i;

	assert_true(strlen(text) < sizeof(json));
	for (i = 0; text[i] != '\0'; i++)
		json[i] = text[i];
	json[i] = '\0';
	for (i = 0; json[i] != '\0'; i++)
		if (json[i] == '\'')
			json[i] = '"';
	value = json_loads(json, JSON_DECODE_ANY, NULL);
	assert_non_null(value);
	return value;
}

static int
check(const char *text, const char *where, char err[PAAS_ERRLEN])
{
	json_t *schema = parse(schema_text), *schemas = parse(schemas_text);
	json_t *value = parse(text);
	int rc;

	err[0] = '\0';
	rc = openapi_check_value(schemas, schema, value, where, err);
	json_decref(value);
	json_decref(schemas);
	json_decref(schema);
	return rc;
}

static void
takes_what_is_right(void **state)
{
	static const char *const good[] = {
	    "{'name': 'a'}",
	    "{'name': 'abcde', 'size': -3, 'on': null, 'role': 'admin'}",
	    "{'name': 'a', 'count': '7'}",
	    "{'name': 'a', 'count': null, 'on': false}",
	    "{'name': 'a', 'list': [{'a': 1}, {'a': 2}], 'none': {}}",
	    "{'name': 'a', 'env': {'A': 'x', 'B': null}}",
	    "{'name': 'a', 'any': [1, {'x': null}]}",
	};
	char err[PAAS_ERRLEN];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		(void)check(good[i], "", err);
		assert_string_equal(err, "");
		assert_int_equal(check(good[i], "", err), 0);
	}
}

static void
names_what_is_wrong(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} bad[] = {
	    {"[]", "the body has to be an object"},
	    {"null", "the body has to be an object"},
	    {"{}", "name is missing"},
	    {"{'name': 7}", "name has to be a string"},
	    {"{'name': ''}", "name has to be 1 to 5 bytes long, not 0"},
	    {"{'name': 'a', 'role': 'god'}",
		"role \"god\" is not right: it has to be one of viewer, admin"},
	    {"{'name': 'a', 'size': 1.5}", "size has to be a whole number"},
	    {"{'name': 'a', 'size': 11}",
		"size has to be -3 to 10 seconds, not 11"},
	    {"{'name': 'a', 'count': -1}",
		"count has to be at least 0, not -1"},
	    {"{'name': 'a', 'count': []}",
		"count has to be a whole number or a string or null"},
	    {"{'name': 'a', 'on': 1}", "on has to be true or false or null"},
	    {"{'name': 'a', 'list': []}",
		"list has to be 1 to 2 elements long, not 0"},
	    {"{'name': 'a', 'list': [{'a': 1}, {'a': 'x'}]}",
		"list[1].a has to be a whole number"},
	    {"{'name': 'a', 'list': [{}]}", "list[0].a is missing"},
	    {"{'name': 'a', 'list': [{'a': 1, 'b': 2}]}",
		"list[0].b is not a field of this request, which takes a"},
	    {"{'name': 'a', 'env': {'A': 7}}",
		"env.A has to be a string or null"},
	    {"{'name': 'a', 'env': {'A': '', 'B': '', 'C': ''}}",
		"env has to be at most 2 members long, not 3"},
	    {"{'name': 'a', 'none': {'x': 1}}",
		"none.x is not a field of this request, which takes none"},
	};
	char err[PAAS_ERRLEN];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(check(bad[i].text, "", err), -1);
		assert_string_equal(err, bad[i].says);
	}
	assert_int_equal(check("7", "updates[2]", err), -1);
	assert_string_equal(err, "updates[2] has to be an object");
}

/* What is quoted back is bounded, however long a stranger made it. */
static void
quotes_little(void **state)
{
	char err[PAAS_ERRLEN], text[1500];

	(void)state;
	memset(text, 'k', sizeof(text));
	memcpy(text, "{'", 2);
	memcpy(text + sizeof(text) - 7, "': 1}", 6);
	assert_int_equal(check(text, "", err), -1);
	assert_non_null(strstr(err, "kkk is not a field of this request"));
	assert_null(strstr(err,
	    "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"));
	memset(text, 'v', sizeof(text));
	memcpy(text, "{'name': 'a', 'role': '", 23);
	memcpy(text + sizeof(text) - 3, "'}", 3);
	assert_int_equal(check(text, "", err), -1);
	assert_non_null(strstr(err, "vvv...\" is not right"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_what_is_right),
	    cmocka_unit_test(names_what_is_wrong),
	    cmocka_unit_test(quotes_little),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
