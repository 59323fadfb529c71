/*
 * {"id", "email", "name", "role", ...}: a user, with the fields of Heroku's
 * account and a role for all apps.
 */
#include "api/http/id.h"
#include "api/model.h"
#include "api/access/user.h"

json_t *
model_user(const char *email, json_t *user)
{
	const char *name = model_text(user, "name");
	json_t *shape;

	shape = json_pack("{s:s, s:s, s:o, s:s, s:b, s:b, s:b, s:b, s:b, s:b,"
			  " s:b, s:o, s:o, s:o, s:o}",
	    "id", model_text(user, "id"), "email", email, "name",
	    name[0] != '\0' ? json_string(name) : json_null(), "role",
	    model_text(user, "role"), "suspended", user_is_suspended(user),
	    "has_password", model_text(user, "password")[0] != '\0',
	    "federated", 0, "verified", 1, "beta",
	    json_is_true(json_object_get(user, "beta")), "allow_tracking",
	    json_is_true(json_object_get(user, "allow_tracking")),
	    "two_factor_authentication", 0, "suspended_at",
	    id_time_of(user, "suspended_at"), "created_at",
	    id_time_of(user, "created"), "updated_at",
	    id_time_of(user, "updated"), "last_login",
	    id_time_of(user, "login"));
	/* Of Heroku's accounts, which have more to do with. */
	json_object_update_new(shape,
	    json_pack("{s:n, s:n, s:n, s:n, s:n, s:n}", "identity_provider",
		"sms_number", "delinquent_at", "country_of_residence",
		"default_organization", "default_team"));
	return shape;
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

json_t *
model_user_named(struct store *store, const char *email)
{
	uint64_t rev;
	json_t *user = user_get(store, email, &rev);
	json_t *ref = model_user_ref(email, model_text(user, "id"));

	json_decref(user);
	return ref;
}
