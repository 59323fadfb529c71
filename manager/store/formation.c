#include "store/formation.h"

#include "store/keys.h"

static json_int_t
number(json_t *record, const char *name)
{
	return json_integer_value(json_object_get(record, name));
}

json_t *
formation_get(struct store *store, const char *app, const char *type,
    json_t *release, uint64_t *rev)
{
	char key[STORE_KEY_MAX + 1];
	json_t *record, *settings, *process, *merged;

	record = store_get(
	    store, key_format(key, "formation/%s/%s", app, type), rev);
	settings = json_object_get(release, "settings");
	process = json_object_get(json_object_get(settings, "processes"), type);
	if (process == NULL ||
	    number(record, "version") >= number(settings, "version"))
		return record;
	/* Records are shared with the store's cache. */
	merged = record != NULL ? json_copy(record) : json_object();
	json_object_update(merged, process);
	json_decref(record);
	return merged;
}
