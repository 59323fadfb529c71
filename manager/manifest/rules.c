#include <string.h>

#include "manifest/manifest.h"

#define PATH_MAX_BYTES 200

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
