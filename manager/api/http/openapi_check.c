/*
 * A body against its schema, with the sentences of check.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <bsd/string.h>

#include "api/http/openapi.h"

#define PATH_BYTES 200

/* Keys and values come from strangers: what is quoted back is kept short. */
#define QUOTE     "%.60s%s"
#define QUOTED(s) (s), strlen(s) > 60 ? "..." : ""

static const struct {
	const char *name;
	const char *text;
	json_type type;
} types[] = {
    {"string", "a string", JSON_STRING},
    {"integer", "a whole number", JSON_INTEGER},
    {"boolean", "true or false", JSON_TRUE},
    {"object", "an object", JSON_OBJECT},
    {"array", "an array", JSON_ARRAY},
};
#define TYPES (sizeof(types) / sizeof(types[0]))

static json_t *
follow(json_t *schemas, json_t *schema)
{
	const char *ref;

	while ((ref = json_string_value(json_object_get(schema, "$ref"))) !=
		   NULL &&
	       strrchr(ref, '/') != NULL)
		schema = json_object_get(schemas, strrchr(ref, '/') + 1);
	return schema;
}

static size_t
type_of(json_t *schema)
{
	const char *name = json_string_value(json_object_get(schema, "type"));
	size_t i;

	for (i = 0; name != NULL && i < TYPES; i++)
		if (strcmp(types[i].name, name) == 0)
			return i;
	return TYPES;
}

static int
is_null(json_t *schema, const json_t *value)
{
	return json_is_null(value) &&
	       json_is_true(json_object_get(schema, "nullable"));
}

static int
has_type(json_t *schema, const json_t *value)
{
	size_t i = type_of(schema);

	if (i == TYPES || is_null(schema, value))
		return 1;
	if (types[i].type == JSON_TRUE)
		return json_is_boolean(value);
	return json_typeof(value) == types[i].type;
}

static const char *
shown(const char *where)
{
	return where[0] != '\0' ? where : "the body";
}

/* "a whole number or a string or null" */
static void
refuse_type(json_t *schemas, json_t *schema, json_t *any, const char *where,
    char err[PAAS_ERRLEN])
{
	char text[160] = "";
	int nullable = json_is_true(json_object_get(schema, "nullable"));
	json_t *one;
	size_t i, type;

	if (any == NULL && (type = type_of(schema)) < TYPES)
		strlcat(text, types[type].text, sizeof(text));
	json_array_foreach (any, i, one) {
		one = follow(schemas, one);
		nullable |= json_is_true(json_object_get(one, "nullable"));
		if ((type = type_of(one)) == TYPES)
			continue;
		strlcat(text, text[0] != '\0' ? " or " : "", sizeof(text));
		strlcat(text, types[type].text, sizeof(text));
	}
	snprintf(err, PAAS_ERRLEN, "%s has to be %s%s", shown(where), text,
	    nullable ? " or null" : "");
}

/* ---- how much ----------------------------------------------------------- */

static int
in_range(json_t *schema, const char *least, const char *most, int64_t size,
    const char *unit, const char *where, char err[PAAS_ERRLEN])
{
	json_t *min = json_object_get(schema, least);
	json_t *max = json_object_get(schema, most);
	int64_t from = json_integer_value(min), to = json_integer_value(max);

	if ((min == NULL || size >= from) && (max == NULL || size <= to))
		return 0;
	if (min != NULL && max != NULL)
		snprintf(err, PAAS_ERRLEN,
		    "%s has to be %" PRId64 " to %" PRId64 "%s, not %" PRId64,
		    shown(where), from, to, unit, size);
	else
		snprintf(err, PAAS_ERRLEN,
		    "%s has to be at %s %" PRId64 "%s, not %" PRId64,
		    shown(where), min != NULL ? "least" : "most",
		    min != NULL ? from : to, unit, size);
	return -1;
}

/* x-unit is ours: "seconds". */
static int
check_number(
    json_t *schema, json_t *value, const char *where, char err[PAAS_ERRLEN])
{
	const char *of = json_string_value(json_object_get(schema, "x-unit"));
	char unit[64] = "";

	if (of != NULL)
		snprintf(unit, sizeof(unit), " %s", of);
	return in_range(schema, "minimum", "maximum", json_integer_value(value),
	    unit, where, err);
}

static int
check_text(
    json_t *schema, json_t *value, const char *where, char err[PAAS_ERRLEN])
{
	json_t *words = json_object_get(schema, "enum"), *word;
	const char *text = json_string_value(value);
	char known[256] = "";
	size_t i;

	if (in_range(schema, "minLength", "maxLength",
		(int64_t)json_string_length(value), " bytes long", where,
		err) == -1)
		return -1;
	json_array_foreach (words, i, word) {
		if (json_equal(word, value))
			return 0;
		if (!json_is_string(word))
			continue;
		strlcat(known, known[0] != '\0' ? ", " : "", sizeof(known));
		strlcat(known, json_string_value(word), sizeof(known));
	}
	if (words == NULL)
		return 0;
	snprintf(err, PAAS_ERRLEN,
	    "%s \"" QUOTE "\" is not right: it has to be %s%s", shown(where),
	    QUOTED(text), strchr(known, ',') != NULL ? "one of " : "", known);
	return -1;
}

/* ---- what is in it ------------------------------------------------------ */

static int
check_items(json_t *schemas, json_t *schema, json_t *value, const char *where,
    char err[PAAS_ERRLEN])
{
	json_t *items = json_object_get(schema, "items"), *one;
	char path[PATH_BYTES];
	size_t i;

	if (in_range(schema, "minItems", "maxItems",
		(int64_t)json_array_size(value), " elements long", where,
		err) == -1)
		return -1;
	if (items == NULL)
		return 0;
	json_array_foreach (value, i, one) {
		snprintf(path, sizeof(path), "%s[%zu]", where, i);
		if (openapi_check_value(schemas, items, one, path, err) == -1)
			return -1;
	}
	return 0;
}

static const char *
member(char path[PATH_BYTES], const char *where, const char *name)
{
	snprintf(path, PATH_BYTES, "%s%s%.60s", where,
	    where[0] != '\0' ? "." : "", name);
	return path;
}

static void
refuse_name(json_t *properties, const char *path, char err[PAAS_ERRLEN])
{
	const char *name, *between = ", which takes ";
	json_t *property;

	snprintf(err, PAAS_ERRLEN, "%s is not a field of this request", path);
	if (json_object_size(properties) == 0)
		strlcat(err, ", which takes none", PAAS_ERRLEN);
	json_object_foreach (properties, name, property) {
		strlcat(err, between, PAAS_ERRLEN);
		strlcat(err, name, PAAS_ERRLEN);
		between = ", ";
	}
}

/* The schema of a member; NULL: nothing is said of it. */
static json_t *
property_of(json_t *schema, const char *name)
{
	json_t *property =
	    json_object_get(json_object_get(schema, "properties"), name);
	json_t *others = json_object_get(schema, "additionalProperties");

	if (property == NULL && json_is_object(others))
		return others;
	return property;
}

static int
is_closed(json_t *schema)
{
	return json_is_false(json_object_get(schema, "additionalProperties"));
}

static int
check_members(json_t *schemas, json_t *schema, json_t *value, const char *where,
    char err[PAAS_ERRLEN])
{
	json_t *one, *property;
	char path[PATH_BYTES];
	const char *name;
	size_t i;

	if (in_range(schema, "minProperties", "maxProperties",
		(int64_t)json_object_size(value), " members long", where,
		err) == -1)
		return -1;
	json_object_foreach (value, name, one) {
		property = property_of(schema, name);
		(void)member(path, where, name);
		if (property == NULL && is_closed(schema)) {
			refuse_name(
			    json_object_get(schema, "properties"), path, err);
			return -1;
		}
		if (property != NULL && openapi_check_value(schemas, property,
					    one, path, err) == -1)
			return -1;
	}
	json_array_foreach (json_object_get(schema, "required"), i, one) {
		name = json_string_value(one);
		if (json_object_get(value, name) != NULL)
			continue;
		snprintf(err, PAAS_ERRLEN, "%s is missing",
		    member(path, where, name));
		return -1;
	}
	return 0;
}

/* ---- one value ---------------------------------------------------------- */

/* Of alternatives, the one that is of the value's type. */
static json_t *
alternative(json_t *schemas, json_t *any, const json_t *value)
{
	json_t *one;
	size_t i;

	json_array_foreach (any, i, one) {
		one = follow(schemas, one);
		if (has_type(one, value))
			return one;
	}
	return NULL;
}

int
openapi_check_value(json_t *schemas, json_t *schema, json_t *value,
    const char *where, char err[PAAS_ERRLEN])
{
	json_t *any, *chosen = schema = follow(schemas, schema);

	if ((any = json_object_get(schema, "anyOf")) != NULL)
		chosen = alternative(schemas, any, value);
	if (chosen == NULL || !has_type(chosen, value)) {
		refuse_type(schemas, schema, any, where, err);
		return -1;
	}
	if (json_is_string(value))
		return check_text(chosen, value, where, err);
	if (json_is_integer(value))
		return check_number(chosen, value, where, err);
	if (json_is_array(value))
		return check_items(schemas, chosen, value, where, err);
	if (json_is_object(value))
		return check_members(schemas, chosen, value, where, err);
	return 0;
}
