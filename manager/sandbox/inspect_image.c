/*
 * What a build says of an image, checked as a stranger's: a buildpack may
 * have written it, and made a tree for it, that no image ever was.
 */
#include "sandbox/inspect.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define IMAGE_BYTES (48 * 1024)
#define PATH_BYTES  4096

static int
is_text(json_t *value)
{
	return json_is_string(value) &&
	       strlen(json_string_value(value)) == json_string_length(value);
}

static int
is_path(json_t *value)
{
	return is_text(value) && json_string_value(value)[0] == '/' &&
	       json_string_length(value) < PATH_BYTES;
}

static int
is_between(json_t *value, json_int_t least, json_int_t most)
{
	return json_is_integer(value) && json_integer_value(value) >= least &&
	       json_integer_value(value) <= most;
}

static int
is_well(json_t *image)
{
	json_t *argv = json_object_get(image, "argv"), *one;
	json_t *env = json_object_get(image, "env");
	json_t *port = json_object_get(image, "port");
	const char *name;
	size_t i;

	if (!json_is_array(argv) || json_array_size(argv) == 0 ||
	    !json_is_object(env) || !is_path(json_object_get(image, "cwd")) ||
	    !is_path(json_object_get(image, "home")) ||
	    !is_between(json_object_get(image, "uid"), 1, INT32_MAX - 1) ||
	    (port != NULL && !is_between(port, 1, 65535)) ||
	    json_dumpb(image, NULL, 0, JSON_COMPACT) > IMAGE_BYTES)
		return 0;
	json_array_foreach (argv, i, one)
		if (!is_text(one))
			return 0;
	json_object_foreach (env, name, one)
		if (!is_text(one) || name[0] == '\0' ||
		    strchr(name, '=') != NULL)
			return 0;
	return 1;
}

/* What launcher_root.c would refuse at each start. */
static int
has_places(int app)
{
	static const struct {
		const char *path;
		mode_t type;
	} places[] = {
	    {"proc", S_IFDIR},
	    {"dev", S_IFDIR},
	    {"tmp", S_IFDIR},
	    {".paas", S_IFDIR},
	    {"etc", S_IFDIR},
	    {"etc/hosts", S_IFREG},
	    {"etc/hostname", S_IFREG},
	    {"etc/resolv.conf", S_IFREG},
	};
	struct stat st;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (fstatat(app, places[i].path, &st, AT_SYMLINK_NOFOLLOW) ==
			-1 ||
		    (st.st_mode & S_IFMT) != places[i].type)
			return 0;
	return 1;
}

int
inspect_image(int app, json_t *image, char err[SANDBOX_ERRLEN])
{
	if (is_well(image) && has_places(app))
		return 0;
	snprintf(err, SANDBOX_ERRLEN,
	    "The build's result describes no image that could be run.");
	return -1;
}
