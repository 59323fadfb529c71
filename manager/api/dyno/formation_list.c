/*
 * GET /apps/APP/formation, and one type of it.
 */
#include <string.h>

#include "api/dyno/formation.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"

json_t *
formation_types(struct request *r)
{
	json_t *release, *types;

	release = model_get_release(
	    r->api, r->name, model_base_version(r->api, r->name, r->app));
	types = json_copy(json_object_get(release, "types"));
	json_decref(release);
	/* It runs once a release, and is not scaled. */
	json_object_del(types, "release");
	return types != NULL ? types : json_object();
}

const char *
formation_command(struct request *r, json_t *types, const char *type)
{
	static const char *const oneoffs[] = {
	    "run", "cron", "release", "postdeploy"};
	json_t *command = json_object_get(types, type);
	size_t i;

	if (command != NULL)
		return json_string_value(command);
	for (i = 0; i < sizeof(oneoffs) / sizeof(oneoffs[0]); i++) {
		if (strcmp(oneoffs[i], type) == 0)
			return "";
	}
	formation_unknown(r, MHD_HTTP_NOT_FOUND, "", type);
	return NULL;
}

json_t *
formation_shape(struct request *r, const char *type, const char *command)
{
	json_t *formation, *shape;

	formation = model_get_formation(r->api, r->name, type, NULL);
	shape =
	    model_formation(r->api, r->name, r->app, type, command, formation);
	json_decref(formation);
	return shape;
}

void
formation_list(struct request *r)
{
	json_t *command, *list = json_array(), *types = formation_types(r);
	const char *type;

	json_object_foreach (types, type, command)
		json_array_append_new(
		    list, formation_shape(r, type, json_string_value(command)));
	json_decref(types);
	respond_json(r, MHD_HTTP_OK, list);
}

void
formation_info(struct request *r)
{
	json_t *types = formation_types(r);
	const char *command = formation_command(r, types, r->params[1]);

	if (command != NULL)
		respond_json(
		    r, MHD_HTTP_OK, formation_shape(r, r->params[1], command));
	json_decref(types);
}

json_t *
formation_put(struct request *r, struct store_txn *txn, const char *type,
    const char *command, json_t *formation, uint64_t rev)
{
	char key[STORE_KEY_MAX + 1];
	json_t *shape;

	model_own_formation(formation, r->app);
	key_format(key, "formation/%s/%s", r->name, type);
	store_if(txn, key, rev);
	store_put(txn, key, formation);
	shape =
	    model_formation(r->api, r->name, r->app, type, command, formation);
	json_decref(formation);
	return shape;
}
