/*
 * {"id", "email", "name", "role", ...}: a user, with the fields of Heroku's
 * account and a role for all apps.
 */
#include "api/id.h"
#include "api/model.h"
#include "api/user.h"

json_t *
model_user(const char *email, json_t *user)
{
	const char *name = model_text(user, "name");

	return json_pack("{s:s, s:s, s:o, s:s, s:b, s:b, s:b, s:b, s:b, s:b,"
			 " s:n, s:o, s:o, s:o, s:o}",
	    "id", model_text(user, "id"), "email", email, "name",
	    name[0] != '\0' ? json_string(name) : json_null(), "role",
	    model_text(user, "role"), "suspended", user_is_suspended(user),
	    "has_password", model_text(user, "password")[0] != '\0',
	    "federated", 0, "verified", 1, "beta", 0, "allow_tracking", 0,
	    "two_factor_authentication", "suspended_at",
	    id_time_of(user, "suspended_at"), "created_at",
	    id_time_of(user, "created"), "updated_at",
	    id_time_of(user, "updated"), "last_login",
	    id_time_of(user, "login"));
}

json_t *
model_user_ref(const char *email, const char *id)
{
	char derived[37];

	/* Of this machine's administrators, who have no record. */
	if (id[0] == '\0') {
		id_derive(derived, "", "owner", email);
		id = derived;
	}
	return json_pack("{s:s, s:s}", "email", email, "id", id);
}
