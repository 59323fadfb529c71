/*
 * A token is kept where only its owner reads it: in no argument list and not
 * in the config of a repository, which may be copied about.
 */
#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/git.h"

#define HOST_BYTES "abcdefghijklmnopqrstuvwxyz0123456789.-:"

/* A token that ends sooner is not worth to be used. */
#define LEFT_MIN 3600

int
git_host_valid(const char *host)
{
	size_t len = strspn(host, HOST_BYTES);

	return len > 0 && len < 255 && host[len] == '\0' && host[0] != '.' &&
	       strstr(host, "..") == NULL;
}

/* The folder's path and, made if need be, itself; -1 with errno. */
static int
token_folder(char path[PATH_MAX], int make)
{
	static const char *const below[] = {"/paas", "/git"};
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	size_t i;

	if (base != NULL && base[0] == '/')
		strlcpy(path, base, PATH_MAX);
	else if (home != NULL && home[0] == '/')
		snprintf(path, PATH_MAX, "%s/.config", home);
	else {
		errno = ENOENT;
		return -1;
	}
	if (make && mkdir(path, 0700) == -1 && errno != EEXIST)
		return -1;
	for (i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		if (strlcat(path, below[i], PATH_MAX) >= PATH_MAX) {
			errno = ENAMETOOLONG;
			return -1;
		}
		if (make && mkdir(path, 0700) == -1 && errno != EEXIST)
			return -1;
	}
	return 0;
}

static int
token_path(char path[PATH_MAX], const char *host, int make)
{
	if (token_folder(path, make) == -1)
		return -1;
	if (strlcat(path, "/", PATH_MAX) < PATH_MAX &&
	    strlcat(path, host, PATH_MAX) < PATH_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

int
git_token_load(const char *host, char token[GIT_TOKEN_MAX])
{
	char line[GIT_TOKEN_MAX + 64], path[PATH_MAX];
	long long expires;
	FILE *file;
	int got;

	if (token_path(path, host, 0) == -1 ||
	    (file = fopen(path, "re")) == NULL)
		return -1;
	got = fgets(line, sizeof(line), file) != NULL &&
	      sscanf(line, "%127s %lld", token, &expires) == 2;
	(void)fclose(file);
	explicit_bzero(line, sizeof(line));
	if (!got || (expires != 0 && expires < time(NULL) + LEFT_MIN))
		return -1;
	return 0;
}

/* Whole or not at all: written beside it, and moved over it. */
int
git_token_save(const char *host, const char *token, time_t expires)
{
	char path[PATH_MAX], temp[PATH_MAX];
	int error, fd, ok;

	if (token_path(path, host, 1) == -1 ||
	    strlcpy(temp, path, sizeof(temp)) >= sizeof(temp) ||
	    strlcat(temp, ".XXXXXX", sizeof(temp)) >= sizeof(temp) ||
	    (fd = mkostemp(temp, O_CLOEXEC)) == -1)
		return -1;
	ok = fchmod(fd, 0600) == 0 &&
	     dprintf(fd, "%s %lld\n", token, (long long)expires) > 0 &&
	     fsync(fd) == 0;
	ok &= close(fd) == 0;
	if (ok && rename(temp, path) == 0)
		return 0;
	error = errno;
	(void)unlink(temp);
	errno = error;
	return -1;
}

void
git_token_forget(const char *host)
{
	char path[PATH_MAX];

	if (token_path(path, host, 0) == 0)
		(void)unlink(path);
}
