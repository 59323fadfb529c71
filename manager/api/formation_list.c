/*
 * GET /apps/APP/formation, and one type of it.
 */
#include "api/formation.h"
#include "api/model.h"
#include "api/request.h"
#include "api/respond.h"
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

json_t *
formation_shape(struct request *r, const char *type, json_t *command)
{
	json_t *formation, *shape;

	formation = model_get_formation(r->api, r->name, type, NULL);
	shape = model_formation(r->api, r->name, r->app, type,
	    json_string_value(command), formation);
	json_decref(formation);
	return shape;
}

void
formation_list(struct request *r)
{
	json_t *command, *list = json_array(), *types = formation_types(r);
	const char *type;

	json_object_foreach (types, type, command)
		json_array_append_new(list, formation_shape(r, type, command));
	json_decref(types);
	respond_json(r, MHD_HTTP_OK, list);
}

void
formation_info(struct request *r)
{
	json_t *types = formation_types(r);
	json_t *command = json_object_get(types, r->params[1]);

	if (command != NULL)
		respond_json(
		    r, MHD_HTTP_OK, formation_shape(r, r->params[1], command));
	else
		formation_unknown(r, MHD_HTTP_NOT_FOUND, "", r->params[1]);
	json_decref(types);
}
