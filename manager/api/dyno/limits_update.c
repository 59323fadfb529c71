/*
 * PATCH /apps/APP/formation/TYPE/limits {"memory", "cpu_quota", ...}: what
 * each of its instances may use; null is what paas.conf says.  Instances that
 * were started with others are replaced, new ones first.  TYPE may be "run" and
 * the like, too: what one-off processes get that are asked for from then on.
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
#include "api/verbs.h"
#include "node/limits.h"

#define LIMITS_FIELDS_MAX 16

/* The fields of a body, from the table of limits. */
static void
limits_fields(const struct conf *conf, struct check_field *fields)
{
	const struct limit *limit;

	for (limit = limits; limit->name != NULL; limit++)
		*fields++ = (struct check_field){limit->name, CHECK_INT,
		    CHECK_NULLABLE, (int64_t)limit->min,
		    (int64_t)limit_most(limit, conf), NULL, NULL};
	*fields = (struct check_field){0};
}

/*
 * Into the record: null is no limit of its own, but for the memory, which
 * every formation has.
 */
static void
limits_take(const struct conf *conf, json_t *formation, json_t *said)
{
	const char *name;
	json_t *value;

	json_object_foreach (said, name, value) {
		if (!json_is_null(value))
			json_object_set(formation, name, value);
		else if (strcmp(name, "memory") == 0)
			json_object_set_new(formation, name,
			    json_integer((json_int_t)conf->instance_memory));
		else
			json_object_del(formation, name);
	}
}

/* " memory=default pids=64" */
static void
limits_describe(json_t *said, char *text, size_t len)
{
	const char *name;
	json_t *value;
	size_t at = 0;

	text[0] = '\0';
	json_object_foreach (said, name, value) {
		if (at >= len)
			break;
		if (json_is_null(value))
			at += (size_t)snprintf(
			    text + at, len - at, " %s=default", name);
		else
			at += (size_t)snprintf(text + at, len - at,
			    " %s=%" PRId64, name,
			    (int64_t)json_integer_value(value));
	}
}

static void
limits_change(struct request *r, const char *type, const char *command)
{
	char text[PAAS_ERRLEN];
	json_t *formation, *shape;
	struct store_txn *txn;
	uint64_t rev;

	formation = model_get_formation(r->api, r->name, type, &rev);
	limits_take(r->api->conf, formation, r->json);
	limits_describe(r->json, text, sizeof(text));
	txn = app_change_begin(r);
	store_event(txn, r->name, "limits", "limits of %s:%s", type, text);
	shape = formation_put(r, txn, type, command, formation, rev);
	request_commit(r, txn, MHD_HTTP_OK, shape);
}

void
limits_update(struct request *r)
{
	struct check_field fields[LIMITS_FIELDS_MAX];
	const char *type = r->params[1];
	char err[PAAS_ERRLEN];
	const char *command;
	json_t *types;

	limits_fields(r->api->conf, fields);
	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	types = formation_types(r);
	command = formation_command(r, types, type);
	if (command == NULL)
		; /* answered */
	else if (json_object_size(r->json) == 0)
		respond_invalid(r, "no limit is given");
	else
		limits_change(r, type, command);
	json_decref(types);
}
