#include "common/config_name.h"

#include <string.h>

int
config_name_valid(const char *name)
{
	size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789_");

	return len > 0 && len <= CONFIG_NAME_MAX && name[len] == '\0' &&
	       (name[0] < '0' || name[0] > '9');
}

int
config_name_reserved(const char *name)
{
	return strcmp(name, "PORT") == 0 || strcmp(name, "DYNO") == 0 ||
	       strncmp(name, "PAAS_", 5) == 0;
}
