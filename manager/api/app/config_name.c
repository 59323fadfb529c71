#include "api/app/config_name.h"

#include <string.h>

#include "api/http/request.h"
#include "api/http/respond.h"
#include "common/config_name.h"

void
config_env_text(json_t *env)
{
	const char *name;
	json_t *value;

	json_object_foreach (env, name, value) {
		if (json_is_integer(value))
			json_object_set_new(env, name,
			    json_sprintf("%" JSON_INTEGER_FORMAT,
				json_integer_value(value)));
	}
}

int
config_check(struct request *r, json_t *vars, const char *where, int unset)
{
	const char *name;
	json_t *value;

	if (!json_is_object(vars)) {
		respond_invalid(r,
		    "%s has to be an object of {\"NAME\": \"value\"}",
		    where[0] != '\0' ? where : "the body");
		return -1;
	}
	json_object_foreach (vars, name, value) {
		if (!config_name_valid(name))
			respond_invalid(r,
			    "\"%.60s\" is no name of %s: it takes "
			    "A-Z, a-z, 0-9 and '_', and does not start with a "
			    "digit",
			    name,
			    where[0] != '\0' ? "a variable" : "a config var");
		else if (config_name_reserved(name))
			respond_invalid(r,
			    "%s is set by the platform: choose another name "
			    "than PORT, DYNO and PAAS_*",
			    name);
		else if (!json_is_string(value) &&
			 !(unset && json_is_null(value)))
			respond_invalid(r, "%s has to be a string%s", name,
			    unset ? ", or null to unset it" : "");
		else if (json_string_length(value) > CONFIG_VALUE_MAX)
			respond_invalid(
			    r, "%s is over %d bytes", name, CONFIG_VALUE_MAX);
		if (respond_given(r))
			return -1;
	}
	return 0;
}
