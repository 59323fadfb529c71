/*
 * Reads result.json as a stranger's: the build that wrote it ran code of
 * the app in the same sandbox.
 */
#include "sandbox/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *
read_file(int dirfd, size_t *len, char err[SANDBOX_ERRLEN])
{
	struct stat st;
	char *text = NULL;
	ssize_t n = 0;
	int fd;

	*len = 0;
	fd = openat(dirfd, "result.json",
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1) {
		snprintf(err, SANDBOX_ERRLEN, "The build left no result: %s.",
		    strerror(errno));
	} else if (!S_ISREG(st.st_mode) || st.st_size > RESULT_MAX) {
		snprintf(err, SANDBOX_ERRLEN,
		    "The build's result is no file of at most %d KiB.",
		    RESULT_MAX / 1024);
	} else {
		text = malloc(RESULT_MAX);
		if (text == NULL)
			abort();
		while (*len < RESULT_MAX &&
		       (n = read(fd, text + *len, RESULT_MAX - *len)) > 0)
			*len += (size_t)n;
		if (n == -1) {
			snprintf(err, SANDBOX_ERRLEN,
			    "The build's result can't be read: %s.",
			    strerror(errno));
			free(text);
			text = NULL;
		}
	}
	if (fd != -1)
		close(fd);
	return text;
}

static int
read_types(json_t *map, struct types *types, char err[SANDBOX_ERRLEN])
{
	const char *name;
	json_t *command;

	if (!json_is_object(map) || json_object_size(map) == 0) {
		snprintf(err, SANDBOX_ERRLEN,
		    "The build's result names no process types.");
		return -1;
	}
	json_object_foreach (map, name, command) {
		if (json_is_string(command) &&
		    types_add(types, name, strlen(name),
			json_string_value(command), json_string_length(command),
			0) == TYPES_OK)
			continue;
		snprintf(err, SANDBOX_ERRLEN,
		    "The build's result has a process type that is not "
		    "valid, or more than %d of them.",
		    SANDBOX_TYPES_MAX);
		return -1;
	}
	return 0;
}

static int
var_valid(const char *name, const json_t *value)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz_0123456789";
	size_t len = strspn(name, letters);

	return len > 0 && len <= SANDBOX_VAR_NAME && name[len] == '\0' &&
	       (name[0] < '0' || name[0] > '9') && json_is_string(value) &&
	       json_string_length(value) <= SANDBOX_VAR_VALUE;
}

/* A line of the log holds all of the answer. */
static int
read_config(json_t *map, json_t **config, char err[SANDBOX_ERRLEN])
{
	const char *name;
	json_t *value;
	int valid = map == NULL || json_is_object(map);

	json_object_foreach (map, name, value)
		if (!var_valid(name, value))
			valid = 0;
	if (!valid || json_object_size(map) > SANDBOX_VARS_MAX ||
	    json_dumpb(map, NULL, 0, JSON_COMPACT) > SANDBOX_VARS_BYTES) {
		snprintf(err, SANDBOX_ERRLEN,
		    "The build's result has config vars that are not valid, "
		    "or more than %d of them, or %d bytes.",
		    SANDBOX_VARS_MAX, SANDBOX_VARS_BYTES);
		return -1;
	}
	*config = json_incref(map);
	return 0;
}

/* For the manager to check; none is fine. */
static int
read_settings(json_t *given, json_t **settings, char err[SANDBOX_ERRLEN])
{
	if (given != NULL && !json_is_object(given)) {
		snprintf(err, SANDBOX_ERRLEN,
		    "The build's result has settings that are no object.");
		return -1;
	}
	if (json_dumpb(given, NULL, 0, JSON_COMPACT) > SETTINGS_MAX) {
		snprintf(err, SANDBOX_ERRLEN,
		    "What the manifest says is over %d KiB: set config vars "
		    "with `paas config:set`.",
		    SETTINGS_MAX / 1024);
		return -1;
	}
	*settings = json_incref(given);
	return 0;
}

void
inspect_free(struct inspect_found *found)
{
	types_free(&found->types);
	json_decref(found->settings);
	found->settings = NULL;
	json_decref(found->config);
	json_decref(found->image);
	found->config = found->image = NULL;
}

int
inspect_result(int dirfd, struct inspect_found *found, char err[SANDBOX_ERRLEN])
{
	const char *name;
	json_t *result = NULL;
	char *text;
	size_t len;
	int status = -1;

	if ((text = read_file(dirfd, &len, err)) == NULL)
		return -1;
	result = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	if (!json_is_object(result)) {
		snprintf(
		    err, SANDBOX_ERRLEN, "The build's result is not JSON.");
	} else {
		name = json_string_value(json_object_get(result, "buildpack"));
		/* Escaped, it is at home in a table on a terminal. */
		text_escape(found->buildpack, sizeof(found->buildpack),
		    name != NULL ? name : "");
		status = read_types(
		    json_object_get(result, "types"), &found->types, err);
		if (status == 0)
			status = read_config(json_object_get(result, "config"),
			    &found->config, err);
		if (status == 0)
			status =
			    read_settings(json_object_get(result, "settings"),
				&found->settings, err);
		found->image = json_incref(json_object_get(result, "image"));
	}
	json_decref(result);
	return status;
}
