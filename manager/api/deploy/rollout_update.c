/*
 * GET /apps/APP/rollout: how the app gets from one release to the next, and
 * how far it is.  PATCH sets how the next roll-outs go; null puts a setting
 * back.
 */
#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/app/app_change.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "schedule/strategy.h"
#include "store/keys.h"

void
rollout_info(struct request *r)
{
	respond_json(r, MHD_HTTP_OK, model_rollout(r->api, r->name, r->app));
}

/* "strategy=canary max_surge=(default)" */
static void
describe(char *text, size_t len, const char *name, json_t *value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT,
	    json_integer_value(value));
	if (text[0] != '\0')
		strlcat(text, " ", len);
	strlcat(text, name, len);
	strlcat(text, "=", len);
	strlcat(text,
	    value == NULL           ? "(default)"
	    : json_is_string(value) ? json_string_value(value)
				    : digits,
	    len);
}

/* What was set, with the changes; text tells of them.  NULL after an answer. */
static json_t *
apply(struct request *r, char *text, size_t len)
{
	json_t *set = json_deep_copy(json_object_get(r->app, "rollout"));
	char err[PAAS_ERRLEN] = "";
	json_t *given, *value;
	const char *name;

	if (set == NULL)
		set = json_object();
	text[0] = '\0';
	if (!json_is_object(r->json))
		strlcpy(err, "the body has to be an object", sizeof(err));
	json_object_foreach (r->json, name, given) {
		value = NULL;
		if (json_is_null(given) && strategy_has(name))
			json_object_del(set, name);
		else if ((value = strategy_parse(name, given, err)) == NULL)
			break;
		else
			json_object_set_new(set, name, value);
		describe(text, len, name, value);
	}
	if (err[0] == '\0' && strategy_check(set, err) == 0)
		return set;
	respond_invalid(r, "%s", err);
	json_decref(set);
	return NULL;
}

void
rollout_update(struct request *r)
{
	char key[STORE_KEY_MAX + 1], text[PAAS_ERRLEN];
	struct store_txn *txn;
	json_t *app, *set;

	if ((set = apply(r, text, sizeof(text))) == NULL)
		return;
	if (text[0] == '\0') {
		json_decref(set);
		rollout_info(r);
		return;
	}
	app = model_touch(r->app);
	json_object_set_new(app, "rollout", set);
	txn = app_change_begin(r);
	store_put(txn, key_format(key, "app/%s", r->name), app);
	store_event(txn, r->name, "rollout", "roll-outs: %s", text);
	request_commit(
	    r, txn, MHD_HTTP_OK, model_rollout(r->api, r->name, app));
	json_decref(app);
}
