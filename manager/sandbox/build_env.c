/*
 * The two environments of a build: what buildpacks run with, and ENV_DIR,
 * where they find the app's config vars, a file each
 * (https://devcenter.heroku.com/articles/buildpack-api).
 */
#include "sandbox/build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
is_name(const char *name, size_t len)
{
	size_t i;

	if (len == 0 || len > 255)
		return 0;
	for (i = 0; i < len; i++)
		if (name[i] == '/' || (unsigned char)name[i] <= 0x20 ||
		    name[i] == 0x7f)
			return 0;
	return name[0] != '.';
}

static int
write_var(int dir, const char *name, const char *value)
{
	size_t left = strlen(value);
	ssize_t n;
	int fd;

	fd = openat(dir, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	while (left > 0) {
		n = write(fd, value, left);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			close(fd);
			return -1;
		}
		value += n;
		left -= (size_t)n;
	}
	return close(fd);
}

int
env_write_dir(const char *dir, char err[SANDBOX_ERRLEN])
{
	char name[256];
	const char *value;
	size_t len;
	int fd, result = 0;

	if (mkdir(dir, 0700) == -1 ||
	    (fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1) {
		snprintf(err, SANDBOX_ERRLEN, "%s can't be made: %s.", dir,
		    strerror(errno));
		return -1;
	}
	for (char **e = environ; *e != NULL && result == 0; e++) {
		if (strncmp(*e, ENV_CONFIG, sizeof(ENV_CONFIG) - 1) != 0)
			continue;
		value = strchr(*e, '=');
		if (value == NULL)
			continue;
		len = (size_t)(value - *e) - (sizeof(ENV_CONFIG) - 1);
		if (!is_name(*e + sizeof(ENV_CONFIG) - 1, len))
			continue;
		memcpy(name, *e + sizeof(ENV_CONFIG) - 1, len);
		name[len] = '\0';
		result = write_var(fd, name, value + 1);
	}
	if (result == -1)
		snprintf(err, SANDBOX_ERRLEN,
		    "The config vars can't be handed to the buildpacks: %s.",
		    strerror(errno));
	close(fd);
	return result;
}

char *const *
env_of_packs(void)
{
	/* HOME is not /app: what tools leave at home is no part of a slug. */
	static const char *const defaults[][2] = {
	    {"PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"},
	    {"HOME", "/tmp/home"},
	    {"LANG", "C.UTF-8"},
	    {"STACK", "debian-12"},
	    {"SOURCE_VERSION", NULL},
	    {"REQUEST_ID", NULL},
	};
	static char *envp[sizeof(defaults) / sizeof(defaults[0]) + 1];
	const char *value;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		value = getenv(defaults[i][0]);
		if (value == NULL || i < 2)
			value = defaults[i][1];
		if (value == NULL)
			continue;
		if (asprintf(&envp[n++], "%s=%s", defaults[i][0], value) == -1)
			abort();
	}
	envp[n] = NULL;
	return envp;
}
