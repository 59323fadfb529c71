#include "api/http/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
check_type_name(enum check_type type)
{
	static const char *const names[] = {
	    [CHECK_STRING] = "a string",
	    [CHECK_BOOL] = "true or false",
	    [CHECK_INT] = "a whole number",
	    [CHECK_NUMBER] = "a whole number",
	    [CHECK_OBJECT] = "an object",
	    [CHECK_ARRAY] = "an array",
	};

	return names[type];
}

/* Keys and values come from strangers: what is quoted back is kept short. */
#define CHECK_QUOTE     "%.60s%s"
#define CHECK_QUOTED(s) (s), strlen(s) > 60 ? "..." : ""

static const char *
check_path(char *buf, size_t len, const char *where, const char *name)
{
	snprintf(
	    buf, len, "%s%s%.60s", where, where[0] != '\0' ? "." : "", name);
	return buf;
}

int
check_digits(const char *text, int64_t *value)
{
	const char *p = text[0] == '-' ? text + 1 : text;
	char *end;

	if (*p < '0' || *p > '9')
		return -1;
	errno = 0;
	*value = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0')
		return -1;
	return 0;
}

int64_t
check_number(const json_t *value)
{
	int64_t number = 0;

	if (json_is_integer(value))
		return json_integer_value(value);
	if (json_is_string(value))
		(void)check_digits(json_string_value(value), &number);
	return number;
}

static int
check_has_type(const json_t *value, enum check_type type)
{
	int64_t number;

	switch (type) {
	case CHECK_STRING:
		return json_is_string(value);
	case CHECK_BOOL:
		return json_is_boolean(value);
	case CHECK_INT:
		return json_is_integer(value);
	case CHECK_NUMBER:
		return json_is_integer(value) ||
		       (json_is_string(value) &&
			   check_digits(json_string_value(value), &number) ==
			       0);
	case CHECK_OBJECT:
		return json_is_object(value);
	case CHECK_ARRAY:
		return json_is_array(value);
	}
	return 0;
}

static int
check_range(const json_t *value, const struct check_field *field,
    const char *path, char err[PAAS_ERRLEN])
{
	const char *unit = "";
	int64_t size;

	switch (field->type) {
	case CHECK_STRING:
		size = (int64_t)json_string_length(value);
		unit = " bytes long";
		break;
	case CHECK_ARRAY:
		size = (int64_t)json_array_size(value);
		unit = " elements long";
		break;
	case CHECK_INT:
	case CHECK_NUMBER:
		size = check_number(value);
		break;
	default:
		return 0;
	}
	if ((field->min == 0 && field->max == 0) ||
	    (size >= field->min && size <= field->max))
		return 0;
	snprintf(err, PAAS_ERRLEN,
	    "%s has to be %" PRId64 " to %" PRId64 "%s, not %" PRId64, path,
	    field->min, field->max, unit, size);
	return -1;
}

static int
check_value(const json_t *value, const struct check_field *field,
    const char *where, char err[PAAS_ERRLEN])
{
	const char *text;
	char path[160];

	(void)check_path(path, sizeof(path), where, field->name);
	if (json_is_null(value) && (field->flags & CHECK_NULLABLE) != 0)
		return 0;
	if (!check_has_type(value, field->type)) {
		snprintf(err, PAAS_ERRLEN, "%s has to be %s%s", path,
		    check_type_name(field->type),
		    (field->flags & CHECK_NULLABLE) != 0 ? " or null" : "");
		return -1;
	}
	if (check_range(value, field, path, err) == -1)
		return -1;
	if (field->valid == NULL || !json_is_string(value))
		return 0;
	text = json_string_value(value);
	if (field->valid(text))
		return 0;
	snprintf(err, PAAS_ERRLEN,
	    "%s \"" CHECK_QUOTE "\" is not right: it has to be %s", path,
	    CHECK_QUOTED(text), field->form);
	return -1;
}

static const struct check_field *
check_find(const struct check_field *fields, const char *name)
{
	for (; fields->name != NULL; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

static void
check_unknown(
    const struct check_field *fields, const char *path, char err[PAAS_ERRLEN])
{
	size_t len;

	snprintf(err, PAAS_ERRLEN, "%s is not a field of this request", path);
	len = strlen(err);
	if (fields->name == NULL) {
		snprintf(err + len, PAAS_ERRLEN - len, ", which takes none");
		return;
	}
	for (const struct check_field *f = fields; f->name != NULL; f++) {
		len = strlen(err);
		snprintf(err + len, PAAS_ERRLEN - len, "%s%s",
		    f == fields ? ", which takes " : ", ", f->name);
	}
}

int
check_object(json_t *object, const struct check_field *fields,
    const char *where, char err[PAAS_ERRLEN])
{
	const struct check_field *field;
	const char *name;
	char path[160];
	json_t *value;

	if (!json_is_object(object)) {
		snprintf(err, PAAS_ERRLEN, "%s has to be an object",
		    where[0] != '\0' ? where : "the body");
		return -1;
	}
	json_object_foreach (object, name, value) {
		if ((field = check_find(fields, name)) == NULL) {
			check_unknown(fields,
			    check_path(path, sizeof(path), where, name), err);
			return -1;
		}
		if (check_value(value, field, where, err) == -1)
			return -1;
	}
	for (field = fields; field->name != NULL; field++) {
		if ((field->flags & CHECK_REQUIRED) == 0 ||
		    json_object_get(object, field->name) != NULL)
			continue;
		snprintf(err, PAAS_ERRLEN, "%s is missing",
		    check_path(path, sizeof(path), where, field->name));
		return -1;
	}
	return 0;
}
