/*
 * GET and PATCH /apps/APP/log-limits {"disk", "rate"}: how many bytes of an
 * app's log are kept, and how many may come in a second; null is what
 * paas.conf says.
 */
#include <inttypes.h>
#include <stdio.h>

#include "api/app/app_change.h"
#include "api/http/check.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "node/appmap.h"
#include "store/keys.h"

static const struct check_field fields[] = {
    {"disk", CHECK_INT, CHECK_NULLABLE, CONF_APP_LOG_MAX_LEAST,
	CONF_APP_LOG_MAX_MOST, NULL, NULL},
    {"rate", CHECK_INT, CHECK_NULLABLE, CONF_LOG_RATE_LEAST, CONF_LOG_RATE_MOST,
	NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

static json_t *
limits_shape(struct request *r, json_t *app)
{
	struct app_log_limits limits;

	appmap_log_limits(r->api->conf, app, &limits);
	return json_pack("{s:o, s:I, s:I}", "app", model_app_ref(r->name, app),
	    "disk", (json_int_t)limits.disk, "rate", (json_int_t)limits.rate);
}

void
log_limits_info(struct request *r)
{
	respond_json(r, MHD_HTTP_OK, limits_shape(r, r->app));
}

/* What was said is set, or is the default again. */
static void
limits_take(json_t *app, json_t *said)
{
	json_t *set = json_object_get(app, "log"), *value;
	const char *name;

	set = set != NULL ? json_copy(set) : json_object();
	json_object_foreach (said, name, value) {
		if (json_is_null(value))
			json_object_del(set, name);
		else
			json_object_set(set, name, value);
	}
	json_object_set_new(app, "log", set);
}

void
log_limits_set(struct request *r)
{
	char err[PAAS_ERRLEN], key[STORE_KEY_MAX + 1];
	struct app_log_limits limits;
	struct store_txn *txn;
	json_t *app;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	app = model_touch(r->app);
	limits_take(app, r->json);
	appmap_log_limits(r->api->conf, app, &limits);
	txn = app_change_begin(r);
	store_put(txn, key_format(key, "app/%s", r->name), app);
	store_event(txn, r->name, "limits",
	    "limits of the log: disk=%" PRIu64 " rate=%" PRIu64, limits.disk,
	    limits.rate);
	request_commit(r, txn, MHD_HTTP_OK, limits_shape(r, app));
	json_decref(app);
}
