/*
 * The size of a dyno: there is one, and what is in it is a matter of
 * PATCH /apps/APP/formation/TYPE/limits.  Clients name it when they scale.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/dyno/dyno.h"
#include "api/app/app_stack.h"
#include "api/http/check.h"
#include "api/http/id.h"
#include "api/model.h"

#define KIND "dyno-size"

json_t *
dyno_size_ref(void)
{
	return app_stack_ref(KIND, DYNO_SIZE);
}

int
dyno_size_is(const char *which)
{
	char id[37];

	id_derive(id, "", KIND, DYNO_SIZE);
	return strcasecmp(which, DYNO_SIZE) == 0 || strcmp(which, id) == 0;
}

int
dyno_size_check(json_t *update, const char *where, char err[PAAS_ERRLEN])
{
	static const struct check_field fields[] = {
	    {"id", CHECK_STRING, 0, 0, 0, dyno_size_is, DYNO_SIZE_FORM},
	    {"name", CHECK_STRING, 0, 0, 0, dyno_size_is, DYNO_SIZE_FORM},
	    {NULL, 0, 0, 0, 0, NULL, NULL},
	};
	json_t *size = json_object_get(update, "dyno_size");
	char path[64];

	if (size == NULL)
		return 0;
	snprintf(path, sizeof(path), "%s%sdyno_size", where,
	    where[0] != '\0' ? "." : "");
	if (json_object_size(size) > 0)
		return check_object(size, fields, path, err);
	snprintf(err, PAAS_ERRLEN, "%s.name is missing", path);
	return -1;
}
