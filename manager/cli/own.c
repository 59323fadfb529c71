#include "cli/own.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each folder on the way from `at` on. */
static int
own_make(char path[PATH_MAX], size_t at)
{
	char *slash = path + at;
	int rc;

	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		rc = mkdir(path, 0700);
		*slash = '/';
		if (rc == -1 && errno != EEXIST)
			return -1;
	}
	return 0;
}

int
own_path(char path[PATH_MAX], const char *name, int make)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	size_t at = 0;
	int len;

	if (base != NULL && base[0] == '/')
		len = snprintf(path, PATH_MAX, "%s/paas/%s", base, name);
	else if (home != NULL && home[0] == '/') {
		at = strlen(home);
		len =
		    snprintf(path, PATH_MAX, "%s/.config/paas/%s", home, name);
	} else {
		errno = ENOENT;
		return -1;
	}
	if (base != NULL && base[0] == '/')
		at = strlen(base) - 1;
	if (len < 0 || len >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return make ? own_make(path, at) : 0;
}

/* Written beside it, and moved over it. */
int
own_write(const char *name, const char *text)
{
	char path[PATH_MAX], temp[PATH_MAX];
	int error, fd, ok;

	if (own_path(path, name, 1) == -1 ||
	    strlcpy(temp, path, sizeof(temp)) >= sizeof(temp) ||
	    strlcat(temp, ".XXXXXX", sizeof(temp)) >= sizeof(temp) ||
	    (fd = mkostemp(temp, O_CLOEXEC)) == -1)
		return -1;
	ok = fchmod(fd, 0600) == 0 &&
	     write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
	     fsync(fd) == 0;
	ok &= close(fd) == 0;
	if (ok && rename(temp, path) == 0)
		return 0;
	error = errno;
	(void)unlink(temp);
	errno = error;
	return -1;
}
