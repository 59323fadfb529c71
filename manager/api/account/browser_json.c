/*
 * {"id", "user", "created_at", ...}: a browser's session, without its secret.
 */
#include "api/account/browser_json.h"

#include "api/access/browser.h"
#include "api/http/id.h"
#include "api/model.h"
#include "api/http/request.h"
#include "api/access/user.h"
#include "store/keys.h"

json_t *
model_browser(struct request *r, const char *id, json_t *record, int mine)
{
	char csrf[BROWSER_CSRF];
	uint64_t number = 0;
	json_t *shape;

	(void)key_parse_id(id, &number);
	shape = json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:b}", "id",
	    id, "description", model_text(record, "description"), "address",
	    model_text(record, "address"), "idle_timeout",
	    (json_int_t)(model_number(record, "idle") / 1000000), "user",
	    model_user_ref(
		model_text(record, "user"), model_text(record, "owner")),
	    "created_at", id_time_of(record, "created"), "expires_at",
	    id_time_of(record, "expires"), "last_used_at",
	    id_time_of(record, "used"), "current", mine);
	if (mine) {
		browser_csrf(r, number, csrf);
		json_object_set_new(shape, "csrf_token", json_string(csrf));
	}
	return shape;
}
