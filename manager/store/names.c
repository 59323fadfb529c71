#include "store/names.h"

#include <bsd/string.h>
#include <string.h>

const char *
names_in(const char *app, const json_t *record)
{
	const char *name = json_string_value(json_object_get(record, "name"));

	return name != NULL ? name : app;
}

const char *
names_of(struct store *st, const char *app, char name[KEY_NAME_MAX + 1])
{
	char key[STORE_KEY_MAX + 1];
	json_t *record;

	record = store_get(st, key_format(key, "app/%s", app), NULL);
	strlcpy(name, names_in(app, record), KEY_NAME_MAX + 1);
	json_decref(record);
	return name;
}

int
names_find(struct store *st, const char *name, char app[KEY_NAME_MAX + 1])
{
	char key[STORE_KEY_MAX + 1];
	const char *leads;
	json_t *record;
	int found;

	if (!key_app_valid(name))
		return -1;
	record = store_get(st, key_format(key, "app/%s", name), NULL);
	found = record != NULL && strcmp(names_in(name, record), name) == 0;
	json_decref(record);
	if (found) {
		strlcpy(app, name, KEY_NAME_MAX + 1);
		return 0;
	}
	record = store_get(st, key_format(key, "name/%s", name), NULL);
	leads = json_string_value(json_object_get(record, "app"));
	found = leads != NULL && key_app_valid(leads);
	if (found)
		strlcpy(app, leads, KEY_NAME_MAX + 1);
	json_decref(record);
	return found ? 0 : -1;
}
