#include <string.h>

#include "manifest/manifest.h"

#define NAME_MAX_BYTES 128
#define PATH_MAX_BYTES 200

int
rule_config_name(const char *name)
{
	size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789_");

	return len > 0 && len <= NAME_MAX_BYTES && name[len] == '\0' &&
	       (name[0] < '0' || name[0] > '9');
}

int
rule_config_reserved(const char *name)
{
	return strcmp(name, "PORT") == 0 || strcmp(name, "DYNO") == 0 ||
	       strncmp(name, "PAAS_", 5) == 0;
}

int
rule_health_path(const char *path)
{
	if (*path != '/' || strlen(path) > PATH_MAX_BYTES)
		return 0;
	for (; *path != '\0'; path++)
		if (*path <= ' ' || *path >= 127 || *path == '#')
			return 0;
	return 1;
}
