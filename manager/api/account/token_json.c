/*
 * {"id", "scope", "app", "user", ...}: a token, as people see it.
 */
#include "api/http/id.h"
#include "api/model.h"
#include "api/access/browser.h"
#include "api/access/token.h"
#include "api/access/user.h"
#include "store/names.h"

json_t *
model_token(struct store *st, const char *id, json_t *token)
{
	const char *app = model_text(token, "app");
	char name[KEY_NAME_MAX + 1];
	int64_t expires = model_number(token, "expires"), now = id_now();

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:b}", "id",
	    id, "description", model_text(token, "description"), "scope",
	    model_text(token, "scope"), "app",
	    app[0] != '\0' ? json_pack("{s:s}", "name", names_of(st, app, name))
			   : json_null(),
	    "user",
	    model_user_ref(
		model_text(token, "user"), model_text(token, "owner")),
	    "created_at", id_time_of(token, "created"), "expires_at",
	    id_time_of(token, "expires"), "last_used_at",
	    id_time_of(token, "used"), "expired",
	    (expires != 0 && expires <= now) || !browser_lives(st, token, now));
}
