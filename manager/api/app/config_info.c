/*
 * GET /apps/APP/config-vars: {"NAME": "value"}.
 */
#include "api/model.h"
#include "api/http/request.h"
#include "api/http/respond.h"
#include "api/verbs.h"
#include "store/keys.h"

void
config_info(struct request *r)
{
	char key[STORE_KEY_MAX + 1];
	json_t *config;

	config = store_get(
	    r->api->store, key_format(key, "config/%s", r->name), NULL);
	respond_json(r, MHD_HTTP_OK, config != NULL ? config : json_object());
}
