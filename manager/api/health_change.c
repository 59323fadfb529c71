/*
 * PUT /apps/APP/formation/TYPE/health {"path"}: instances of a web process
 * are ready, and stay so, as long as GET path answers 200 to 399.  DELETE:
 * whenever their port takes connections, which is the default.
 */
#include <string.h>

#include "api/app_change.h"
#include "api/check.h"
#include "api/formation.h"
#include "api/model.h"
#include "api/request.h"
#include "api/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

#define HEALTH_PATH_MAX 200

/* What may stand in a request line as it is. */
static int
path_valid(const char *path)
{
	if (*path != '/')
		return 0;
	for (; *path != '\0'; path++)
		if (*path <= ' ' || *path >= 127 || *path == '#')
			return 0;
	return 1;
}

static const struct check_field fields[] = {
    {"path", CHECK_STRING, CHECK_REQUIRED, 1, HEALTH_PATH_MAX, path_valid,
	"a path of printable ASCII, as /healthz"},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* path NULL: back to the port. */
static void
health_change(struct request *r, const char *path)
{
	char key[STORE_KEY_MAX + 1];
	const char *type = r->params[1];
	json_t *types = formation_types(r), *formation, *shape;
	struct store_txn *txn;
	uint64_t rev;

	if (strcmp(type, "web") != 0 || json_object_get(types, type) == NULL) {
		if (json_object_get(types, type) == NULL)
			formation_unknown(r, MHD_HTTP_NOT_FOUND, "", type);
		else
			respond_invalid(r,
			    "type \"%.60s\" takes no requests: only web "
			    "processes have a health check",
			    type);
		json_decref(types);
		return;
	}
	formation = model_get_formation(r->api, r->name, type, &rev);
	if (path != NULL)
		json_object_set_new(
		    formation, "health", json_pack("{s:s}", "path", path));
	else
		json_object_del(formation, "health");
	model_own_formation(formation, r->app);
	txn = app_change_begin(r);
	key_format(key, "formation/%s/%s", r->name, type);
	store_if(txn, key, rev);
	store_put(txn, key, formation);
	store_event(txn, r->name, "health", "%s is checked by %s%s", type,
	    path != NULL ? "GET " : "its port", path != NULL ? path : "");
	shape = model_formation(r->api, r->name, r->app, type,
	    json_string_value(json_object_get(types, type)), formation);
	json_decref(formation);
	json_decref(types);
	request_commit(r, txn, MHD_HTTP_OK, shape);
}

void
health_put(struct request *r)
{
	char err[PAAS_ERRLEN];

	if (check_object(r->json, fields, "", err) == -1)
		respond_invalid(r, "%s", err);
	else
		health_change(r, model_text(r->json, "path"));
}

void
health_delete(struct request *r)
{
	health_change(r, NULL);
}
