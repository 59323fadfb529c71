/*
 * The environments of a build: what buildpacks run with, and ENV_DIR, where
 * they find the app's config vars, a file each
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

#define NAME_LEN 255

/* ---- lists of NAME=VALUE --------------------------------------------- */

static size_t
env_find(const struct env *env, const char *name)
{
	size_t i, len = strlen(name);

	for (i = 0; i < env->n; i++)
		if (strncmp(env->v[i], name, len) == 0 && env->v[i][len] == '=')
			break;
	return i;
}

void
env_set(struct env *env, const char *name, const char *value)
{
	size_t i = env_find(env, name);
	char *text;

	if (asprintf(&text, "%s=%s", name, value) == -1)
		abort();
	if (i < env->n) {
		free(env->v[i]);
		env->v[i] = text;
		return;
	}
	env->v = reallocarray(env->v, env->n + 2, sizeof(*env->v));
	if (env->v == NULL)
		abort();
	env->v[env->n++] = text;
	env->v[env->n] = NULL;
}

void
env_prepend(struct env *env, const char *name, const char *value)
{
	size_t i = env_find(env, name);
	char *text;

	if (i == env->n) {
		env_set(env, name, value);
		return;
	}
	if (asprintf(&text, "%s:%s", value, env->v[i] + strlen(name) + 1) == -1)
		abort();
	env_set(env, name, text);
	free(text);
}

void
env_free(struct env *env)
{
	for (size_t i = 0; i < env->n; i++)
		free(env->v[i]);
	free(env->v);
	env->v = NULL;
	env->n = 0;
}

/* ---- config vars ----------------------------------------------------- */

static int
is_name(const char *name, size_t len)
{
	size_t i;

	if (len == 0 || len > NAME_LEN)
		return 0;
	for (i = 0; i < len; i++)
		if (name[i] == '/' || (unsigned char)name[i] <= 0x20 ||
		    name[i] == 0x7f)
			return 0;
	return name[0] != '.';
}

/* The config var that an entry of environ is: its name and value, or NULL. */
static const char *
config_var(const char *entry, char name[NAME_LEN + 1])
{
	const size_t prefix = sizeof(ENV_CONFIG) - 1;
	const char *value = strchr(entry, '=');
	size_t len;

	if (value == NULL || strncmp(entry, ENV_CONFIG, prefix) != 0)
		return NULL;
	len = (size_t)(value - entry) - prefix;
	if (!is_name(entry + prefix, len))
		return NULL;
	memcpy(name, entry + prefix, len);
	name[len] = '\0';
	return value + 1;
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
	char name[NAME_LEN + 1];
	const char *value;
	int fd, result = 0;

	if (mkdir(dir, 0700) == -1 ||
	    (fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1) {
		snprintf(err, SANDBOX_ERRLEN, "%s can't be made: %s.", dir,
		    strerror(errno));
		return -1;
	}
	for (char **e = environ; *e != NULL && result == 0; e++)
		if ((value = config_var(*e, name)) != NULL)
			result = write_var(fd, name, value);
	if (result == -1)
		snprintf(err, SANDBOX_ERRLEN,
		    "The config vars can't be handed to the buildpacks: %s.",
		    strerror(errno));
	close(fd);
	return result;
}

/* Those that would make another system of this one. */
static int
is_of_system(const char *name)
{
	static const char *const names[] = {"PATH", "HOME", "IFS", "ENV",
	    "BASH_ENV", "BASHOPTS", "SHELLOPTS", "GIT_DIR", "STACK", "CF_STACK",
	    "DEPS_DIR", "TMPDIR"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return 1;
	return strncmp(name, "LD_", 3) == 0 || strncmp(name, "PAAS_", 5) == 0;
}

void
env_add_config(struct env *env)
{
	char name[NAME_LEN + 1];
	const char *value;

	for (char **e = environ; *e != NULL; e++)
		if ((value = config_var(*e, name)) != NULL &&
		    !is_of_system(name))
			env_set(env, name, value);
}

/* ---- of all packs ---------------------------------------------------- */

/* "debian-12": /etc/os-release is the machine's own. */
static void
stack_read(char *stack, size_t len)
{
	char line[256], id[32] = "debian", version[32] = "";
	FILE *file = fopen("/etc/os-release", "re");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		(void)sscanf(line, "ID=%31[a-z0-9._-]", id);
		(void)sscanf(line, "VERSION_ID=\"%31[a-z0-9._-]", version);
	}
	if (file != NULL)
		fclose(file);
	snprintf(
	    stack, len, "%s%s%s", id, version[0] != '\0' ? "-" : "", version);
}

void
env_of_packs(struct env *env)
{
	/* Packs of others ask for a stack by name: a config var says it. */
	static const char *const passed[][2] = {
	    {"LANG", "LANG"},
	    {"STACK", ENV_CONFIG "STACK"},
	    {"CF_STACK", ENV_CONFIG "CF_STACK"},
	    {"SOURCE_VERSION", "SOURCE_VERSION"},
	    {"REQUEST_ID", "REQUEST_ID"},
	};
	char stack[80];
	const char *value;

	stack_read(stack, sizeof(stack));
	env_set(env, "PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
	/* Not /app: what tools leave at home is no part of a slug. */
	env_set(env, "HOME", "/tmp/home");
	env_set(env, "LANG", "C.UTF-8");
	env_set(env, "STACK", stack);
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		if ((value = getenv(passed[i][1])) != NULL && *value != '\0')
			env_set(env, passed[i][0], value);
}
