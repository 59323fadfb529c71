#include "api/app/settings.h"

#include <stdio.h>
#include <string.h>
#include <bsd/string.h>

#include "api/http/request.h"
#include "api/http/respond.h"
#include "routing/setting.h"

static int
is_field(const struct check_field *fields, const char *name)
{
	for (; fields->name != NULL; fields++)
		if (strcmp(fields->name, name) == 0)
			return 1;
	return 0;
}

static void
refuse_name(struct request *r, const struct check_field *fields,
    unsigned int of, const char *name)
{
	char known[PAAS_ERRLEN], names[PAAS_ERRLEN] = "";

	for (; fields->name != NULL; fields++) {
		strlcat(names, fields->name, sizeof(names));
		strlcat(names, ", ", sizeof(names));
	}
	setting_names(of, known, sizeof(known));
	respond_invalid(r,
	    "%.60s is not a field of this request, which takes %s%s", name,
	    names, known);
}

/* One member: 0, or -1 after an answer. */
static int
read_one(struct request *r, unsigned int of, const char *name, json_t *given,
    json_t *object)
{
	const struct setting *setting = setting_find(name, of);
	char err[PAAS_ERRLEN];
	json_t *value;

	if (json_object_get(object, setting->name) != NULL) {
		respond_invalid(r, "%s is given twice", setting->name);
		return -1;
	}
	if (json_is_null(given)) {
		json_object_set_new(object, setting->name, json_null());
		return 0;
	}
	if ((value = setting_parse(setting, given, err)) == NULL) {
		respond_invalid(r, "%s", err);
		return -1;
	}
	json_object_set_new(object, setting->name, value);
	return 0;
}

/* The body stays as it is: the verb may have to be run again. */
static int
read_all(struct request *r, const struct check_field *fields, unsigned int of,
    json_t *object, json_t *rest)
{
	const char *name;
	json_t *value;

	json_object_foreach (r->json, name, value) {
		if (is_field(fields, name))
			json_object_set(rest, name, value);
		else if (setting_find(name, of) == NULL) {
			refuse_name(r, fields, of, name);
			return -1;
		} else if (read_one(r, of, name, value, object) == -1)
			return -1;
	}
	return 0;
}

json_t *
settings_read(
    struct request *r, const struct check_field *fields, unsigned int of)
{
	json_t *object = json_object(), *rest = json_object();
	char err[PAAS_ERRLEN];
	int rc = -1;

	if (!json_is_object(r->json))
		respond_invalid(r, "the body has to be an object");
	else
		rc = read_all(r, fields, of, object, rest);
	if (rc == 0 && check_object(rest, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		rc = -1;
	}
	json_decref(rest);
	if (rc == 0)
		return object;
	json_decref(object);
	return NULL;
}

size_t
settings_move(json_t *from, unsigned int of, json_t *into)
{
	const char *name;
	json_t *value;
	void *next;
	size_t n = 0;

	json_object_foreach_safe(from, next, name, value)
	{
		if (setting_find(name, of) == NULL)
			continue;
		if (json_is_null(value))
			json_object_del(into, name);
		else
			json_object_set(into, name, value);
		json_object_del(from, name);
		n++;
	}
	return n;
}
