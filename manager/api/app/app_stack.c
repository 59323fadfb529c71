/*
 * GET /regions, /stacks and /apps/APP/available-stacks: Heroku's clients ask,
 * and here there is one of each, the system that the platform runs on.
 */
#include "api/app/app_stack.h"

#include <string.h>

#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"

json_t *
app_stack_ref(const char *kind, const char *name)
{
	char id[37];

	id_derive(id, "", kind, name);
	return json_pack("{s:s, s:s}", "id", id, "name", name);
}

static int
stack_is(const char *kind, const char *name, const char *which)
{
	char id[37];

	id_derive(id, "", kind, name);
	return strcmp(which, name) == 0 || strcmp(which, id) == 0;
}

static int
stack_check(
    struct request *r, const char *field, const char *kind, const char *name)
{
	json_t *value = json_object_get(r->json, field);
	const char *which = json_string_value(value);

	if (which == NULL || stack_is(kind, name, which))
		return 0;
	respond_invalid(r,
	    "%s \"%.60s\" is not there: this platform's is \"%s\"", field,
	    which, name);
	return -1;
}

int
app_stack_check(struct request *r, const char *field)
{
	return stack_check(r, field, "stack", r->api->stack);
}

int
app_region_check(struct request *r, const char *field)
{
	return stack_check(r, field, "region", REGION);
}

/* ---- verbs ------------------------------------------------------------- */

static json_t *
stack_shape(struct request *r)
{
	json_t *shape = app_stack_ref("stack", r->api->stack);

	json_object_update_new(
	    shape, json_pack("{s:b, s:s, s:n, s:n}", "default", 1, "state",
		       "public", "created_at", "updated_at"));
	return shape;
}

static json_t *
region_shape(void)
{
	json_t *shape = app_stack_ref("region", REGION);

	json_object_update_new(shape,
	    json_pack("{s:s, s:s, s:s, s:b, s:b, s:{s:s, s:s}, s:n, s:n}",
		"description", "This machine", "country", "", "locale", "",
		"private_capable", 0, "default", 1, "provider", "name", "paas",
		"region", REGION, "created_at", "updated_at"));
	return shape;
}

/* The list, or one of it. */
static void
stack_answer(
    struct request *r, const char *kind, const char *name, json_t *shape)
{
	const char *which = r->uri.count > 1 ? r->params[0] : NULL;

	if (which == NULL)
		respond_json(r, MHD_HTTP_OK, json_pack("[O]", shape));
	else if (stack_is(kind, name, which))
		respond_json(r, MHD_HTTP_OK, json_incref(shape));
	else
		respond_missing(
		    r, "there is no %s %.60s: only %s", kind, which, name);
	json_decref(shape);
}

void
stack_list(struct request *r)
{
	stack_answer(r, "stack", r->api->stack, stack_shape(r));
}

void
stack_available(struct request *r)
{
	respond_json(r, MHD_HTTP_OK, json_pack("[o]", stack_shape(r)));
}

void
region_list(struct request *r)
{
	stack_answer(r, "region", REGION, region_shape());
}
