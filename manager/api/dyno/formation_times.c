/*
 * PATCH /apps/APP/formation/TYPE {"start_timeout", "drain_timeout",
 * "stop_timeout"}: seconds, or null for those of paas.conf.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/app/app_change.h"
#include "api/http/check.h"
#include "api/dyno/formation.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "common/health_rule.h"

#define NULLABLE CHECK_NUMBER, CHECK_NULLABLE

static const struct check_field fields[] = {
    {"start_timeout", NULLABLE, 1, HEALTH_SECONDS_MAX, NULL, NULL},
    {"drain_timeout", NULLABLE, 0, HEALTH_SECONDS_MAX, NULL, NULL},
    {"stop_timeout", NULLABLE, 0, HEALTH_SECONDS_MAX, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

int
formation_has_times(json_t *json)
{
	size_t i;

	for (i = 0; fields[i].name != NULL; i++)
		if (json_object_get(json, fields[i].name) != NULL)
			return 1;
	return 0;
}

/* Until it is ready is part of its health check. */
static void
time_put(json_t *formation, const char *name, json_t *value)
{
	json_t *health, *in = formation;

	if (strcmp(name, "start_timeout") == 0) {
		health = json_object_get(formation, "health");
		in = health != NULL ? json_copy(health) : json_object();
	}
	if (json_is_null(value))
		json_object_del(in, name);
	else
		json_object_set_new(
		    in, name, json_integer(check_number(value)));
	if (in == formation)
		return;
	if (json_object_size(in) > 0)
		json_object_set(formation, "health", in);
	else
		json_object_del(formation, "health");
	json_decref(in);
}

static void
describe(json_t *times, char *text, size_t len)
{
	const char *name;
	json_t *value;
	size_t at = 0;

	text[0] = '\0';
	json_object_foreach (times, name, value) {
		if (at >= len)
			break;
		at += (size_t)snprintf(text + at, len - at, "%s%.*s ",
		    at > 0 ? ", " : "", (int)strcspn(name, "_"), name);
		if (at >= len)
			break;
		at += json_is_null(value)
			  ? (size_t)snprintf(text + at, len - at, "as usual")
			  : (size_t)snprintf(text + at, len - at,
				"%" PRId64 " s", check_number(value));
	}
}

void
formation_times(struct request *r)
{
	char err[PAAS_ERRLEN], text[128];
	const char *name, *type = r->params[1];
	json_t *types, *formation, *shape, *value;
	struct store_txn *txn;
	uint64_t rev;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	types = formation_types(r);
	if (json_object_get(types, type) == NULL) {
		formation_unknown(r, MHD_HTTP_NOT_FOUND, "", type);
		json_decref(types);
		return;
	}
	formation = model_get_formation(r->api, r->name, type, &rev);
	json_object_foreach (r->json, name, value)
		time_put(formation, name, value);
	txn = app_change_begin(r);
	describe(r->json, text, sizeof(text));
	store_event(txn, r->name, "scale", "times of %s: %s", type, text);
	shape = formation_put(r, txn, type,
	    json_string_value(json_object_get(types, type)), formation, rev);
	json_decref(types);
	request_commit(r, txn, MHD_HTTP_OK, shape);
}
