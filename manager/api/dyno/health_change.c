/*
 * PUT /apps/APP/formation/TYPE/health: how processes of a type are checked,
 * as common/health_rule.h has it.  An instance is ready, and stays so, as
 * long as that goes well; if it does not, it gets no more requests, and is
 * restarted after more failures.  DELETE: by its port, which is the default,
 * or, where a type takes no requests, by its process.
 *
 * PUT and DELETE .../readiness: a second check, which restarts nothing.
 */
#include <stdio.h>
#include <string.h>

#include "api/app/app_change.h"
#include "api/http/check.h"
#include "api/dyno/formation.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "common/health_rule.h"

/* The end of "web is checked by ..." */
static void
describe(json_t *check, int readiness, char *text, size_t len)
{
	const char *path = json_string_value(json_object_get(check, "path"));

	switch (health_type_of(check)) {
	case HEALTH_HTTP:
		snprintf(text, len, "GET %s", path != NULL ? path : "/");
		break;
	case HEALTH_COMMAND:
		snprintf(text, len, "the command %.80s",
		    json_string_value(json_object_get(check, "command")));
		break;
	case HEALTH_PROCESS:
		snprintf(text, len, "its process");
		break;
	case HEALTH_PORT:
	case HEALTH_TYPES:
		snprintf(text, len, "%s",
		    check == NULL && readiness ? "its health" : "its port");
	}
}

/* Is it a check that this type can have? */
static int
check_fits(struct request *r, const char *field, json_t *check)
{
	int readiness = strcmp(field, "readiness") == 0;
	const char *bad, *form, *type = r->params[1];
	enum health_type is;

	if (health_check(check, readiness, &bad, &form) == -1) {
		respond_invalid(r, "%s %s", bad, form);
		return 0;
	}
	is = health_type_of(check);
	if (strcmp(type, "web") == 0)
		return 1;
	if (readiness) {
		respond_invalid(r,
		    "type \"%.60s\" takes no requests: only web processes "
		    "have a readiness",
		    type);
		return 0;
	}
	if (is == HEALTH_COMMAND || is == HEALTH_PROCESS)
		return 1;
	respond_invalid(r,
	    "type \"%.60s\" takes no requests: its health check has to be of "
	    "type process or command",
	    type);
	return 0;
}

/* Of the check before, the time to start stays, unless another is given. */
static void
check_put(json_t *formation, const char *field, json_t *check)
{
	json_t *old = json_object_get(formation, field), *time, *new;

	time = json_incref(json_object_get(old, "start_timeout"));
	new = check != NULL ? json_copy(check) : json_object();
	if (time != NULL && json_object_get(new, "start_timeout") == NULL)
		json_object_set(new, "start_timeout", time);
	if (json_object_size(new) > 0 || check != NULL)
		json_object_set(formation, field, new);
	else
		json_object_del(formation, field);
	json_decref(new);
	json_decref(time);
}

/* check NULL: back to the default. */
static void
check_change(struct request *r, const char *field, json_t *check)
{
	char text[256];
	const char *type = r->params[1];
	json_t *types = formation_types(r), *formation, *shape;
	struct store_txn *txn;
	uint64_t rev;

	if (json_object_get(types, type) == NULL) {
		formation_unknown(r, MHD_HTTP_NOT_FOUND, "", type);
		json_decref(types);
		return;
	}
	formation = model_get_formation(r->api, r->name, type, &rev);
	check_put(formation, field, check);
	txn = app_change_begin(r);
	describe(check, strcmp(field, "readiness") == 0, text, sizeof(text));
	store_event(txn, r->name, "health", "%s is %s by %s", type,
	    strcmp(field, "readiness") == 0 ? "given requests" : "checked",
	    text);
	shape = formation_put(r, txn, type,
	    json_string_value(json_object_get(types, type)), formation, rev);
	json_decref(types);
	request_commit(r, txn, MHD_HTTP_OK, shape);
}

static void
check_take(struct request *r, const char *field)
{
	if (check_fits(r, field, r->json))
		check_change(r, field, r->json);
}

void
health_put(struct request *r)
{
	check_take(r, "health");
}

void
health_delete(struct request *r)
{
	check_change(r, "health", NULL);
}

void
readiness_put(struct request *r)
{
	check_take(r, "readiness");
}

void
readiness_delete(struct request *r)
{
	check_change(r, "readiness", NULL);
}
