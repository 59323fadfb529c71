/*
 * POST /tokens {"app"?, "scope"?, "expires_in"?, "description"?}: a new token.
 */
#include <string.h>

#include "api/http/check.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/access/token.h"
#include "api/verbs.h"

#define EXPIRES_MIN 1
#define EXPIRES_MAX (10LL * 365 * 86400)
#define SCOPE       "deploy"

static int
token_scope_valid(const char *words)
{
	return who_scope(words) != 0;
}

static const struct check_field fields[] = {
    {"app", CHECK_STRING, CHECK_NULLABLE, 1, 64, NULL, NULL},
    {"scope", CHECK_STRING, 0, 0, 0, token_scope_valid, "of " SCOPE_FORM},
    {"expires_in", CHECK_NUMBER, CHECK_NULLABLE, EXPIRES_MIN, EXPIRES_MAX, NULL,
	NULL},
    {"description", CHECK_STRING, CHECK_NULLABLE, 0, 100, NULL, NULL},
    {NULL, 0, 0, 0, 0, NULL, NULL},
};

/* The app that the body names: 0, -1 after an answer. */
static int
token_find_app(struct request *r)
{
	const char *which = model_text(r->json, "app");

	json_decref(r->app);
	r->app = NULL;
	if (which[0] == '\0')
		return 0;
	r->app = model_find_app(r->api, which, r->name, &r->app_rev);
	if (r->app != NULL &&
	    who_role_for(r->api, &r->who, r->name) != ROLE_NONE)
		return 0;
	respond_missing(r, "there is no app named %.60s", which);
	return -1;
}

static json_t *
token_shape_new(
    struct store *st, const char *id, json_t *record, const char *text)
{
	json_t *shape = model_token(st, id, record);

	json_object_set_new(shape, "token", json_string(text));
	return shape;
}

void
token_create(struct request *r)
{
	struct token_wish wish;
	char err[PAAS_ERRLEN];
	const char *scope;

	if (check_object(r->json, fields, "", err) == -1) {
		respond_invalid(r, "%s", err);
		return;
	}
	if (token_find_app(r) == -1)
		return;
	scope = model_text(r->json, "scope");
	wish.scope = scope[0] != '\0' ? scope : SCOPE;
	wish.description = model_text(r->json, "description");
	wish.seconds = check_number(json_object_get(r->json, "expires_in"));
	wish.session = 0;
	token_issue(r, store_begin(r->api->store), &wish, token_shape_new);
}
